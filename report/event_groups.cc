#include "report/event_groups.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace correlate {

void EventGroups::Add(const std::vector<std::string>& values, uint64_t events) {
  key_.clear();
  for (const std::string& value : values) absl::StrAppend(&key_, value.size(), ":", value);
  const auto [group, is_new] = groups_.try_emplace(key_);
  if (is_new) group->second.values = values;
  group->second.events += events;
}

void EventGroups::AddCounted(const ValueSource& kind, uint64_t events) {
  Add(KindLabels(kind, keys()), events);
}

std::vector<EventGroups::Group> EventGroups::MostFirst() const {
  std::vector<Group> groups;
  groups.reserve(groups_.size());
  for (const auto& [key, group] : groups_) groups.push_back(group);
  std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    return a.events != b.events ? a.events > b.events : a.values < b.values;
  });
  return groups;
}

}  // namespace correlate
