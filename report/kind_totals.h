// How often each kind of drop and exception happened in all, beside how many of its events were
// written whole, and whom those name: so that a report can lay the rest to somebody, or say that it
// cannot. Kinds: see collector/drop_kind.h. Memory grows with distinct kinds. One thread.
#ifndef REPORT_KIND_TOTALS_H_
#define REPORT_KIND_TOTALS_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "query/time_range.h"
#include "report/kind_running_total.h"
#include "symbolize/trace_sink.h"

namespace correlate {

// Tells events' kinds, with the fields that make one looked up once a format.
class EventKinds {
 public:
  // To be called whenever a format is told: one of before may have stood where it stands.
  void OnFormat() { format_ = nullptr; }
  EventKind Of(const CorrelatedEvent& event);

 private:
  const EventFormat* format_ = nullptr;
  const FormatField* reason_ = nullptr;      // null: it has none
  const FormatField* program_id_ = nullptr;  // likewise
};

class KindTotals {
 public:
  void OnFormat() { kinds_.OnFormat(); }
  // An event that was written whole. `blame`: equal for events that are blamed on the same, and
  // never empty. `within`: it belongs to the part of the recording that counts.
  void OnEvent(const CorrelatedEvent& event, const std::string& blame, bool within = true);
  const EventKind& last() const { return last_kind_; }  // of the last event; format_id is ours
  // `place`: before, in or after the part of the recording that counts. Returns how many more it
  // counted than when it was last told.
  uint64_t OnKindCount(const KindCount& named, TimeRange::Place place = TimeRange::Place::kWithin);
  // Begins the next recording of a stream: its running totals come on top. Kinds of different boots
  // are different ones.
  void OnRecording(const std::string& boot_id);

  // What was not written whole of one kind.
  struct Rest {
    std::string boot_id;   // whose
    std::string event;     // "skb:kfree_skb"
    std::string location;  // symbol+0xoffset; empty: unknown
    std::string reason;    // name, or number
    EventKind kind;
    bool other = false;  // all kinds that found no room in the kernel's table
    uint64_t events = 0;
    uint64_t written = 0;          // of the same kind
    std::set<std::string> blames;  // of those
  };
  // Most events first.
  std::vector<Rest> Rests() const;
  bool empty() const { return !counted_; }  // the recording counted no kinds

 private:
  struct Total {
    KindRunningTotal counted;
    uint64_t written = 0;         // of all recordings
    uint64_t written_within = 0;  // in the part that counts
    // Counted and not written, as of the last reading before that part, and as of the last one in
    // it.
    uint64_t unwritten_before = 0;
    uint64_t unwritten_within = 0;
    std::set<std::string> blames;
    std::string last_blame;
    std::string boot_id;
    std::string event;
    std::string location;
    std::string reason;
  };
  uint64_t Set(const EventKindCount& told, TimeRange::Place place, Total* total);
  uint64_t Unwritten(const Total& total) const;
  // Formats are numbered anew by each recording; here by name.
  EventKind Renumbered(EventKind kind, const EventFormat& format);

  std::string boot_id_;
  bool counted_ = false;
  bool in_part_ = false;  // something lay outside of the part that counts
  EventKinds kinds_;
  EventKind last_kind_;
  Total* last_total_ = nullptr;                       // of last_kind_
  absl::flat_hash_map<uint32_t, uint32_t> numbers_;   // by format of this recording
  absl::flat_hash_map<std::string, uint32_t> names_;  // of events: their number
  absl::node_hash_map<EventKind, Total> totals_;      // of which format_id is that number
  absl::flat_hash_map<std::string, Total> others_;    // by event
};

}  // namespace correlate

#endif  // REPORT_KIND_TOTALS_H_
