// One perf ring buffer of one CPU and the events that write into it. Two implementations:
// perf_ring_libperf.cc, the only file that names libperf (GPL-2.0), and perf_ring_syscalls.cc, by
// system calls alone, for programs that are passed on (docs/licences.md). perf_ring_test holds both
// to the same.
//
// Owns its events' file descriptors and the mapping; both end with it. One thread.
// Privileges: CAP_PERFMON (or CAP_SYS_ADMIN), or kernel.perf_event_paranoid <= -1; rings above
// kernel.perf_event_mlock_kb also need CAP_IPC_LOCK (perf_event_open(2), perf_mmap).
#ifndef COLLECTOR_PERF_RING_H_
#define COLLECTOR_PERF_RING_H_

#include <linux/perf_event.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace correlate {

class PerfRing {
 public:
  // One event: what read(2) on its file descriptor says.
  struct Reading {
    uint64_t id = 0;       // PERF_SAMPLE_IDENTIFIER of its records
    uint64_t counted = 0;  // hits since it was enabled, recorded or not
    uint64_t lost = 0;     // records that found the ring full; only with PERF_FORMAT_LOST
  };

  struct EventSpec {
    perf_event_attr attr = {};
    // In one group with the event before it, and not `disabled` by itself: it goes on and off with
    // that one in the same instant, as far as this CPU can tell.
    bool joins_previous = false;
    std::string filter;  // of a tracepoint (PERF_EVENT_IOC_SET_FILTER); empty: none
  };

  // Opens `events` on `cpu`, disabled, all writing to one ring of `ring_bytes` (a power of two, at
  // least a page). ResourceExhausted or PermissionDenied from the mapping say that a smaller ring
  // may do: see `mapping_refused`.
  static absl::StatusOr<std::unique_ptr<PerfRing>> Open(uint32_t cpu,
                                                        absl::Span<const EventSpec> events,
                                                        size_t ring_bytes, bool* mapping_refused);
  ~PerfRing();
  PerfRing(const PerfRing&) = delete;
  PerfRing& operator=(const PerfRing&) = delete;

  // Hands out every record that was in the ring when the call began, and perhaps some more; false
  // if it ended before, after some `most_bytes`. The span lives until the receiver returns. Frees
  // the space for the kernel.
  bool Drain(size_t most_bytes, absl::FunctionRef<void(absl::Span<const uint8_t> record)> receiver);

  absl::StatusOr<Reading> Read(size_t event) const;
  int fd(size_t event) const;  // borrowed
  void Enable();
  void Disable();
  // Of an enabled ring: false once the CPU has been offline. The kernel takes a CPU's events off
  // when it goes and does not put them back when it returns (kernel/events/core.c,
  // perf_event_exit_cpu_context): they have to be opened anew.
  bool Attached() const;
  uint32_t cpu() const { return cpu_; }
  int poll_fd() const;  // readable past the watermark of the first event

 private:
  struct Handles;
  PerfRing(uint32_t cpu, size_t ring_bytes, std::unique_ptr<Handles> handles);

  const uint32_t cpu_;
  const size_t ring_bytes_;
  std::unique_ptr<Handles> handles_;
};

}  // namespace correlate

#endif  // COLLECTOR_PERF_RING_H_
