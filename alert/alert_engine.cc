#include "alert/alert_engine.h"

#include <algorithm>
#include <utility>

namespace correlate {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr char kOther[] = "other";

}  // namespace

struct AlertEngine::Group {
  // So many events in one second of the window.
  struct Second {
    uint64_t second = 0;
    uint64_t count = 0;
    uint64_t first_ns = 0;
  };
  std::vector<std::string> values;
  std::deque<Second> window;
  uint64_t in_window = 0;
  uint64_t high_since = 0;  // second; 0: it is not
  uint64_t low_since = 0;   // likewise, while it fires
  bool firing = false;
  bool quiet = false;  // it fired too soon after the last time
  uint64_t fired_ns = 0;
  uint64_t fired_realtime_ns = 0;
  uint64_t silent_until_ns = 0;
  uint64_t events = 0;
  uint64_t first_ns = 0;
  uint64_t last_ns = 0;
  uint64_t described = 0;  // the second of last_event
  std::string last_event;
};

struct AlertEngine::State {
  explicit State(const AlertRule& rule) : labels(rule.by) {}
  CountedLabels labels;
  absl::node_hash_map<std::string, Group> groups;  // by GroupKey of their values
};

AlertEngine::AlertEngine(std::vector<AlertRule> rules, Receiver receiver, Clock clock)
    : rules_(std::move(rules)), receiver_(std::move(receiver)), clock_(std::move(clock)) {
  for (const AlertRule& rule : rules_) states_.push_back(std::make_unique<State>(rule));
}

AlertEngine::~AlertEngine() = default;

void AlertEngine::Replace(std::vector<AlertRule> rules) {
  std::vector<std::unique_ptr<State>> states(rules.size());
  for (size_t old = 0; old < rules_.size(); ++old) {
    const auto same = std::find_if(rules.begin(), rules.end(), [&](const AlertRule& rule) {
      return rule.source == rules_[old].source;
    });
    if (same != rules.end()) {
      states[static_cast<size_t>(same - rules.begin())] = std::move(states_[old]);
      continue;
    }
    for (auto& [key, group] : states_[old]->groups) {
      if (!group.firing || group.quiet) continue;
      group.firing = false;
      Tell(rules_[old], group, static_cast<double>(group.in_window), second_);
    }
  }
  for (size_t i = 0; i < rules.size(); ++i) {
    if (states[i] == nullptr) states[i] = std::make_unique<State>(rules[i]);
  }
  rules_ = std::move(rules);
  states_ = std::move(states);
}

AlertEngine::Group& AlertEngine::GroupOf(const AlertRule& rule, State& state,
                                         const CountedEvents& events) {
  const std::vector<std::string>& values = state.labels.Of(events);
  const std::string& key = state.labels.key();
  if (const auto known = state.groups.find(key); known != state.groups.end()) {
    return known->second;
  }
  if (state.groups.size() < rule.most || values.empty()) {
    Group& group = state.groups[key];
    group.values = values;
    return group;
  }
  Group& rest = state.groups[kOther];
  rest.values.assign(values.size(), kOther);
  return rest;
}

void AlertEngine::AddTo(const AlertRule& rule, State& state, const CountedEvents& events) {
  if (rule.filter.has_value()) {
    const Match match = rule.filter->Evaluate(events.values);
    if (match == Match::kUnknown) undecided_ += events.count;
    if (match != Match::kYes) return;
  } else if (events.attribution == nullptr && events.view != nullptr) {
    return;  // neither a drop nor an exception
  }
  Group& group = GroupOf(rule, state, events);
  const uint64_t second = std::max(events.time_ns / kSecondNs, second_);
  if (group.window.empty() || group.window.back().second != second) {
    group.window.push_back({.second = second, .first_ns = events.time_ns});
  }
  group.window.back().count += events.count;
  group.in_window += events.count;
  group.events += events.count;
  group.last_ns = events.time_ns;
  if (events.view != nullptr && group.described != second) {
    group.described = second;
    group.last_event = lines_.Line(events.view->event(), events.view->clock());
  }
}

void AlertEngine::Add(const CountedEvents& events) {
  AdvanceTo(events.time_ns);
  for (size_t i = 0; i < rules_.size(); ++i) AddTo(rules_[i], *states_[i], events);
}

void AlertEngine::AdvanceTo(uint64_t now_ns) {
  const uint64_t now = now_ns / kSecondNs;
  if (second_ == 0) second_ = now;
  for (; second_ < now; ++second_) {
    const bool idle = std::all_of(states_.begin(), states_.end(),
                                  [](const auto& state) { return state->groups.empty(); });
    if (idle) {
      second_ = now;
      return;
    }
    Evaluate(second_);
  }
}

void AlertEngine::Finish() {
  Evaluate(second_);
  ++second_;
}

void AlertEngine::Evaluate(uint64_t second) {
  for (size_t i = 0; i < rules_.size(); ++i) {
    State* state = states_[i].get();
    for (auto group = state->groups.begin(); group != state->groups.end();) {
      Evaluate(rules_[i], group->second, second);
      const Group& now = group->second;
      const bool done =
          now.in_window == 0 && !now.firing && now.silent_until_ns <= (second + 1) * kSecondNs;
      if (done) {
        state->groups.erase(group++);
      } else {
        ++group;
      }
    }
  }
}

// As of the end of `second`.
void AlertEngine::Evaluate(const AlertRule& rule, Group& group, uint64_t second) {
  const uint64_t seconds = rule.window_ns / kSecondNs;
  while (!group.window.empty() && group.window.front().second + seconds <= second) {
    group.in_window -= group.window.front().count;
    group.window.pop_front();
  }
  double measure = static_cast<double>(group.in_window);
  if (rule.per_second) measure /= static_cast<double>(seconds);
  const uint64_t end_ns = (second + 1) * kSecondNs;
  if (!group.firing) {
    if (group.window.empty()) {
      group.events = 0;
      group.last_event.clear();
    }
    if (measure <= rule.above) {
      group.high_since = 0;
      return;
    }
    if (group.high_since == 0) group.high_since = second;
    if ((second - group.high_since) * kSecondNs < rule.for_ns) return;
    group.firing = true;
    group.low_since = 0;
    group.fired_ns = end_ns;
    group.fired_realtime_ns = clock_(end_ns).value_or(0);
    group.first_ns = group.window.front().first_ns;
    group.events = group.in_window;
    group.quiet = end_ns < group.silent_until_ns;
    if (group.quiet) {
      ++silenced_;
      return;
    }
    group.silent_until_ns = end_ns + rule.silence_ns;
    ++fired_;
    Tell(rule, group, measure, second);
    return;
  }
  if (measure > rule.below) {
    group.low_since = 0;
    return;
  }
  if (group.low_since == 0) group.low_since = second;
  if ((second - group.low_since) * kSecondNs < rule.keep_ns) return;
  group.firing = false;
  group.high_since = 0;
  if (!group.quiet) Tell(rule, group, measure, second);
}

void AlertEngine::Tell(const AlertRule& rule, const Group& group, double measure, uint64_t second) {
  Alert alert;
  alert.rule = &rule;
  alert.values = group.values;
  alert.firing = group.firing;
  alert.measure = measure;
  alert.fired_ns = group.fired_ns;
  alert.fired_realtime_ns = group.fired_realtime_ns;
  alert.ended_ns = group.firing ? 0 : (second + 1) * kSecondNs;
  alert.events = group.events;
  alert.first_ns = group.first_ns;
  alert.last_ns = group.last_ns;
  alert.last_event = group.last_event;
  receiver_(alert);
}

}  // namespace correlate
