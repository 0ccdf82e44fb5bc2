#include "cli/demo/scenario.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "cli/demo/attach.h"
#include "cli/demo/ports.h"
#include "cli/demo/private_netns_names.h"
#include "cli/demo/rtnl.h"
#include "cli/demo/scoped_netns.h"
#include "cli/demo/tc_drop.skel.h"
#include "cli/demo/tc_mirror.skel.h"
#include "cli/demo/udp_socket.h"
#include "cli/demo/xdp_abort.skel.h"

namespace correlate {
namespace {

constexpr char kBlueAddress[] = "10.77.0.1";
constexpr char kRedAddress[] = "10.77.0.2";
constexpr uint8_t kPrefixBits = 24;
constexpr char kBlueLink[] = "veth-blue";
constexpr char kRedLink[] = "veth-red";
constexpr char kMirrorLink[] = "mirror";
constexpr char kMirrorPeerLink[] = "mirror-peer";
constexpr MacAddress kBlueMac = {0x02, 0, 0, 0x77, 0, 0x01};
constexpr MacAddress kRedMac = {0x02, 0, 0, 0x77, 0, 0x02};
constexpr MacAddress kMirrorMac = {0x02, 0, 0, 0x77, 0, 0x03};
constexpr MacAddress kMirrorPeerMac = {0x02, 0, 0, 0x77, 0, 0x04};
constexpr uint32_t kPref = 1;

template <typename Skeleton>
struct DestroySkeleton {
  void operator()(Skeleton* skeleton) const { Skeleton::destroy(skeleton); }
};
template <typename Skeleton>
using SkeletonPtr = std::unique_ptr<Skeleton, DestroySkeleton<Skeleton>>;

template <typename Skeleton>
absl::StatusOr<SkeletonPtr<Skeleton>> OpenSkeleton(const std::string& name) {
  SkeletonPtr<Skeleton> skeleton(Skeleton::open(nullptr));
  if (skeleton == nullptr) return ErrnoStatus(errno, absl::StrCat("BPF object ", name));
  return skeleton;
}

template <typename Skeleton>
absl::Status LoadSkeleton(Skeleton& skeleton, const std::string& name) {
  const int result = Skeleton::load(&skeleton);
  if (result == 0) return absl::OkStatus();
  return ErrnoStatus(-result, absl::StrCat("loading BPF program ", name),
                     result == -EPERM ? "run as root: this needs CAP_BPF and CAP_NET_ADMIN" : "");
}

absl::StatusOr<uint32_t> ProgramId(const bpf_program* program) {
  bpf_prog_info info = {};
  uint32_t bytes = sizeof info;
  const int result = bpf_prog_get_info_by_fd(bpf_program__fd(program), &info, &bytes);
  if (result != 0) return ErrnoStatus(-result, "information about a loaded BPF program");
  return info.id;
}

}  // namespace

class DemoScenario::Impl {
 public:
  absl::Status Build() {
    SilenceLibbpf();
    RETURN_IF_ERROR(JoinNamespaces());
    RETURN_IF_ERROR(SetUpRed());
    return SetUpBlue();
  }

  absl::Status SendRound() {
    for (const uint16_t port :
         {DEMO_PORT_TC_DROP, DEMO_PORT_ABORT, DEMO_PORT_MIRROR, DEMO_PORT_PASS}) {
      RETURN_IF_ERROR(sender_->SendTo(kRedAddress, port, "bpftrace-correlate demo"));
    }
    // Unread packets would become drops of their own when the sockets are closed.
    arrived_ += pass_receiver_->Drain() + mirror_receiver_->Drain();
    return absl::OkStatus();
  }

  uint64_t arrived() const { return arrived_; }
  const std::vector<DemoAct>& acts() const { return acts_; }

 private:
  absl::Status JoinNamespaces() {
    ASSIGN_OR_RETURN(blue_, ScopedNetns::Create());
    ASSIGN_OR_RETURN(red_, ScopedNetns::Create());
    RETURN_IF_ERROR(blue_->MountAt(NetnsNamePath("blue")));
    RETURN_IF_ERROR(red_->MountAt(NetnsNamePath("red")));
    ASSIGN_OR_RETURN(const NetnsEntry inside, blue_->Enter());
    RETURN_IF_ERROR(
        CreateVeth({kBlueLink, kBlueMac, blue_->fd()}, {kRedLink, kRedMac, red_->fd()}));
    return CreateVeth({kMirrorLink, kMirrorMac, blue_->fd()},
                      {kMirrorPeerLink, kMirrorPeerMac, blue_->fd()});
  }

