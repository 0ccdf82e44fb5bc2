// What `report` counts, as values: one pass over a trace fills them, in memory that grows with
// distinct groups and not with events. Rendering is report_text.h's and report_json.h's.
#ifndef CLI_REPORT_TABLES_H_
#define CLI_REPORT_TABLES_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/status/statusor.h"
#include "cli/kind_totals.h"
#include "cli/running_totals.h"
#include "cli/wall_clock.h"
#include "symbolize/trace_sink.h"

namespace correlate {

// A key of --by.
enum class GroupKey { kEvent, kReason, kLocation, kDevice, kProgram };
absl::StatusOr<std::vector<GroupKey>> ParseGroupKeys(const std::string& list);
absl::string_view GroupKeyName(GroupKey key);

// Events that share what they are blamed on, and why.
struct CulpritGroup {
  // As of the first event, with the attachments of that event. Several only with kCandidates: one
  // of these. kSampled also of events that were only counted, where all of their kind that were
  // written whole name this one program.
  std::vector<BlamedProgram> programs;
  Evidence evidence = Evidence::kNone;
  std::string verdict;
  uint64_t events = 0;
};

// Events that no program is blamed for.
struct NoProgramGroup {
  std::string event;
  std::string location;  // symbol+offset; empty: unknown
  std::string reason;    // empty: unknown
  std::string why;
  uint64_t events = 0;
};

class ReportTables : public TraceSink {
 public:
  explicit ReportTables(std::vector<GroupKey> by) : by_(std::move(by)) {}

  void OnRecording(const RecordingFacts& facts) override;
  void OnClocks(const ClockReading& clocks) override;
  void OnAttachment(const Attachment& attachment) override;
  void OnProgram(const ProgramInfo& program) override;
  void OnFormat(const EventFormat& format) override;
  void OnEvent(const CorrelatedEvent& event) override;
  void OnLoss(const Loss& loss) override;
  void OnCounts(const EventCounts& counts) override { totals_.OnCounts(counts); }
  void OnKindCount(const KindCount& named) override { kinds_.OnKindCount(named); }
  void OnXdpActions(const XdpActionCounts& counts) override { totals_.OnXdpActions(counts); }
  void OnEnd(const RecordingEnd& end) override;

  // The trace turned out to be damaged or cut short: a part of it was never handed over.
  void SetIncomplete() { complete_ = false; }
  bool complete() const { return complete_; }

  // Lays out what was counted and not written whole. Call once, after the trace.
  void Finish();

  // Most events first.
  std::vector<const CulpritGroup*> Culprits() const;
  std::vector<const NoProgramGroup*> WithoutProgram() const;
  struct ByGroup {
    std::vector<std::string> values;  // one for each key; "unknown" where the event does not tell
    uint64_t events = 0;
  };
  std::vector<ByGroup> Groups() const;
  // Where the program was attached during the recording, as the tables tell.
  std::vector<Attachment> AttachmentsOf(uint32_t program_id) const;

  // What was attached where a drop reason points to: who it may have been, where no event tells.
  struct Suspect {
    std::string program;  // name; empty: unknown
    Attachment attachment;
  };
  std::vector<Suspect> SuspectsOf(absl::string_view reason) const;

  // By program.
  std::map<uint32_t, XdpActionCounts> xdp_actions() const { return totals_.XdpActions(); }
  // As of the latest program of that id; empty: unknown.
  std::string ProgramName(uint32_t id) const;

  const std::vector<GroupKey>& by() const { return by_; }
  const RecordingFacts& facts() const { return facts_; }
  const WallClock& clock() const { return clock_; }
  // In all, as the kernel counted them, but for those that a filter kept out.
  uint64_t drops() const;
  uint64_t xdp_exceptions() const;
  uint64_t events() const { return events_; }  // written whole
  uint64_t only_counted() const { return Sum(&EventCounts::only_counted); }
  uint64_t lost() const { return lost_; }
  bool counts_kinds() const { return !kinds_.empty(); }
  // Of calls of bpf(2) the end alone tells, since nobody knows which events they would have made.
  uint64_t missed() const { return std::max(Sum(&EventCounts::missed), missed_in_all_); }
  uint64_t filtered() const { return Sum(&EventCounts::filtered); }
  uint64_t first_ns() const { return first_ns_; }
  uint64_t last_ns() const { return last_ns_; }
  double seconds() const;

 private:
  std::string GroupValue(GroupKey key, const CorrelatedEvent& event) const;
  std::string GroupValue(GroupKey key, const KindTotals::Rest& rest) const;
  uint64_t Sum(uint64_t EventCounts::*member) const;
  uint64_t Total(const std::string& event) const;
  // To whom the rest of a kind belongs, as far as that can be said.
  void Lay(const KindTotals::Rest& rest);
  CulpritGroup& GroupOf(const Attribution& attribution);
  void AddCulprit(const Attribution& attribution, uint64_t events) {
    GroupOf(attribution).events += events;
  }
  // Of an attribution, made once: millions of events share a few.
  struct Blamed {
    std::string who;                // for the rest of its kind
    CulpritGroup* group = nullptr;  // null: no program, or its XDP exception stands for it
  };
  const Blamed& BlamedOf(const Attribution& attribution);
  // What the attributions that blame the same programs have in common.
  void MergeBlame(const std::string& who, const Attribution& attribution);
  NoProgramGroup& WithoutProgramGroup(const std::string& event, const std::string& location,
                                      const std::string& reason, const std::string& why);
  NoProgramGroup& WithoutProgramGroup(const CorrelatedEvent& event);

  const std::vector<GroupKey> by_;
  RecordingFacts facts_;
  WallClock clock_;
  std::vector<Attachment> attachments_;
  absl::flat_hash_map<uint32_t, std::string> program_names_;  // by id, the latest
  absl::node_hash_map<std::string, CulpritGroup> culprits_;
  absl::node_hash_map<std::string, NoProgramGroup> without_;
  std::map<std::vector<std::string>, uint64_t> groups_;
  RunningTotals totals_;
  bool complete_ = true;
  uint64_t events_ = 0;
  KindTotals kinds_;
  absl::flat_hash_map<std::string, Attribution> blames_;  // by who; with the strongest evidence
  absl::flat_hash_map<uint64_t, Blamed> blamed_;  // by attribution; emptied before it grows large
  // By frame of the location and reason, of one format; likewise.
  absl::flat_hash_map<std::pair<uint64_t, uint32_t>, NoProgramGroup*> without_by_frame_;
  std::map<std::string, uint64_t> written_;  // by event
  const EventFormat* last_format_ = nullptr;
  uint64_t* last_written_ = nullptr;  // of last_format_'s event
  uint64_t lost_ = 0;
  uint64_t missed_in_all_ = 0;  // as the ends of recordings have it
  uint64_t first_ns_ = 0;
  uint64_t last_ns_ = 0;
};

// "ip_rcv+0x1f3" of the event's location field; empty where it has none.
std::string LocationText(const CorrelatedEvent& event);

}  // namespace correlate

#endif  // CLI_REPORT_TABLES_H_
