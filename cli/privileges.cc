#include "cli/privileges.h"

namespace correlate {
namespace {

// SYS_ADMIN stands for PERFMON and BPF as well (perfmon_capable, bpf_capable); programs and links
// by their id want nothing less (kernel/bpf/syscall.c).
constexpr Privilege kOfRecording[] = {
    {"CAP_DAC_READ_SEARCH", "it does not start: tracefs belongs to root"},
    {"CAP_SYS_ADMIN",
     "it starts with CAP_PERFMON and CAP_BPF in its place (of which the latter may be missing "
     "too), but not on Debian's Linux 5.10 with kernel.perf_event_paranoid=3: programs that were "
     "loaded before have no names, and other network namespaces are not "
     "seen"},
    {"CAP_SYSLOG",
     "functions of the kernel have no names, depending on kernel.kptr_restrict and "
     "kernel.perf_event_paranoid"},
    {"CAP_SYS_PTRACE", "network namespaces that only other users' processes hold are not seen"},
    {"CAP_NET_BROADCAST", "changes in other network namespaces are seen by looks alone"},
    {"CAP_NET_ADMIN", "before Linux 6.9, programs of tcx and of cgroups are not seen"},
    {"CAP_IPC_LOCK", "large rings (--ring-size, --stacks all) are refused; smaller ones are taken"},
    {"CAP_SYS_RESOURCE",
     "before Linux 5.11, RLIMIT_MEMLOCK may be too low for this tool's own BPF programs"},
};
constexpr Privilege kOfPrograms[] = {
    {"CAP_SYS_ADMIN", "it ends: the list of programs is root's"},
    {"CAP_SYSLOG", "programs have no addresses, depending on kernel.kptr_restrict"},
    {"CAP_SYS_PTRACE", "network namespaces that only other users' processes hold are not seen"},
    {"CAP_NET_ADMIN", "before Linux 6.9, programs of tcx and of cgroups are not seen"},
};
constexpr Privilege kOfDemo[] = {
    {"CAP_DAC_READ_SEARCH", "it does not start: tracefs belongs to root"},
    {"CAP_SYS_ADMIN", "it does not start: network namespaces are made, BPF programs loaded"},
    {"CAP_NET_ADMIN", "it does not start: devices are made, programs attached"},
    {"CAP_SYSLOG", "what only a callchain tells is not told"},
    {"CAP_SYS_PTRACE", "network namespaces that only other users' processes hold are not seen"},
    {"CAP_NET_BROADCAST", "changes in other network namespaces are seen by looks alone"},
    {"CAP_SYS_RESOURCE", "before Linux 5.11, RLIMIT_MEMLOCK may be too low for the BPF programs"},
};

}  // namespace

absl::Span<const Privilege> PrivilegesOf(absl::string_view command) {
  if (command == "record" || command == "alert" || command == "top") return kOfRecording;
  if (command == "programs") return kOfPrograms;
  if (command == "demo") return kOfDemo;
  return {};
}

}  // namespace correlate
