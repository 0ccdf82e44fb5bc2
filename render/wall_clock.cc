#include "render/wall_clock.h"

#include <iterator>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace correlate {

void WallClock::Add(const ClockReading& reading) {
  realtime_by_monotonic_[reading.monotonic_ns] = reading.realtime_ns;
  if (realtime_by_monotonic_.size() <= kMostReadings) return;
  // The first and the last one stay.
  bool keep = false;
  std::erase_if(realtime_by_monotonic_, [&](const auto& entry) {
    keep = !keep;
    return !keep && entry.first != reading.monotonic_ns;
  });
}

std::optional<uint64_t> WallClock::RealtimeNs(uint64_t monotonic_ns) const {
  if (realtime_by_monotonic_.empty()) return std::nullopt;
  const auto after = realtime_by_monotonic_.upper_bound(monotonic_ns);
  if (after == realtime_by_monotonic_.begin()) {
    return after->second - (after->first - monotonic_ns);
  }
  const auto before = std::prev(after);
  const uint64_t since = monotonic_ns - before->first;
  if (after == realtime_by_monotonic_.end()) return before->second + since;
  const uint64_t monotonic = after->first - before->first;
  const uint64_t realtime = after->second - before->second;  // wraps when the clock was set back
  // A clock that was set, rather than slewed, jumps somewhere in between: stay with the earlier
  // one.
  const uint64_t most_slew = monotonic / 100;
  if (realtime > monotonic + most_slew || realtime < monotonic - most_slew) {
    return before->second + since;
  }
  using Wide = unsigned __int128;
  return before->second + static_cast<uint64_t>(static_cast<Wide>(since) * realtime / monotonic);
}

std::string FormatRfc3339(uint64_t realtime_ns) {
  const absl::Time seconds =
      absl::FromUnixSeconds(static_cast<int64_t>(realtime_ns / 1'000'000'000));
  return absl::StrFormat("%s.%09dZ",
                         absl::FormatTime("%Y-%m-%dT%H:%M:%S", seconds, absl::UTCTimeZone()),
                         realtime_ns % 1'000'000'000);
}

std::string FormatUtcSeconds(uint64_t realtime_ns) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC",
                          absl::FromUnixSeconds(static_cast<int64_t>(realtime_ns / 1'000'000'000)),
                          absl::UTCTimeZone());
}

}  // namespace correlate
