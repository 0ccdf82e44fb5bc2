// What this host allows, found by trying where trying leaves nothing behind: as plain values. What
// each of them costs and how to mend it is for the caller to say.
#ifndef COLLECTOR_CAPABILITIES_H_
#define COLLECTOR_CAPABILITIES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "collector/capability_set.h"

namespace correlate {

struct KernelVersion {
  uint32_t major = 0;
  uint32_t minor = 0;
  friend auto operator<=>(const KernelVersion&, const KernelVersion&) = default;
};
// "6.12.9+bpo-cloud-amd64" -> 6.12; 0.0 for what does not begin with a version.
KernelVersion ParseKernelVersion(const std::string& release);

// A sysctl's value; nullopt where the file is missing or not readable for us.
using Sysctl = std::optional<int64_t>;

struct HostCapabilities {
  std::string kernel_release;
  KernelVersion kernel_version;
  uint32_t uid = 0;  // effective
  CapabilitySet capabilities{0};
  bool lockdown_confidentiality = false;  // kernel_lockdown(7)

  absl::Status tracefs;             // opened, and its list of events read
  std::string tracefs_mount_point;  // empty: mounted nowhere, a detached mount served
  absl::Status tracepoint;          // perf_event_open(2) of skb:kfree_skb on one CPU
  bool perf_format_lost = false;    // only told where `tracepoint` is OK
  bool drop_reasons = false;        // skb:kfree_skb tells one; only told where `tracefs` is OK
  absl::Status program_ids;         // BPF programs by id (ScanPrograms)
  absl::Status enter_netns;         // setns(2) into a network namespace
  bool kernel_btf = false;          // /sys/kernel/btf/vmlinux is readable
  absl::Status tracing_program;     // a BPF program with the tracepoint's types (tp_btf) loads
  absl::Status raw_tracepoint_program;
  absl::Status link_iterator;  // a BPF iterator over links loads
  absl::Status trampoline;     // a BPF program attaches to the entry of a kernel function (fentry)
  bool kallsyms_hidden = false;  // /proc/kallsyms has no addresses for us

  Sysctl perf_event_paranoid;
  Sysctl perf_event_max_stack;
  Sysctl perf_event_mlock_kb;
  Sysctl kptr_restrict;
  Sysctl unprivileged_bpf_disabled;
  Sysctl bpf_jit_enable;
  Sysctl bpf_jit_kallsyms;
  uint64_t memlock_limit_bytes = 0;  // RLIMIT_MEMLOCK, soft; UINT64_MAX: unlimited
};

// Loads up to three tiny BPF programs and attaches one of them, for a moment, to a function that
// the kernel only calls in its own tests. Takes some 50 ms, most of it for reading the kernel's
// BTF.
HostCapabilities ProbeCapabilities();

}  // namespace correlate

#endif  // COLLECTOR_CAPABILITIES_H_
