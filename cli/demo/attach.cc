#include "cli/demo/attach.h"

#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "cli/demo/rtnl.h"

namespace correlate {
namespace {

constexpr char kNeedsNetAdmin[] = "run as root: attaching programs needs CAP_NET_ADMIN";

absl::Status Told(int result, const std::string& what, const char* missing) {
  if (result == 0) return absl::OkStatus();
  const int error = -result;
  const char* advice = "";
  if (error == EPERM) advice = kNeedsNetAdmin;
  // The kernel asks modprobe for the module and answers this when there is none.
  if (error == ENOENT || error == EOPNOTSUPP) advice = missing;
  return ErrnoStatus(error, what, advice);
}

}  // namespace

absl::Status AddClsact(const std::string& link) {
  ASSIGN_OR_RETURN(const uint32_t index, LinkIndex(link));
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(index),
              .attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS));
  return Told(bpf_tc_hook_create(&hook), absl::StrCat("clsact qdisc on ", link),
              "this kernel has no clsact (CONFIG_NET_SCH_INGRESS, module sch_ingress)");
}

absl::Status AttachTc(const std::string& link, TcDirection direction, uint32_t pref,
                      int program_fd) {
  ASSIGN_OR_RETURN(const uint32_t index, LinkIndex(link));
  const bool ingress = direction == TcDirection::kIngress;
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(index),
              .attach_point = ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS);
  LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program_fd, .handle = 1, .priority = pref);
  return Told(bpf_tc_attach(&hook, &options),
              absl::StrCat("tc program on ", ingress ? "ingress" : "egress", " of ", link),
              "this kernel has no cls_bpf (CONFIG_NET_CLS_BPF, module cls_bpf)");
}

absl::Status AttachXdp(const std::string& link, XdpMode mode, int program_fd) {
  ASSIGN_OR_RETURN(const uint32_t index, LinkIndex(link));
  const uint32_t flags = mode == XdpMode::kNative ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
  return Told(bpf_xdp_attach(static_cast<int>(index), program_fd, flags, nullptr),
              absl::StrCat("XDP program on ", link),
              "this device takes no XDP program in that mode");
}

void SilenceLibbpf() {
  libbpf_set_print([](libbpf_print_level, const char*, va_list) { return 0; });
}

}  // namespace correlate
