// --time FROM,TO: which part of a recording. Each end is
//   12345.678            seconds of the recording host's CLOCK_MONOTONIC, as `script` prints them
//   +5, +1m30s, +200ms   since the recording began
//   19:31:02[.5]         wall clock in UTC, on the day on which the recording began, or the day
//   after
//                        where that is more than twelve hours before it
//   2026-11-21T19:31:02Z wall clock (RFC 3339)
// and may be left out. FROM belongs to it, TO does not.
#ifndef QUERY_TIME_RANGE_H_
#define QUERY_TIME_RANGE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "render/wall_clock.h"

namespace correlate {

class TimeRange {
 public:
  static absl::StatusOr<TimeRange> Parse(absl::string_view text);

  enum class Place { kBefore, kWithin, kAfter };
  // `start_ns`: when the recording began, of the same clock as `time_ns`. Where the wall clock is
  // not known, a range by it holds nothing.
  Place Of(uint64_t time_ns, const WallClock& clock, uint64_t start_ns) const;
  bool Contains(uint64_t time_ns, const WallClock& clock, uint64_t start_ns) const {
    return Of(time_ns, clock, start_ns) == Place::kWithin;
  }
  const std::string& text() const { return text_; }

 private:
  struct End {
    enum class Kind { kNone, kMonotonic, kSinceStart, kTimeOfDay, kRealtime };
    Kind kind = Kind::kNone;
    uint64_t ns = 0;
  };
  static absl::StatusOr<End> ParseEnd(absl::string_view text);
  // Whether time_ns is before the end; nullopt: that cannot be said.
  std::optional<bool> Before(const End& end, uint64_t time_ns, const WallClock& clock,
                             uint64_t start_ns) const;

  std::string text_;
  End from_;
  End to_;
};

}  // namespace correlate

#endif  // QUERY_TIME_RANGE_H_
