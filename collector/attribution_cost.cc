#include "collector/attribution_cost.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/clocks.h"
#include "base/errno_status.h"
#include "base/scoped_fd.h"
#include "base/status_macros.h"
#include "collector/bpf_loading.h"
#include "collector/enricher.h"
#include "collector/exit_tracer.h"
#include "collector/pass.skel.h"

namespace correlate {
namespace {

constexpr uint32_t kLoopback = 1;  // its ifindex in every new namespace
constexpr int kRounds = 15;
constexpr int kPackets = 2000;  // a round
constexpr char kDropEvent[] = "skb:kfree_skb";

absl::Status EnterNamespaceOfOurOwn() {
  if (unshare(CLONE_NEWNET) != 0) return ErrnoStatus(errno, "a network namespace");
  const ScopedFd any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = {};
  std::strncpy(request.ifr_name, "lo", sizeof request.ifr_name - 1);
  request.ifr_flags = IFF_UP;
  if (!any.valid() || ioctl(any.get(), SIOCSIFFLAGS, &request) != 0) {
    return ErrnoStatus(errno, "the loopback device");
  }
  return absl::OkStatus();
}

// Packets to ourselves, each received before the next one is sent.
class Loop {
 public:
  static absl::StatusOr<Loop> Open() {
    Loop loop;
    loop.socket_ = ScopedFd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    const int fd = loop.socket_.get();
    if (fd < 0 || bind(fd, generic, bytes) != 0 || getsockname(fd, generic, &bytes) != 0 ||
        connect(fd, generic, bytes) != 0) {
      return ErrnoStatus(errno, "a socket on the loopback device");
    }
    return loop;
  }

  // Nanoseconds a packet.
  absl::StatusOr<double> Run() const {
    std::array<char, 64> packet = {};
    const uint64_t begin_ns = MonotonicNs();
    for (int i = 0; i < kPackets; ++i) {
      if (send(socket_.get(), packet.data(), packet.size(), 0) < 0 ||
          recv(socket_.get(), packet.data(), packet.size(), 0) < 0) {
        return ErrnoStatus(errno, "a packet on the loopback device");
      }
    }
    return static_cast<double>(MonotonicNs() - begin_ns) / kPackets;
  }

 private:
  ScopedFd socket_;
};

// Programs that hand every packet on. They go with this object.
class PassingPrograms {
 public:
  PassingPrograms() {
    QuietenLibbpf();
    for (std::unique_ptr<pass_bpf, Destroy>& program : loaded_) {
      program.reset(pass_bpf__open_and_load());
      if (program == nullptr) return;
      program->links.pass = bpf_program__attach_tcx(program->progs.pass, kLoopback, nullptr);
      if (program->links.pass == nullptr) return;  // before Linux 6.6
      const uint32_t id = ProgramIdOf(bpf_program__fd(program->progs.pass));
      if (id == 0) return;
      ids_.insert(id);
    }
  }
  const std::set<uint32_t>& ids() const { return ids_; }

 private:
  struct Destroy {
    void operator()(pass_bpf* skeleton) const { pass_bpf__destroy(skeleton); }
  };
  std::array<std::unique_ptr<pass_bpf, Destroy>, 2> loaded_;
  std::set<uint32_t> ids_;
};

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

struct Cost {
  double without_ns = 0;
  double added_ns = 0;
};

absl::StatusOr<Cost> CostOf(Enricher& enricher, ExitTracer* exits, const PassingPrograms& programs,
                            const Loop& loop) {
  std::vector<double> without;
  std::vector<double> added;
  for (int i = 0; i < kRounds; ++i) {
    ASSIGN_OR_RETURN(const double before, loop.Run());
    RETURN_IF_ERROR(enricher.Attach({kDropEvent}));
    if (exits != nullptr) exits->Follow(programs.ids());
    const absl::StatusOr<double> with = loop.Run();
    if (exits != nullptr) exits->Follow({});
    enricher.Detach();
    RETURN_IF_ERROR(with.status());
    without.push_back(before);
    added.push_back(*with - before);
  }
  return Cost{Median(std::move(without)), Median(std::move(added))};
}

absl::StatusOr<AttributionCost> Measure() {
  RETURN_IF_ERROR(EnterNamespaceOfOurOwn());
  ASSIGN_OR_RETURN(const Loop loop, Loop::Open());
  const PassingPrograms programs;
  AttributionCost cost;
  cost.programs = static_cast<uint32_t>(programs.ids().size());
  RETURN_IF_ERROR(loop.Run().status());  // what comes first is slow
  {
    ASSIGN_OR_RETURN(const auto enricher, Enricher::Load({}));
    ASSIGN_OR_RETURN(const Cost measured, CostOf(*enricher, nullptr, programs, loop));
    cost.packet_ns = measured.without_ns;
    cost.auto_added_ns = measured.added_ns;
  }
  Enricher::Options options;
  options.count_runs = true;
  options.join_exits = true;
  ASSIGN_OR_RETURN(const auto enricher, Enricher::Load(options));
  const auto exits = ExitTracer::Open(enricher->exit_notes_fd());
  cost.follows_exits = exits.ok();
  ASSIGN_OR_RETURN(const Cost measured,
                   CostOf(*enricher, exits.ok() ? exits->get() : nullptr, programs, loop));
  cost.verdict_added_ns = measured.added_ns;
  return cost;
}

struct Answer {
  bool ok = false;
  AttributionCost cost;
  std::array<char, 256> error = {};
};

}  // namespace

absl::StatusOr<AttributionCost> MeasureAttributionCost() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "a pipe");
  const ScopedFd from_child(ends[0]);
  ScopedFd to_parent(ends[1]);
  const pid_t child = fork();
  if (child < 0) return ErrnoStatus(errno, "a process");
  Answer answer;
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const auto cost = Measure();
    answer.ok = cost.ok();
    if (cost.ok()) {
      answer.cost = *cost;
    } else {
      cost.status().message().copy(answer.error.data(), answer.error.size() - 1);
    }
    _exit(write(to_parent.get(), &answer, sizeof answer) == sizeof answer ? 0 : 1);
  }
  to_parent = ScopedFd();
  const ssize_t bytes = read(from_child.get(), &answer, sizeof answer);
  waitpid(child, nullptr, 0);
  if (bytes != sizeof answer) return absl::InternalError("the measuring process ended early");
  if (!answer.ok) return absl::FailedPreconditionError(answer.error.data());
  return answer.cost;
}

}  // namespace correlate
