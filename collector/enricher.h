// Loads the companion BPF programs (enrich.bpf.c), points them to perf events, and takes them away.
// With them, a drop or an XDP exception brings its device, its packet and what was attached; see
// EnrichedDecoder. They are tp_btf or raw_tp programs: no trampoline, no kprobe.
//
// Owns programs, maps and links, none of which is pinned: all end with this object or the process.
// One thread. Privileges: CAP_BPF, CAP_PERFMON (or CAP_SYS_ADMIN), and the kernel's BTF.
#ifndef COLLECTOR_ENRICHER_H_
#define COLLECTOR_ENRICHER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collector/drop_kind.h"
#include "collector/event_filter_constants.h"
#include "collector/kind_tables.h"

namespace correlate {

class Enricher {
 public:
  // A function at the end of which the kernel frees what a hook's program refused, and that hook's
  // number in enriched_record.h. The reason alone does not tell these.
  struct FreeingFunction {
    absl::string_view name;
    uint32_t hook = 0;
  };
  static const std::vector<FreeingFunction>& FreeingFunctions();
  struct TextRange {
    uint64_t begin = 0;
    uint64_t end = 0;
    uint32_t hook = 0;
  };

  static const uint32_t kMostPacketBytes;

  // How the programs get their tracepoint's arguments: with types (tp_btf, Linux 5.5), or without.
  enum class Tracepoints { kEither, kTyped, kRaw };

  struct Options {
    Tracepoints tracepoints = Tracepoints::kEither;
    bool walk_hooks = true;
    // Also tells which of several programs on tc ingress ran (collector/run_counts.bpf.h): costs
    // something for every packet received. Run statistics of all programs are on meanwhile.
    bool count_runs = false;
    // Also reads what an ExitTracer notes in exit_notes_fd().
    bool join_exits = false;
    // Bytes of each dropped packet that are kept; no more than kMostPacketBytes.
    uint32_t snaplen = 0;
    event_filter_constants filter = {};  // all zero: everything passes
  };

  // True for the events that the companion programs can stand in for.
  static bool Knows(absl::string_view event);

  static absl::StatusOr<std::unique_ptr<Enricher>> Load(const Options& options);
  ~Enricher();

  // Tells the programs where FreeingFunctions() are, as far as kernel symbols tell (at most 8
  // count). To be called before Attach(), and again whenever a module came or went.
  void SetFreeingRanges(const std::vector<TextRange>& ranges);
  // What modules say of their structures; to be called when one has come after Load().
  void LookAtModules();

  // What each CPU may spend in a second; new and rare kinds of hits come first (spending.bpf.h).
  struct Limits {
    static constexpr uint32_t kNone = NO_LIMIT;
    uint32_t stacks = kNone;  // records with a callchain; those beyond go to another perf event
    uint32_t whole = kNone;   // records; hits beyond are only counted
  };
  void SetLimits(const Limits& limits);  // at any time
  // All kinds are new again, and what may be spent in this second is there once more.
  void ForgetKinds();

  // Records of `event` on `cpu` that may have a callchain go to this perf event
  // (PERF_COUNT_SW_BPF_OUTPUT on that CPU).
  absl::Status Connect(absl::string_view event, uint32_t cpu, int perf_event_fd);
  // Those of all events beyond Limits::stacks go to this BPF ring buffer.
  absl::Status ConnectRing(uint32_t cpu, int ring_fd);
  // Counting by kind, of every hit, whatever is recorded of it: by programs of their own, or, with
  // a filter, by those that record, which alone know what passes. `perf_event_fd` counts every hit
  // of `event` on `cpu`: kinds are counted while it is on.
  KindTables& kinds() { return *kinds_; }
  absl::Status ConnectCount(absl::string_view event, uint32_t cpu, int perf_event_fd);
  // Before these perf events are on.
  absl::Status BeginToCount(const std::vector<std::string>& events);
  // Between these two they are on without a break, and hits count without looking whether they are.
  // Not to be called where CPUs may come and go.
  void CountedEventsAreOn();
  void CountedEventsGoOff();
  void EndCounting();

  // Begins to record each of `events`; once Detach() has ended that, it may begin again.
  absl::Status Attach(const std::vector<std::string>& events);
  void Detach();
  int exit_notes_fd() const;  // lives as long as this object

  // What became of the hits of `event` while the perf event that counts them was on, by CPU number.
  absl::StatusOr<std::vector<hit_outcomes>> Outcomes(absl::string_view event) const;

  uint64_t RunTimeNs() const;  // see bpf_loading.h

  // Ids of everything of ours that is loaded: observers, never to be blamed.
  std::vector<uint32_t> program_ids() const;

 private:
  struct Skeleton;
  Enricher(std::unique_ptr<KindTables> kinds, std::unique_ptr<Skeleton> skeleton);
  static absl::StatusOr<std::unique_ptr<Enricher>> LoadAs(const Options& options, bool raw);
  std::unique_ptr<KindTables> kinds_;
  std::unique_ptr<Skeleton> skeleton_;
};

}  // namespace correlate

#endif  // COLLECTOR_ENRICHER_H_
