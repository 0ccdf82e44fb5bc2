#include "query/time_range.h"

#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "render/units.h"

namespace correlate {
namespace {

constexpr uint64_t kDayNs = 86'400'000'000'000;

}  // namespace

absl::StatusOr<TimeRange::End> TimeRange::ParseEnd(absl::string_view text) {
  if (text.empty()) return End{};
  if (absl::StartsWith(text, "+")) {
    ASSIGN_OR_RETURN(const uint64_t ns, ParseDuration(text.substr(1)));
    return End{End::Kind::kSinceStart, ns};
  }
  double seconds;
  if (absl::SimpleAtod(text, &seconds)) {
    if (!(seconds >= 0 && seconds < 1e9)) {
      return absl::InvalidArgumentError(absl::StrCat("'", text, "' is out of range"));
    }
    // Whole seconds and the rest apart: a double has no room for both in nanoseconds.
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(text, absl::MaxSplits('.', 1));
    uint64_t whole;
    double rest = 0;
    if (!absl::SimpleAtoi(parts.first, &whole) ||
        (!parts.second.empty() && !absl::SimpleAtod(absl::StrCat("0.", parts.second), &rest))) {
      return absl::InvalidArgumentError(absl::StrCat("'", text, "' is no time"));
    }
    return End{End::Kind::kMonotonic,
               whole * 1'000'000'000 + static_cast<uint64_t>(std::llround(rest * 1e9))};
  }
  absl::Time time;
  std::string error;
  if (absl::ParseTime("%H:%M:%E*S", text, &time, &error)) {
    return End{End::Kind::kTimeOfDay, static_cast<uint64_t>(absl::ToUnixNanos(time)) % kDayNs};
  }
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error) ||
      absl::ParseTime("%Y-%m-%d %H:%M:%E*S", text, &time, &error)) {
    return End{End::Kind::kRealtime, static_cast<uint64_t>(absl::ToUnixNanos(time))};
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", text,
                   "' is no time: 12345.678 (as `script` prints it), +5s (since the start), "
                   "19:31:02 or 2026-11-21T19:31:02Z (UTC)"));
}

absl::StatusOr<TimeRange> TimeRange::Parse(absl::string_view text) {
  const std::vector<absl::string_view> ends = absl::StrSplit(text, ',');
  if (ends.size() != 2) {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' is no FROM,TO"));
  }
  TimeRange range;
  range.text_ = std::string(text);
  ASSIGN_OR_RETURN(range.from_, ParseEnd(ends[0]));
  ASSIGN_OR_RETURN(range.to_, ParseEnd(ends[1]));
  if (range.from_.kind == range.to_.kind && range.from_.kind != End::Kind::kNone &&
      range.from_.kind != End::Kind::kTimeOfDay && range.from_.ns >= range.to_.ns) {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' ends before it begins"));
  }
  // Past midnight.
  if (range.from_.kind == End::Kind::kTimeOfDay && range.to_.kind == End::Kind::kTimeOfDay &&
      range.to_.ns <= range.from_.ns) {
    range.to_.ns += kDayNs;
  }
  return range;
}

std::optional<bool> TimeRange::Before(const End& end, uint64_t time_ns, const WallClock& clock,
                                      uint64_t start_ns) const {
  switch (end.kind) {
    case End::Kind::kNone:
      return std::nullopt;
    case End::Kind::kMonotonic:
      return time_ns < end.ns;
    case End::Kind::kSinceStart:
      return time_ns < start_ns + end.ns;
    case End::Kind::kRealtime:
    case End::Kind::kTimeOfDay:
      break;
  }
  const auto realtime = clock.RealtimeNs(time_ns);
  if (!realtime.has_value()) return std::nullopt;
  if (end.kind == End::Kind::kRealtime) return *realtime < end.ns;
  const auto start = clock.RealtimeNs(start_ns);
  if (!start.has_value()) return std::nullopt;
  uint64_t ns = *start / kDayNs * kDayNs + end.ns;
  // Long before the recording began: the day after is meant.
  if (ns + kDayNs / 2 < *start) ns += kDayNs;
  return *realtime < ns;
}

TimeRange::Place TimeRange::Of(uint64_t time_ns, const WallClock& clock, uint64_t start_ns) const {
  if (from_.kind != End::Kind::kNone && Before(from_, time_ns, clock, start_ns).value_or(true)) {
    return Place::kBefore;
  }
  if (to_.kind != End::Kind::kNone && !Before(to_, time_ns, clock, start_ns).value_or(false)) {
    return Place::kAfter;
  }
  return Place::kWithin;
}

}  // namespace correlate
