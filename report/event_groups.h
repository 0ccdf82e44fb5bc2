// Events counted by what tables show for some of their keys (--by). Memory grows with distinct
// groups. One thread.
#ifndef REPORT_EVENT_GROUPS_H_
#define REPORT_EVENT_GROUPS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "query/event_view.h"

namespace correlate {

class EventGroups {
 public:
  struct Group {
    std::vector<std::string> values;  // one for each key
    uint64_t events = 0;
  };

  explicit EventGroups(std::vector<EventKey> keys) : labels_(std::move(keys)) {}
  const std::vector<EventKey>& keys() const { return labels_.keys(); }
  void Add(const EventView& view) { Add(labels_.Of(view), 1); }
  // Events that were only counted; what `kind` cannot tell of them is "only counted".
  void AddCounted(const ValueSource& kind, uint64_t events);
  // Most events first.
  std::vector<Group> MostFirst() const;

 private:
  void Add(const std::vector<std::string>& values, uint64_t events);

  EventLabels labels_;
  std::string key_;  // of the group in hand: its values, each behind its length
  absl::flat_hash_map<std::string, Group> groups_;
};

}  // namespace correlate

#endif  // REPORT_EVENT_GROUPS_H_
