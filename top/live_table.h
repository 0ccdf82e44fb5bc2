// What happens now, by group: how often in the last seconds, and how often in all. Feed it every
// event once (EventFlow); memory is bounded by the number of groups. One thread.
#ifndef TOP_LIVE_TABLE_H_
#define TOP_LIVE_TABLE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/node_hash_map.h"
#include "query/event_key.h"
#include "query/filter.h"
#include "render/json_event.h"
#include "report/event_flow.h"

namespace correlate {

class LiveTable {
 public:
  static constexpr size_t kMostRows = 10'000;
  static constexpr uint64_t kRateSeconds = 5;  // over which rates are taken

  struct Row {
    std::vector<std::string> labels;  // of the keys
    double rate = 0;                  // a second
    uint64_t events = 0;
    uint64_t first_ns = 0;
    uint64_t last_ns = 0;
    // One of the last second that had one that was written whole, as `script --json` prints it;
    // empty: none was.
    std::string last_event;
  };
  enum class Order { kRate, kEvents, kLast, kName };

  explicit LiveTable(std::vector<EventKey> keys) : labels_(std::move(keys)) {}

  void AddNetns(const Netns& netns) { lines_.AddNetns(netns); }  // their names
  void Add(const CountedEvents& events);
  void AdvanceTo(uint64_t now_ns);

  // From now on only events that it takes; what was counted is forgotten. nullopt: all drops and
  // XDP exceptions.
  void SetFilter(std::optional<Filter> filter);
  const std::optional<Filter>& filter() const { return filter_; }

  const std::vector<EventKey>& keys() const { return labels_.keys(); }
  // Valid until the next change. The row of all that found no room stands among them.
  std::vector<const Row*> Rows(Order order, bool reverse) const;
  uint64_t events() const { return events_; }
  double rate() const;
  // Events of a kind of which nobody knows whether the filter takes them.
  uint64_t undecided() const { return undecided_; }

 private:
  struct Group : Row {
    std::array<uint64_t, kRateSeconds + 1> seconds = {};  // counts, by second
    uint64_t second = 0;                                  // the one in hand
    uint64_t described = 0;                               // the second of last_event
  };
  Group& GroupOf(const CountedEvents& events);
  static void Turn(Group& group, uint64_t second);

  CountedLabels labels_;
  JsonEventLines lines_;
  std::optional<Filter> filter_;
  absl::node_hash_map<std::string, Group> groups_;  // by GroupKey of their labels
  uint64_t events_ = 0;
  uint64_t undecided_ = 0;
};

}  // namespace correlate

#endif  // TOP_LIVE_TABLE_H_