  absl::Status SetUpRed() {
    ASSIGN_OR_RETURN(const NetnsEntry inside, red_->Enter());
    RETURN_IF_ERROR(AddAddress(kRedLink, kRedAddress, kPrefixBits));
    RETURN_IF_ERROR(SetLinkUp(kRedLink));
    RETURN_IF_ERROR(AddNeighbour(kRedLink, kBlueAddress, kBlueMac));

    ASSIGN_OR_RETURN(abort_, OpenSkeleton<xdp_abort_bpf>("xdp_abort"));
    RETURN_IF_ERROR(LoadSkeleton(*abort_, "xdp_abort"));
    RETURN_IF_ERROR(
        AttachXdp(kRedLink, XdpMode::kNative, bpf_program__fd(abort_->progs.xdp_abort)));
    RETURN_IF_ERROR(Tell(abort_->progs.xdp_abort,
                         absl::StrCat("xdp native on ", kRedLink, " (netns red)"),
                         absl::StrCat("aborts UDP to port ", DEMO_PORT_ABORT)));

    ASSIGN_OR_RETURN(drop_, OpenSkeleton<tc_drop_bpf>("tc_drop"));
    RETURN_IF_ERROR(LoadSkeleton(*drop_, "tc_drop"));
    RETURN_IF_ERROR(AddClsact(kRedLink));
    RETURN_IF_ERROR(
        AttachTc(kRedLink, TcDirection::kIngress, kPref, bpf_program__fd(drop_->progs.tc_drop)));
    RETURN_IF_ERROR(Tell(drop_->progs.tc_drop,
                         absl::StrCat("tc ingress on ", kRedLink, " (netns red)"),
                         absl::StrCat("drops UDP to port ", DEMO_PORT_TC_DROP)));

    ASSIGN_OR_RETURN(pass_receiver_, UdpSocket::Bind(kRedAddress, DEMO_PORT_PASS));
    ASSIGN_OR_RETURN(mirror_receiver_, UdpSocket::Bind(kRedAddress, DEMO_PORT_MIRROR));
    return absl::OkStatus();
  }

  absl::Status SetUpBlue() {
    ASSIGN_OR_RETURN(const NetnsEntry inside, blue_->Enter());
    RETURN_IF_ERROR(AddAddress(kBlueLink, kBlueAddress, kPrefixBits));
    RETURN_IF_ERROR(SetLinkUp(kBlueLink));
    RETURN_IF_ERROR(AddNeighbour(kBlueLink, kRedAddress, kRedMac));

    ASSIGN_OR_RETURN(mirror_, OpenSkeleton<tc_mirror_bpf>("tc_mirror"));
    ASSIGN_OR_RETURN(mirror_->rodata->mirror_ifindex, LinkIndex(kMirrorLink));
    RETURN_IF_ERROR(LoadSkeleton(*mirror_, "tc_mirror"));
    RETURN_IF_ERROR(AddClsact(kBlueLink));
    RETURN_IF_ERROR(AttachTc(kBlueLink, TcDirection::kEgress, kPref,
                             bpf_program__fd(mirror_->progs.tc_mirror)));
    RETURN_IF_ERROR(Tell(mirror_->progs.tc_mirror,
                         absl::StrCat("tc egress on ", kBlueLink, " (netns blue)"),
                         absl::StrCat("clones UDP to port ", DEMO_PORT_MIRROR, " towards '",
                                      kMirrorLink, "', which is down")));
    ASSIGN_OR_RETURN(sender_, UdpSocket::Bind(kBlueAddress, 0));
    return absl::OkStatus();
  }

  absl::Status Tell(const bpf_program* program, std::string where, std::string does) {
    ASSIGN_OR_RETURN(const uint32_t id, ProgramId(program));
    acts_.push_back({bpf_program__name(program), id, std::move(where), std::move(does)});
    return absl::OkStatus();
  }

  std::optional<ScopedNetns> blue_;
  std::optional<ScopedNetns> red_;
  SkeletonPtr<xdp_abort_bpf> abort_;
  SkeletonPtr<tc_drop_bpf> drop_;
  SkeletonPtr<tc_mirror_bpf> mirror_;
  std::optional<UdpSocket> sender_;
  std::optional<UdpSocket> pass_receiver_;
  std::optional<UdpSocket> mirror_receiver_;
  uint64_t arrived_ = 0;
  std::vector<DemoAct> acts_;
};

DemoScenario::DemoScenario(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DemoScenario::~DemoScenario() = default;

absl::StatusOr<std::unique_ptr<DemoScenario>> DemoScenario::Build() {
  auto impl = std::make_unique<Impl>();
  RETURN_IF_ERROR(impl->Build());
  return std::unique_ptr<DemoScenario>(new DemoScenario(std::move(impl)));
}

absl::Status DemoScenario::SendRound() { return impl_->SendRound(); }
uint64_t DemoScenario::arrived() const { return impl_->arrived(); }
const std::vector<DemoAct>& DemoScenario::acts() const { return impl_->acts(); }

}  // namespace correlate
