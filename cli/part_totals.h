// Cuts the running totals of a recording into parts that add up, so that each file of a ring, or a
// snapshot, states what belongs to it: what was written whole into it, and what was lost, missed or
// only counted meanwhile. What still waits in a ring of the kernel belongs to the part that it is
// written into. Totals by event and CPU are exact; of those by kind a few may stand with another
// kind, where drops of both waited while a part ended and others were lost. Memory grows with
// distinct kinds until they are told for the last time. One thread.
#ifndef CLI_PART_TOTALS_H_
#define CLI_PART_TOTALS_H_

#include <cstdint>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "report/kind_running_total.h"
#include "report/kind_totals.h"
#include "symbolize/trace_sink.h"

namespace correlate {

class PartTotals {
 public:
  // As TraceSink's. Counts are running totals, settled: their `missed` grows and holds nothing that
  // may yet be written.
  void OnFormat(const EventFormat& format) {
    formats_[format.id] = format;
    event_kinds_.OnFormat();
  }
  void OnEvent(const CorrelatedEvent& event);
  void OnLoss(const Loss& loss) { lost_ += loss.count; }
  void OnCounts(const EventCounts& counts);
  void OnKindCount(const KindCount& named);
  void OnXdpActions(const XdpActionCounts& counts);

  class Part {
   public:
    void Add(const Part& later);
    // As this one, but only of kinds that `which` holds.
    Part Where(const Part& which) const;
    const std::map<std::pair<uint32_t, uint32_t>, EventCounts>& counts() const { return counts_; }
    // Of one event, in all CPUs, but for those that a filter kept out.
    uint64_t Counted(uint32_t format_id) const;
    RecordingEnd End() const;  // events, lost, missed

   private:
    friend class PartTotals;
    uint64_t events_ = 0;
    uint64_t lost_ = 0;
    std::map<std::pair<uint32_t, uint32_t>, EventCounts> counts_;  // by format and CPU
    absl::flat_hash_map<EventKind, uint64_t> kinds_;
    std::map<uint32_t, uint64_t> others_;  // by format
    std::map<uint32_t, XdpActionCounts> xdp_actions_;
  };
  // What came since the last cut, or the beginning.
  Part Cut();
  // Tells a part's totals, named.
  void Tell(const Part& part, uint64_t time_ns, TraceSink& sink) const;

 private:
  struct Known {
    KindRunningTotal counted;
    uint64_t written = 0;
    uint64_t written_told = 0;
    uint64_t rest_told = 0;  // not written whole, and said to belong to some part
  };
  struct Other {
    uint64_t counted = 0;
    uint64_t told = 0;
    uint64_t written = 0;  // of kinds without room that are forgotten
  };
  void CutKinds(uint32_t format_id, uint64_t rest, Part* part);
  void ForgetKinds(uint32_t format_id, const Part& part);

  EventKinds event_kinds_;
  std::map<uint32_t, EventFormat> formats_;
  std::map<std::pair<uint32_t, uint32_t>, EventCounts> counts_;  // by format and CPU: as told last
  std::map<std::pair<uint32_t, uint32_t>, EventCounts> told_;
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> written_;
  absl::flat_hash_map<EventKind, Known> kinds_;
  absl::flat_hash_map<uint64_t, Frame> locations_;  // by address
  std::map<uint32_t, Other> others_;
  std::map<uint32_t, XdpActionCounts> xdp_actions_;
  std::map<uint32_t, XdpActionCounts> xdp_actions_told_;
  uint64_t events_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace correlate

#endif  // CLI_PART_TOTALS_H_
