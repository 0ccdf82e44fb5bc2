// How often each kind of drop and exception happened in all, beside how many of its events were
// written whole, and whom those name: so that a report can lay the rest to somebody, or say that it
// cannot. Kinds: see collector/drop_kind.h. Memory grows with distinct kinds. One thread.
#ifndef CLI_KIND_TOTALS_H_
#define CLI_KIND_TOTALS_H_

#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
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
  // never empty.
  void OnEvent(const CorrelatedEvent& event, const std::string& blame);
  const EventKind& last() const { return last_kind_; }  // of the last event; format_id is ours
  void OnKindCount(const KindCount& named);
  // Begins the next recording of a stream: its running totals come on top.
  void OnRecording();

  // What was not written whole of one kind.
  struct Rest {
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
    uint64_t counted = 0;
    uint64_t earlier = 0;  // counted in recordings that are over
    uint64_t written = 0;
    std::set<std::string> blames;
    std::string last_blame;
    std::string event;
    std::string location;
    std::string reason;
  };
  // Formats are numbered anew by each recording; here by name.
  EventKind Renumbered(EventKind kind, const EventFormat& format);

  bool counted_ = false;
  EventKinds kinds_;
  EventKind last_kind_;
  Total* last_total_ = nullptr;                       // of last_kind_
  absl::flat_hash_map<uint32_t, uint32_t> numbers_;   // by format of this recording
  absl::flat_hash_map<std::string, uint32_t> names_;  // of events: their number
  absl::node_hash_map<EventKind, Total> totals_;      // of which format_id is that number
  absl::flat_hash_map<std::string, Total> others_;    // by event
};

}  // namespace correlate

#endif  // CLI_KIND_TOTALS_H_
