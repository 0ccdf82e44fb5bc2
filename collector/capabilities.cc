#include "collector/capabilities.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/files.h"
#include "base/scoped_fd.h"
#include "base/status_macros.h"
#include "collector/bpf_probe.h"
#include "collector/host_facts.h"
#include "collector/link_iterator.h"
#include "collector/perf_attr.h"
#include "collector/program_scanner.h"
#include "collector/tracefs.h"

namespace correlate {
namespace {

Sysctl ReadSysctl(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(absl::StrCat("/proc/sys/", path));
  int64_t value = 0;
  if (!text.ok() || !absl::SimpleAtoi(absl::StripAsciiWhitespace(*text), &value)) {
    return std::nullopt;
  }
  return value;
}

absl::Status ProbeTracefs(std::string* mount_point, bool* drop_reasons) {
  ASSIGN_OR_RETURN(const Tracefs tracefs, Tracefs::Open());
  *mount_point = tracefs.mount_point();
  RETURN_IF_ERROR(tracefs.ListEvents().status());
  const auto format = tracefs.ReadFormat("skb", "kfree_skb");
  *drop_reasons = format.ok() && absl::StrContains(*format, " reason;");
  return absl::OkStatus();
}

// Opened on one CPU and never enabled.
absl::Status ProbeTracepoint(bool* format_lost) {
  ASSIGN_OR_RETURN(const Tracefs tracefs, Tracefs::Open());
  ASSIGN_OR_RETURN(const uint64_t id, tracefs.EventId("skb", "kfree_skb"));
  perf_event_attr attr = TracepointAttr(id, /*callchains=*/true, /*max_stack=*/1,
                                        /*watermark_bytes=*/4096);
  attr.disabled = 1;
  const auto try_to_open = [&attr] {
    ScopedFd fd(static_cast<int>(syscall(SYS_perf_event_open, &attr, /*pid=*/-1,
                                         std::max(0, sched_getcpu()), /*group_fd=*/-1,
                                         PERF_FLAG_FD_CLOEXEC)));
    return fd.valid() ? 0 : errno;
  };
  attr.read_format = PERF_FORMAT_ID | PERF_FORMAT_LOST;
  int error = try_to_open();
  *format_lost = error == 0;
  if (error == EINVAL) {
    attr.read_format = PERF_FORMAT_ID;
    error = try_to_open();
  }
  if (error == 0) return absl::OkStatus();
  return ErrnoStatus(error, "perf_event_open of skb:kfree_skb",
                     error == EPERM || error == EACCES
                         ? "it needs CAP_PERFMON, or kernel.perf_event_paranoid = -1"
                         : "");
}

// Into the one this thread is in already: the same rights are asked for (net/core/net_namespace.c,
// netns_install), and nothing changes.
absl::Status ProbeEnterNetns() {
  const ScopedFd own(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!own.valid()) return ErrnoStatus(errno, "/proc/thread-self/ns/net");
  if (setns(own.get(), CLONE_NEWNET) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "entering a network namespace", "it needs CAP_SYS_ADMIN: run as root");
}

uint64_t MemlockLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return 0;
  return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}

}  // namespace

KernelVersion ParseKernelVersion(const std::string& release) {
  KernelVersion version;
  if (std::sscanf(release.c_str(), "%u.%u", &version.major, &version.minor) != 2) return {};
  return version;
}

HostCapabilities ProbeCapabilities() {
  HostCapabilities host;
  host.kernel_release = ReadHostFacts().kernel_release;
  host.kernel_version = ParseKernelVersion(host.kernel_release);
  host.uid = geteuid();
  host.capabilities = CapabilitySet::Effective();
  host.lockdown_confidentiality = IsLockedDown();
  host.tracefs = ProbeTracefs(&host.tracefs_mount_point, &host.drop_reasons);
  host.tracepoint = ProbeTracepoint(&host.perf_format_lost);
  host.program_ids = ScanPrograms().status();
  host.enter_netns = ProbeEnterNetns();
  host.kernel_btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
  const BpfProbes probes = ProbeBpf();
  host.tracing_program = probes.tracing_program;
  host.raw_tracepoint_program = probes.raw_tracepoint_program;
  host.link_iterator = LinkIterator::Load().status();
  host.trampoline = probes.trampoline;
  const absl::StatusOr<std::string> kallsyms = ReadKallsyms();
  host.kallsyms_hidden = !kallsyms.ok() || KallsymsHidesAddresses(*kallsyms);
  host.perf_event_paranoid = ReadSysctl("kernel/perf_event_paranoid");
  host.perf_event_max_stack = ReadSysctl("kernel/perf_event_max_stack");
  host.perf_event_mlock_kb = ReadSysctl("kernel/perf_event_mlock_kb");
  host.kptr_restrict = ReadSysctl("kernel/kptr_restrict");
  host.unprivileged_bpf_disabled = ReadSysctl("kernel/unprivileged_bpf_disabled");
  host.bpf_jit_enable = ReadSysctl("net/core/bpf_jit_enable");
  host.bpf_jit_kallsyms = ReadSysctl("net/core/bpf_jit_kallsyms");
  host.memlock_limit_bytes = MemlockLimit();
  return host;
}

}  // namespace correlate
