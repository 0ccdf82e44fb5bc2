#include "collector/boot_clock.h"

#include <algorithm>

namespace correlate {
namespace {

// Two clocks read one after the other differ by the way between them; a suspend is longer.
constexpr uint64_t kReadingErrorNs = 1'000'000;

}  // namespace

void BootClock::Observe(const ClockReading& now) {
  uint64_t offset_ns = now.boottime_ns - std::min(now.boottime_ns, now.monotonic_ns);
  // A host that never was suspended has an offset of exactly 0 (kernel/time/timekeeping.c).
  if (offset_ns < kReadingErrorNs) offset_ns = 0;
  if (offsets_.empty()) {
    offsets_.push_back({0, offset_ns});
  } else if (offset_ns > offsets_.back().offset_ns + kReadingErrorNs) {
    // The suspend began after the last look, so it was not over before last look + its length.
    const uint64_t suspended_ns = offset_ns - offsets_.back().offset_ns;
    offsets_.push_back({last_boottime_ns_ + suspended_ns, offset_ns});
  }
  last_boottime_ns_ = now.boottime_ns;
}

uint64_t BootClock::ToMonotonic(uint64_t boottime_ns) const {
  uint64_t offset_ns = 0;
  for (const Offset& offset : offsets_) {
    if (offset.from_boottime_ns <= boottime_ns) offset_ns = offset.offset_ns;
  }
  // Never 0, which says "unknown".
  return boottime_ns > offset_ns ? boottime_ns - offset_ns : 1;
}

}  // namespace correlate
