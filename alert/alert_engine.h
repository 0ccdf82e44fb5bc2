// Rules over a flow of events: counts them by rule and group in windows of seconds, and tells when
// an alert begins and when it is over. Works in the events' own time, by whole seconds of it, so
// that a trace that is replayed raises the same alerts as the recording did live. Memory is bounded
// by AlertRule::most. One thread.
#ifndef ALERT_ALERT_ENGINE_H_
#define ALERT_ALERT_ENGINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alert/rule.h"
#include "render/json_event.h"
#include "report/event_flow.h"

namespace correlate {

// What an alert tells when it fires or is over. Borrowed.
struct Alert {
  const AlertRule* rule = nullptr;
  std::vector<std::string> values;  // of rule->by
  bool firing = false;              // else it is over
  double measure = 0;               // count or rate in the window
  uint64_t fired_ns = 0;            // since when; the second after what raised it
  // The same by the wall clock as it was known then: the end tells it as the beginning did, though
  // later readings of the clocks have moved it by some nanoseconds. 0: no reading yet.
  uint64_t fired_realtime_ns = 0;
  uint64_t ended_ns = 0;  // when it was over; 0: it is not
  // Of its events, from the first one in the window on.
  uint64_t events = 0;
  uint64_t first_ns = 0;
  uint64_t last_ns = 0;
  // As `script --json` prints it, of those written whole: one of the last second that had one.
  std::string last_event;  // empty: none was
};

class AlertEngine {
 public:
  using Receiver = std::function<void(const Alert&)>;
  // `clock`: nanoseconds since 1970 at a time of CLOCK_MONOTONIC.
  using Clock = std::function<std::optional<uint64_t>(uint64_t monotonic_ns)>;
  AlertEngine(std::vector<AlertRule> rules, Receiver receiver, Clock clock);
  ~AlertEngine();

  void AddNetns(const Netns& netns) { lines_.AddNetns(netns); }  // their names
  // Times do not go back by more than the second in hand.
  void Add(const CountedEvents& events);
  // All seconds that ended before then are done with.
  void AdvanceTo(uint64_t now_ns);
  // The stream has ended: the second in hand, too.
  void Finish();

  // Other rules from now on. Those that are as before keep their alerts; alerts of those that are
  // gone are over.
  void Replace(std::vector<AlertRule> rules);

  const std::vector<AlertRule>& rules() const { return rules_; }
  uint64_t fired() const { return fired_; }        // alerts, so far
  uint64_t silenced() const { return silenced_; }  // that fired, but too soon after the last time
  // Events of a kind of which nobody knows whether a rule's filter takes them.
  uint64_t undecided() const { return undecided_; }

 private:
  struct Group;
  struct State;
  static Group& GroupOf(const AlertRule& rule, State& state, const CountedEvents& events);
  void AddTo(const AlertRule& rule, State& state, const CountedEvents& events);
  void Evaluate(uint64_t second);
  void Evaluate(const AlertRule& rule, Group& group, uint64_t second);
  void Tell(const AlertRule& rule, const Group& group, double measure, uint64_t second);

  std::vector<AlertRule> rules_;
  JsonEventLines lines_{{.addresses = false, .keys = false}};
  const Receiver receiver_;
  const Clock clock_;
  std::vector<std::unique_ptr<State>> states_;  // by rule
  uint64_t second_ = 0;                         // the one in hand
  uint64_t fired_ = 0;
  uint64_t silenced_ = 0;
  uint64_t undecided_ = 0;
};

}  // namespace correlate

#endif  // ALERT_ALERT_ENGINE_H_
