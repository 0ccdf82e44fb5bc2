// What `report` counts, as values: one pass over a trace fills them, in memory that grows with
// distinct groups and not with events. Rendering is report_text.h's and report_json.h's.
#ifndef REPORT_REPORT_TABLES_H_
#define REPORT_REPORT_TABLES_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "query/selection.h"
#include "render/wall_clock.h"
#include "report/event_groups.h"
#include "report/host_tables.h"
#include "report/kind_totals.h"
#include "report/running_totals.h"
#include "report/timeline.h"
#include "symbolize/trace_sink.h"

namespace correlate {

// Events that share what they are blamed on, and why.
struct CulpritGroup {
  // As of the first event, with the attachments of that event. Several only with kCandidates: one
  // of these. kSampled also of events that were only counted, where all of their kind that were
  // written whole name this one program.
  std::vector<BlamedProgram> programs;
  Evidence evidence = Evidence::kNone;
  std::string verdict;
  std::string host;
  std::string boot_id;
  uint64_t events = 0;
  // Of those that were written whole; 0: none was.
  uint64_t first_ns = 0;
  uint64_t last_ns = 0;
};

// Events that no program is blamed for.
struct NoProgramGroup {
  std::string event;
  std::string location;  // symbol+offset; empty: unknown
  std::string reason;    // empty: unknown
  std::string why;
  uint64_t events = 0;
  uint64_t first_ns = 0;  // as above
  uint64_t last_ns = 0;
};

class ReportTables : public TraceSink {
 public:
  explicit ReportTables(std::vector<EventKey> by, Selection selection = {})
      : selection_(std::move(selection)), groups_(std::move(by)) {}
  // Counts packets by these keys as well; to be called before the trace. Unlike groups(), which
  // counts events, without the free that follows an XDP exception: it is no packet of its own.
  void AlsoCountPacketsBy(std::vector<EventKey> keys) {
    packet_groups_.emplace_back(std::move(keys));
  }

  void OnRecording(const RecordingFacts& facts) override;
  void OnClocks(const ClockReading& clocks) override;
  void OnAttachment(const Attachment& attachment) override { host_->OnAttachment(attachment); }
  void OnProgram(const ProgramInfo& program) override { host_->OnProgram(program); }
  void OnDevice(const Device& device) override { host_->OnDevice(device); }
  void OnNetns(const Netns& netns) override { view_.OnNetns(netns); }
  void OnFormat(const EventFormat& format) override;
  void OnEvent(const CorrelatedEvent& event) override;
  void OnLoss(const Loss& loss) override;
  void OnCounts(const EventCounts& counts) override { totals_.OnCounts(counts); }
  void OnKindCount(const KindCount& named) override;
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
  // By the keys of --by; most events first.
  const EventGroups& groups() const { return groups_; }
  // In the order in which they were asked for.
  const std::vector<EventGroups>& packet_groups() const { return packet_groups_; }
  // Of the host that recorded last; and of the one of a group, which has programs of its own.
  const HostTables& host() const { return *host_; }
  const HostTables& host(const CulpritGroup& group) const {
    return tables_of_boot_.at(group.boot_id);
  }
  std::vector<HostTables::Suspect> SuspectsOf(absl::string_view reason) const;  // on all hosts
  // What changed in the time asked for, but for programs of the recorder, and for those that were
  // gone at once and that nobody saw attached: libraries load such ones to try what the kernel can.
  std::vector<HostChanges::Change> Changes() const;
  // Of what was selected. Those that were only counted by the second, and not where there is a
  // filter.
  const Timeline& drops_over_time() const { return drops_over_time_; }
  const Timeline& exceptions_over_time() const { return exceptions_over_time_; }

  // By event and CPU.
  std::map<std::pair<std::string, uint32_t>, EventCounts> Counts() const {
    return totals_.Counts();
  }
  // By program.
  std::map<uint32_t, XdpActionCounts> xdp_actions() const { return totals_.XdpActions(); }

  const Selection& selection() const { return selection_; }
  // Written whole and selected.
  uint64_t selected() const { return selected_; }
  // Packets that a program is blamed for, by more than a list of candidates; of these those that
  // only samples of their kind name; and all of the tables below.
  struct Shares {
    uint64_t blamed = 0;
    uint64_t sampled = 0;
    uint64_t all = 0;
    size_t programs = 0;
  };
  Shares shares() const;
  // Only counted, and a filter cannot tell whether they are asked for.
  uint64_t undecided() const { return undecided_; }
  const RecordingFacts& facts() const { return facts_; }  // of the last recording of the stream
  // Names of all hosts whose recordings the stream holds.
  const std::set<std::string>& hosts() const { return hosts_; }
  const WallClock& clock() const { return view_.clock(); }
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
  // Of the recording, or of the part of it that was asked for.
  struct Span {
    uint64_t from_ns = 0;
    uint64_t to_ns = 0;
  };
  Span span() const;
  double seconds() const;

 private:
  uint64_t Sum(uint64_t EventCounts::*member) const;
  uint64_t Total(const std::string& event) const;
  std::string HostOfBoot(const std::string& boot_id) const;  // its name; empty: unknown
  // To whom the rest of a kind belongs, as far as that can be said.
  void Lay(const KindTotals::Rest& rest);
  std::optional<Attribution> BlameOf(const KindTotals::Rest& rest) const;
  CulpritGroup& GroupOf(const std::string& boot_id, const Attribution& attribution);
  // What was counted and not written until the latest reading of the counts goes onto the
  // timelines.
  void SettleCounts();
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

  const Selection selection_;
  RecordingFacts facts_;
  std::set<std::string> hosts_;
  std::map<std::string, std::string> host_of_boot_;
  EventView view_;
  std::map<std::string, HostTables> tables_of_boot_;
  HostTables* host_ = &tables_of_boot_[""];  // of the recording in hand
  absl::node_hash_map<std::string, CulpritGroup> culprits_;
  absl::node_hash_map<std::string, NoProgramGroup> without_;
  EventGroups groups_;
  std::vector<EventGroups> packet_groups_;
  uint64_t selected_ = 0;
  uint64_t undecided_ = 0;
  Timeline drops_over_time_;
  Timeline exceptions_over_time_;
  // Of one event, since the counts were read before.
  struct Unsettled {
    int64_t counted = 0;
    int64_t written = 0;
  };
  std::map<std::string, Unsettled> unsettled_;
  Unsettled* last_unsettled_ = nullptr;  // of last_format_'s event
  uint64_t counts_settled_ns_ = 0;
  uint64_t counts_read_ns_ = 0;
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
  uint64_t* last_written_ = nullptr;   // of last_format_'s event
  Timeline* last_timeline_ = nullptr;  // likewise; null: it has none
  uint64_t lost_ = 0;
  uint64_t missed_in_all_ = 0;  // as the ends of recordings have it
  uint64_t first_ns_ = 0;
  uint64_t last_ns_ = 0;
};

}  // namespace correlate

#endif  // REPORT_REPORT_TABLES_H_
