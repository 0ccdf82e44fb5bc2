// Loads the BPF programs that write down calls of bpf(2) (bpf_calls.bpf.c) and takes them away
// again. While they are attached every system call of every process takes a little longer, since
// the kernel then looks for tracepoints in each (arch/x86/entry, SYSCALL_TRACEPOINT):
// docs/kernel.md.
//
// Calls of this process are left out; so are those of 32-bit processes, which the kernel does not
// trace, and what BPF programs do to maps, which is no system call.
//
// Owns programs, maps and links, none of which is pinned. One thread. Privileges: CAP_BPF,
// CAP_PERFMON (or CAP_SYS_ADMIN), and the kernel's BTF.
#ifndef COLLECTOR_BPF_CALL_TRACER_H_
#define COLLECTOR_BPF_CALL_TRACER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/bpf_call_record.h"

namespace correlate {

class BpfCallTracer {
 public:
  struct Options {
    uint32_t commands = 0;      // 1 << enum bpf_cmd of each that is wanted
    uint32_t value_bytes = 64;  // of a key, a value, a path; BPF_CALL_MOST_BYTES at most
  };
  static absl::StatusOr<std::unique_ptr<BpfCallTracer>> Load(const Options& options);
  ~BpfCallTracer();

  absl::Status ConnectRing(uint32_t cpu, int ring_fd);  // before Attach(), or for a CPU that comes
  // The numbers of syscalls:sys_enter_bpf and syscalls:sys_exit_bpf (Tracefs::EventId).
  absl::Status Attach(uint64_t enter_id, uint64_t exit_id);
  void Detach();  // no call is under way in a program any more when it returns

  // Of a kind of calls (bpf_call_kind), by CPU number.
  std::vector<bpf_call_counts> Counts(uint32_t kind) const;
  // Calls whose beginning or end was not seen, of whichever command and process: a task that was at
  // a BPF map of its own was preempted on that CPU, and meanwhile no program runs there on
  // tracepoints (kernel/trace/bpf_trace.c, trace_call_bpf). At most twice as many as there were.
  uint64_t Missed() const;
  uint64_t RunTimeNs() const;  // see bpf_loading.h
  std::vector<uint32_t> program_ids() const;

 private:
  struct Skeleton;
  explicit BpfCallTracer(std::unique_ptr<Skeleton> skeleton);
  std::unique_ptr<Skeleton> skeleton_;
};

}  // namespace correlate

#endif  // COLLECTOR_BPF_CALL_TRACER_H_
