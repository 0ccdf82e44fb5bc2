// One recording from start to end: opens the sources, feeds the correlator, looks at programs at
// the start and whenever one is loaded, and follows attachments from start to end. What `record`
// and `demo` share; where the events go is the caller's (a trace writer, or any other sink). One
// thread, beside the one that follows attachments.
#ifndef CLI_RECORDING_H_
#define CLI_RECORDING_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/scoped_fd.h"
#include "cli/code_recorder.h"
#include "cli/cpu_governor.h"
#include "cli/exact_counts.h"
#include "cli/map_snapshots.h"
#include "collector/attachment_monitor.h"
#include "collector/bpf_call_tracer.h"
#include "collector/enricher.h"
#include "collector/event_filter.h"
#include "collector/event_spec.h"
#include "collector/exit_tracer.h"
#include "collector/host_counter_monitor.h"
#include "collector/module_listener.h"
#include "collector/perf_source.h"
#include "collector/tracefs.h"
#include "symbolize/correlator.h"
#include "symbolize/forwarding_sink.h"
#include "symbolize/kernel_symbols.h"
#include "symbolize/trace_sink.h"

namespace correlate {

struct RecordingOptions {
  std::vector<std::string> events;  // as given with -e; empty: the defaults
  PerfSourceSpec::Callchains callchains = PerfSourceSpec::Callchains::kAdaptive;
  uint32_t max_stack = 64;
  std::vector<std::string> snapshot_maps;  // ids or names
  using Images = CodeRecorder::Images;
  Images images = Images::kNamed;  // of which programs the code is kept
  uint32_t value_bytes = 64;       // of keys and values of maps, in calls of bpf(2)
  uint32_t snaplen = 0;            // bytes of each dropped packet to keep
  uint32_t stack_rate = 2000;      // kAdaptive: callchains a second and CPU
  // Drops and XDP exceptions a second and CPU that are written whole; kNone: all.
  uint32_t max_rate = Enricher::Limits::kNone;
  bool others_without_limit = false;  // else it is an error to ask for other events with max_rate
  size_t ring_bytes = 0;              // a CPU; 0: see PerfSourceSpec
  enum class Attribution { kAuto, kVerdict, kOff };
  Attribution attribution = Attribution::kAuto;
  double max_cpu = 0;           // share of the host's CPU time that all this may take; 0: any
  bool enrich = true;           // with the companion BPF programs, where the host allows them
  EventFilterText filter_text;  // what is to be recorded; empty: everything
  EventFilter filter;           // the same, parsed
};

class Recording {
 public:
  struct Summary {
    uint64_t events = 0;
    uint64_t lost = 0;
    uint64_t missed = 0;
    uint64_t only_counted = 0;
    size_t programs = 0;
    size_t attachments = 0;
    uint64_t duration_ns = 0;
  };

  // Checks what is asked for and opens the rings; side-band records are collected from here on, so
  // that no program slips between looks and events. Nothing is handed to anybody yet.
  static absl::StatusOr<std::unique_ptr<Recording>> Open(const RecordingOptions& options);
  ~Recording();

  // Hands `sink` (borrowed until Finish) what is known at the start, and begins to collect.
  absl::Status Start(TraceSink* sink);
  // Waits until there is something to read or one of `also_fds` is readable (-1: none), at most
  // 100 ms and not past `until_ns`. Then reads. Call again and again.
  absl::Status Step(absl::Span<const int> also_fds, uint64_t until_ns);
  // Tells the sink the counts as of now, settled: what may yet be written is in none of them. Of
  // the answer only cpu_time_ns and out_of_order are set.
  RecordingEnd TellTotals();
  // What comes from here on is to be understood alone: callchains of every kind are wanted again.
  void BeginPart();
  // Stops, reads the rest, looks at the host once more and hands over counts and the end.
  absl::StatusOr<Summary> Finish(const std::string& reason);

  const std::vector<std::string>& notes() const { return notes_; }  // for the user, as they came
  uint64_t started_ns() const { return started_ns_; }
  // Tracepoints that are recorded and counted: "skb:kfree_skb".
  const std::vector<std::string>& counted_events() const { return selection_.tracepoints; }

