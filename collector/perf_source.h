// Live events of this host: on every CPU one ring for the tracepoints asked for, one for what
// companion programs record without a callchain, one for program loads and unloads, one for task
// names, so that a storm of drops cannot swallow what is needed to name them. Opens rings for CPUs
// that come, and closes those of CPUs that go.
//
// One thread. Wait for poll_fd() (readable when a ring passed its watermark, or a program was
// loaded) with a time limit of some 100 ms, then Read().
#ifndef COLLECTOR_PERF_SOURCE_H_
#define COLLECTOR_PERF_SOURCE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/scoped_fd.h"
#include "collector/event_source.h"
#include "collector/perf_ring.h"
#include "collector/record_translator.h"

namespace correlate {

// What to attach, as data.
struct PerfSourceSpec {
  struct Tracepoint {
    uint32_t format_id = 0;      // EventFormat::id
    uint64_t tracepoint_id = 0;  // the `id` file in tracefs: perf_event_attr.config
    std::string name;            // "skb:kfree_skb", for messages and losses
    // Set: a companion BPF program makes the records, laid out anew as this format (borrowed until
    // Open returns).
    const EventFormat* enriched_format = nullptr;
    bool only_count = false;  // no record of it at all
    std::string filter;       // hits that it does not take do not count; empty: none
  };
  std::vector<Tracepoint> tracepoints;
  // kAdaptive: a companion program decides by the record; plain tracepoints take one with each.
  enum class Callchains { kNone, kAll, kAdaptive };
  Callchains callchains = Callchains::kAll;
  uint32_t max_stack = 64;  // frames
  bool bpf_calls = false;   // calls of bpf(2) come through the ring of `connect_ring`
  size_t ring_bytes = 0;  // of each ring of records, a CPU; 0: 64 MiB shared out, 256 KiB to 8 MiB
  // Called for each perf event of a tracepoint with a companion program, on CPUs that come later
  // too: the one that counts all hits, and that to which the program writes with callchains.
  enum class Role { kCount, kRecords };
  std::function<absl::Status(absl::string_view event, uint32_t cpu, Role role, int perf_event_fd)>
      connect;
  // Likewise for the BPF ring buffer of a CPU, to which companion programs write without.
  std::function<absl::Status(uint32_t cpu, int ring_fd)> connect_ring;
  // Records that a companion program could not hand over so far, by CPU number.
  std::function<std::vector<uint64_t>(absl::string_view event)> companion_losses;
  // A program was loaded, seen while reading and before its record is in order: the moment to look
  // at it, for it may be gone soon.
  std::function<void(const BpfProgramRecord&)> on_program_load;
  // The same of an unload: what it was attached to may have changed before.
  std::function<void(const BpfProgramRecord&)> on_program_unload;

  std::string ToString() const;
};

class PerfSource : public EventSource {
 public:
  // Opens everything on the CPUs online now; side-band records are collected from here on,
  // tracepoints from Start() on.
  static absl::StatusOr<std::unique_ptr<PerfSource>> Open(PerfSourceSpec spec);
  ~PerfSource() override;

  absl::Status Start() override;
  absl::Status Read(EventSink& sink) override;
  absl::Status Finish(EventSink& sink) override;
  std::vector<EventCounts> Counts() const override;
  uint64_t out_of_order() const override { return translator_.out_of_order(); }

  bool unfinished() const { return behind_ns_ != kForever; }  // to be read again at once
  int poll_fd() const { return poll_fd_.get(); }
  size_t ring_bytes() const;  // a CPU, all rings of records together, as granted
  static constexpr size_t side_band_ring_bytes() { return kProgramRingBytes + kTaskRingBytes; }
  uint64_t cpu_changes() const { return cpu_changes_; }  // CPUs that came or went, so far
  // What the host did not grant, as sentences for the user.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  static constexpr size_t kProgramRingBytes = 128 * 1024;
  static constexpr size_t kTaskRingBytes = 512 * 1024;

  struct RingEvent;
  struct Ring;
  struct CompanionRing;
  struct Cpu;
  explicit PerfSource(PerfSourceSpec spec);
  std::vector<RingEvent> SampleEvents() const;
  absl::Status OpenCpu(uint32_t cpu);
  absl::StatusOr<std::unique_ptr<Ring>> OpenRing(uint32_t cpu, size_t* bytes,
                                                 std::vector<RingEvent> wanted);
  absl::StatusOr<std::unique_ptr<CompanionRing>> OpenCompanionRing(uint32_t cpu);
  absl::Status WaitFor(int fd, uint32_t epoll_events);
  void ChooseRingBytes(size_t cpus);
  absl::Status FollowCpus(EventSink& sink);
  bool Drain(Ring& ring, size_t most_bytes);
  bool Drain(CompanionRing& ring, size_t most_bytes);
  // As much as a pass takes of the rings of records. What is left in them is of this time or later.
  uint64_t DrainRecords();
  // Asks every counter of the ring what was lost since the last time and tells the sink.
  void ReportLosses(uint64_t now_ns, EventSink& sink);
  void ReportLoss(Ring& ring, uint64_t now_ns, EventSink& sink);
  void ReportCompanionLosses(uint64_t now_ns, EventSink& sink);
  void Retire(Cpu& cpu, EventSink& sink);

  const PerfSourceSpec spec_;
  std::vector<EventFormat> enriched_formats_;  // of spec_.tracepoints; unnamed where plain
  size_t sample_ring_bytes_ = 0;
  size_t companion_ring_bytes_ = 0;
  uint64_t companion_losses_checked_ns_ = 0;
  std::vector<std::vector<uint64_t>> companion_losses_;  // told so far; by tracepoint, CPU
  bool format_lost_ = true;                              // the kernel has PERF_FORMAT_LOST (6.0)
  bool started_ = false;
  ScopedFd poll_fd_;
  RecordTranslator translator_;
  std::vector<std::unique_ptr<Cpu>> cpus_;
  uint64_t behind_ns_ = kForever;  // as far as that ring was read that has most to catch up
  struct RetiredEvent;
  std::vector<RetiredEvent> retired_;  // of CPUs that went
  std::vector<std::string> notes_;
  uint64_t cpu_changes_ = 0;
  uint64_t last_cpu_check_ns_ = 0;
  uint64_t last_loss_check_ns_ = 0;
};

}  // namespace correlate

#endif  // COLLECTOR_PERF_SOURCE_H_
