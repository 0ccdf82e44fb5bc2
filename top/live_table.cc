#include "top/live_table.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace correlate {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr char kOther[] = "other";

}  // namespace

void LiveTable::SetFilter(std::optional<Filter> filter) {
  filter_ = std::move(filter);
  groups_.clear();
  events_ = undecided_ = 0;
}

LiveTable::Group& LiveTable::GroupOf(const CountedEvents& events) {
  const std::vector<std::string>& values = labels_.Of(events);
  const std::string& key = labels_.key();
  const auto known = groups_.find(key);
  if (known != groups_.end()) return known->second;
  if (groups_.size() < kMostRows) {
    Group& group = groups_[key];
    group.labels = values;
    group.first_ns = events.time_ns;
    return group;
  }
  Group& rest = groups_[kOther];
  rest.labels.assign(values.size(), kOther);
  return rest;
}

// The ring's place of each second that has begun since is empty.
void LiveTable::Turn(Group& group, uint64_t second) {
  if (second <= group.second) return;
  const uint64_t passed = std::min<uint64_t>(second - group.second, group.seconds.size());
  for (uint64_t i = 0; i < passed; ++i) group.seconds[(second - i) % group.seconds.size()] = 0;
  group.second = second;
}

void LiveTable::Add(const CountedEvents& events) {
  if (filter_.has_value()) {
    const Match match = filter_->Evaluate(events.values);
    if (match == Match::kUnknown) undecided_ += events.count;
    if (match != Match::kYes) return;
  } else if (events.attribution == nullptr && events.view != nullptr) {
    return;  // neither a drop nor an exception
  }
  Group& group = GroupOf(events);
  const uint64_t second = std::max(events.time_ns / kSecondNs, group.second);
  Turn(group, second);
  group.seconds[second % group.seconds.size()] += events.count;
  group.events += events.count;
  group.last_ns = std::max(group.last_ns, events.time_ns);
  events_ += events.count;
  if (events.view != nullptr && group.described != second) {
    group.described = second;
    group.last_event = lines_.Line(events.view->event(), events.view->clock());
  }
}

// Of whole seconds, so without the one in hand.
void LiveTable::AdvanceTo(uint64_t now_ns) {
  const uint64_t second = now_ns / kSecondNs;
  for (auto& [key, group] : groups_) {
    Turn(group, second);
    const uint64_t sum = std::accumulate(group.seconds.begin(), group.seconds.end(), uint64_t{0}) -
                         group.seconds[group.second % group.seconds.size()];
    group.rate = static_cast<double>(sum) / static_cast<double>(kRateSeconds);
  }
}

double LiveTable::rate() const {
  double sum = 0;
  for (const auto& [key, group] : groups_) sum += group.rate;
  return sum;
}

std::vector<const LiveTable::Row*> LiveTable::Rows(Order order, bool reverse) const {
  std::vector<const Row*> rows;
  rows.reserve(groups_.size());
  for (const auto& [key, group] : groups_) rows.push_back(&group);
  const auto before = [order](const Row* a, const Row* b) {
    switch (order) {
      case Order::kRate:
        if (a->rate != b->rate) return a->rate > b->rate;
        [[fallthrough]];
      case Order::kEvents:
        if (a->events != b->events) return a->events > b->events;
        break;
      case Order::kLast:
        if (a->last_ns != b->last_ns) return a->last_ns > b->last_ns;
        break;
      case Order::kName:
        break;
    }
    return a->labels < b->labels;
  };
  std::sort(rows.begin(), rows.end(), before);
  if (reverse) std::reverse(rows.begin(), rows.end());
  return rows;
}

}  // namespace correlate