 private:
  explicit Recording(const RecordingOptions& options)
      : options_(options), code_(options.images), map_snapshots_(options.snapshot_maps) {}
  absl::Status SelectAndOpen();
  // Loads the companion programs for those selected events that have one; where that fails, says so
  // and leaves the plain tracepoints. With a filter, which they alone can apply, it is an error.
  absl::Status LoadEnricher();
  bool IsOurs(uint32_t program_id) const;
  absl::Status LoadCallTracer(const Tracefs& tracefs);
  void ConnectCompanions(PerfSourceSpec* spec);
  // Nothing but counts is wanted, and no filter, so that the programs that record need not run.
  bool OnlyCounts() const { return options_.max_rate == 0 && options_.filter_text.empty(); }
  absl::Status SwitchOn();
  // While events still come, kSettled: what waits to be read is not counted yet.
  enum class Waiting { kSettled, kNone };
  std::vector<EventCounts> Counts(Waiting waiting);
  void TellCallTotals(Summary* summary);  // of events made of calls of bpf(2)
  void TellCounts();
  // What this process and its BPF programs used so far.
  uint64_t CpuUsedNs() const;
  absl::Status BeginToGovern(const Enricher::Limits& limits);
  void Govern(uint64_t now_ns);
  void TellKinds();
  void TellFacts();
  void LookAtPrograms();
  void LookAtProgram(uint32_t id, const BpfProgramRecord* load = nullptr);
  void LookAtPins();
  // Hands on the code of programs that events have named, and what maps hold of those blamed.
  void TakeCode();
  void TakeCodeNotes();
  absl::StatusOr<KernelSymbols> ReadKernelSymbols();
  static std::vector<Enricher::TextRange> FreeingRanges(const KernelSymbols& symbols);
  void FollowAttachments();
  void TakeAttachmentNews();
  void FollowHostCounters();
  void TakeHostCounters();
  void FollowExits();
  void HearOfModules();
  void LookAtKernelSymbols();
  void UseKernelSymbols(KernelSymbols symbols);
  void AddNote(std::string text);
  void TakeSourceNotes();

  const RecordingOptions options_;
  EventSelection selection_;
  std::vector<EventFormat> formats_;
  KernelSymbols kernel_symbols_;          // read at the start, handed to the correlator
  std::unique_ptr<Enricher> enricher_;    // null: plain tracepoints only
  uint64_t call_tracepoints_[2] = {};     // of the beginning and the end of bpf(2)
  std::unique_ptr<BpfCallTracer> calls_;  // null: none of the events asked for is made of calls
  std::unique_ptr<ExactCounts> counts_;   // null as enricher_ is, which it borrows
  std::optional<CpuGovernor> governor_;   // nullopt: --max-cpu was not asked for
  ScopedFd run_statistics_;
  uint64_t governed_ns_ = 0;
  uint64_t governed_used_ns_ = 0;
  std::vector<uint64_t> governed_handed_over_;  // by CPU
  std::unique_ptr<ExitTracer> exits_;           // null: not asked for, or refused
  size_t exit_notes_taken_ = 0;
  std::vector<uint32_t> our_programs_;
  std::unique_ptr<PerfSource> source_;
  TraceSink* sink_ = nullptr;
  CodeRecorder code_;
  MapSnapshots map_snapshots_;
  std::optional<ForwardingSink> watchers_;  // code_ and map_snapshots_
  std::optional<ForwardingSink> events_;    // to watchers_ and sink_
  std::unique_ptr<Correlator> correlator_;
  RecordingFacts facts_;
  std::vector<std::string> early_notes_;               // from before there was a sink
  std::unique_ptr<AttachmentMonitor> monitor_;         // null where nothing can be seen
  std::unique_ptr<HostCounterMonitor> host_counters_;  // null: no drops are recorded, or unreadable
  std::vector<std::string> notes_;
  size_t source_notes_taken_ = 0;
  uint64_t started_ns_ = 0;
  uint64_t last_clocks_ns_ = 0;
  uint64_t last_counts_ns_ = 0;
  bool counts_are_told_ = false;  // and nothing was read since
  uint64_t last_part_ns_ = 0;
  uint64_t last_forgotten_ns_ = 0;
  uint64_t cpu_changes_seen_ = 0;
  uint64_t last_symbols_ns_ = 0;
  uint64_t unknown_addresses_seen_ = 0;
  std::optional<ModuleListener> modules_;  // nullopt: they are not heard
  bool modules_changed_ = false;           // and not looked at yet
  uint64_t side_band_losses_seen_ = 0;
};

uint64_t MonotonicNs();

}  // namespace correlate

#endif  // CLI_RECORDING_H_
