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
#include "cli/code_recorder.h"
#include "cli/companions.h"
#include "cli/map_snapshots.h"
#include "cli/recording_options.h"
#include "collector/attachment_monitor.h"
#include "collector/event_spec.h"
#include "collector/host_counter_monitor.h"
#include "collector/module_listener.h"
#include "collector/perf_source.h"
#include "symbolize/correlator.h"
#include "symbolize/forwarding_sink.h"
#include "symbolize/kernel_symbols.h"
#include "symbolize/trace_sink.h"

namespace correlate {

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
      : options_(options),
        companions_(options_),
        code_(options.images),
        map_snapshots_(options.snapshot_maps) {}
  absl::Status SelectAndOpen();
  absl::Status SwitchOn();
  // While events still come, kSettled: what waits to be read is not counted yet.
  enum class Waiting { kSettled, kNone };
  std::vector<EventCounts> Counts(Waiting waiting);
  // Of events made of calls of bpf(2).
  void TellCallTotals(const BpfCallTracer& calls, Summary* summary);
  void TellCounts();
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
  KernelSymbols kernel_symbols_;  // read at the start, handed to the correlator
  Companions companions_;
  size_t exit_notes_taken_ = 0;
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

}  // namespace correlate

#endif  // CLI_RECORDING_H_
