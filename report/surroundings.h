// What drops did around events of another kind: a map that was changed, a program that was
// attached, and how many packets each culprit dropped shortly before and shortly after. Memory
// grows with the number of different changes, bounded, and with that of culprits. One thread;
// events in order of time. That one thing came after another does not say that it came of it.
#ifndef REPORT_SURROUNDINGS_H_
#define REPORT_SURROUNDINGS_H_

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "render/event_fields.h"
#include "render/event_text.h"
#include "render/wall_clock.h"
#include "symbolize/trace_sink.h"

namespace correlate {

class Surroundings : public TraceSink {
 public:
  static constexpr size_t kMostChanges = 1000;  // the rest is only counted

  // `event`: GROUP:NAME, globs allowed. `window_ns` before each and after it.
  Surroundings(std::string event, uint64_t window_ns);

  void OnClocks(const ClockReading& clocks) override { clock_.Add(clocks); }
  void OnFormat(const EventFormat& format) override { texts_.OnFormat(format); }
  void OnProgram(const ProgramInfo& program) override;
  void OnEvent(const CorrelatedEvent& event) override;

  void Finish();  // no more events come
  std::string Text() const;
  Json ToJson() const;

 private:
  // How many packets each culprit dropped so far, by its number.
  using Counts = std::vector<uint64_t>;
  struct Change {
    uint64_t first_ns = 0;
    uint64_t last_ns = 0;
    uint64_t times = 0;
    int32_t pid = 0;
    std::string comm;
    std::string cgroup;
    std::string event;
    std::string text;  // of the first one
    bool settled = false;
    Counts at_last;  // while it is not settled: as of last_ns
    Counts before;   // in the window before the first one
    Counts after;    // in the window after the last one
  };
  bool IsAskedFor(const EventFormat& format);
  size_t NumberOf(const CorrelatedEvent& event);
  void NoteTime(uint64_t time_ns);
  void Settle(uint64_t time_ns);
  void Add(const CorrelatedEvent& event);
  Counts CountsAt(uint64_t time_ns) const;

  const std::string event_;
  const uint64_t window_ns_;
  WallClock clock_;
  EventTexts texts_;
  absl::flat_hash_map<const EventFormat*, bool> asked_for_;
  absl::flat_hash_map<uint64_t, size_t> by_attribution_;  // by Attribution::id
  absl::flat_hash_map<std::string, size_t> by_name_;
  absl::flat_hash_map<uint32_t, std::string> loaders_;  // cgroups of those who loaded programs
  std::vector<std::string> names_;
  Counts counts_;
  std::deque<std::pair<uint64_t, Counts>> history_;  // of the last window, in steps of it
  uint64_t last_ns_ = 0;                             // of the last event
  std::vector<Change> changes_;
  size_t first_open_ = 0;  // before it all are settled
  uint64_t not_kept_ = 0;
};

}  // namespace correlate

#endif  // REPORT_SURROUNDINGS_H_
