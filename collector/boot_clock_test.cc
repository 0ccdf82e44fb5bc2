#include "collector/boot_clock.h"

#include <gtest/gtest.h>

namespace correlate {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

ClockReading At(uint64_t monotonic_ns, uint64_t boottime_ns) {
  return {.monotonic_ns = monotonic_ns, .boottime_ns = boottime_ns};
}

TEST(BootClockTest, AHostThatNeverSleptHasOneTime) {
  BootClock clock;
  clock.Observe(At(50 * kSecond, 50 * kSecond + 80));
  EXPECT_EQ(clock.ToMonotonic(7 * kSecond), 7 * kSecond);
  clock.Observe(At(60 * kSecond, 60 * kSecond + 4000));
  EXPECT_EQ(clock.ToMonotonic(7 * kSecond), 7 * kSecond);
}

TEST(BootClockTest, TheErrorOfAReadingChangesNothing) {
  BootClock clock;
  clock.Observe(At(50 * kSecond, 70 * kSecond));
  EXPECT_EQ(clock.ToMonotonic(69 * kSecond), 49 * kSecond);
  clock.Observe(At(51 * kSecond, 71 * kSecond + 900));
  EXPECT_EQ(clock.ToMonotonic(69 * kSecond), 49 * kSecond);
}

TEST(BootClockTest, ASuspendMovesOnlyWhatCameAfterIt) {
  BootClock clock;
  clock.Observe(At(10 * kSecond, 10 * kSecond));
  clock.Observe(At(20 * kSecond, 20 * kSecond));
  // Slept for 100 s some time after.
  clock.Observe(At(30 * kSecond, 130 * kSecond));
  EXPECT_EQ(clock.ToMonotonic(5 * kSecond), 5 * kSecond);
  EXPECT_EQ(clock.ToMonotonic(20 * kSecond), 20 * kSecond);
  EXPECT_EQ(clock.ToMonotonic(119 * kSecond), 119 * kSecond);
  EXPECT_EQ(clock.ToMonotonic(125 * kSecond), 25 * kSecond);
}

TEST(BootClockTest, NeverSaysUnknown) {
  BootClock clock;
  clock.Observe(At(10 * kSecond, 500 * kSecond));
  EXPECT_EQ(clock.ToMonotonic(3 * kSecond), 1);
}

}  // namespace
}  // namespace correlate
