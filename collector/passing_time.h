// Whether a perf event's time goes on: it does while the event is on, and stands still once it was
// taken off. The kernel's clock may be as coarse as a tick (10 ms at CONFIG_HZ=100), where no finer
// one is stable: two readings that are equal prove nothing yet.
#ifndef COLLECTOR_PASSING_TIME_H_
#define COLLECTOR_PASSING_TIME_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>

namespace correlate {

// `read` gives the time, or nothing where it cannot be read, which counts as going on. Returns at
// once in general, and after `standstill` where the time does not go on.
template <typename Read>
bool TimeGoesOn(Read read, std::chrono::milliseconds standstill = std::chrono::milliseconds(40)) {
  const std::optional<uint64_t> before = read();
  const auto deadline = std::chrono::steady_clock::now() + standstill;
  for (;;) {
    const bool last = std::chrono::steady_clock::now() >= deadline;
    const std::optional<uint64_t> after = read();
    if (!before.has_value() || !after.has_value() || *after != *before) return true;
    if (last) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace correlate

#endif  // COLLECTOR_PASSING_TIME_H_
