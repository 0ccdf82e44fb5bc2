// The recording host's wall clock at a moment of its CLOCK_MONOTONIC, from the pairs of readings in
// a trace. Between two pairs it goes along the line through them (NTP may have slewed the clock);
// outside of them it runs on from the nearest. Of a recording of months every other reading goes
// when they become many.
#ifndef RENDER_WALL_CLOCK_H_
#define RENDER_WALL_CLOCK_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "collector/event.h"

namespace correlate {

class WallClock {
 public:
  static constexpr size_t kMostReadings = 50'000;
  void Add(const ClockReading& reading);
  // Nanoseconds since 1970; nullopt before any reading is known.
  std::optional<uint64_t> RealtimeNs(uint64_t monotonic_ns) const;

 private:
  std::map<uint64_t, uint64_t> realtime_by_monotonic_;
};

// RFC 3339 in UTC with nanoseconds: "2026-11-21T19:31:02.123456789Z".
std::string FormatRfc3339(uint64_t realtime_ns);
// "2026-11-21 19:31:02 UTC"
std::string FormatUtcSeconds(uint64_t realtime_ns);

}  // namespace correlate

#endif  // RENDER_WALL_CLOCK_H_
