#include "render/wall_clock.h"

#include "gtest/gtest.h"

namespace correlate {
namespace {

TEST(WallClock, RunsOnFromOneReading) {
  WallClock clock;
  EXPECT_FALSE(clock.RealtimeNs(5).has_value());
  clock.Add({.monotonic_ns = 1000, .realtime_ns = 1'000'000});
  EXPECT_EQ(clock.RealtimeNs(1500), 1'000'500u);
  EXPECT_EQ(clock.RealtimeNs(500), 999'500u);
}

TEST(WallClock, FollowsASlewedClockAndNotAJump) {
  WallClock clock;
  clock.Add({.monotonic_ns = 1'000'000, .realtime_ns = 10'000'000});
  clock.Add({.monotonic_ns = 2'000'000, .realtime_ns = 11'001'000});  // 0.1 % fast
  EXPECT_EQ(clock.RealtimeNs(1'500'000), 10'500'500u);
  clock.Add({.monotonic_ns = 3'000'000, .realtime_ns = 99'000'000});  // set by hand
  EXPECT_EQ(clock.RealtimeNs(2'500'000), 11'501'000u);
  EXPECT_EQ(clock.RealtimeNs(3'500'000), 99'500'000u);
}

TEST(WallClock, OfMonthsTheOldOnesGetSparseAndTheEndsStay) {
  WallClock clock;
  constexpr uint64_t kStep = 10'000'000'000;
  constexpr uint64_t kReadings = 10 * WallClock::kMostReadings;
  for (uint64_t i = 0; i < kReadings; ++i) clock.Add({i * kStep, 1'000'000 + i * kStep + i});
  for (const uint64_t at : {uint64_t{0}, kReadings / 2, kReadings - 1}) {
    EXPECT_NEAR(static_cast<double>(*clock.RealtimeNs(at * kStep) - at * kStep - 1'000'000),
                static_cast<double>(at), 2);
  }
}

TEST(WallClock, Formats) {
  EXPECT_EQ(FormatRfc3339(1'763'753'462'123'456'789), "2025-11-21T19:31:02.123456789Z");
  EXPECT_EQ(FormatRfc3339(5), "1970-01-01T00:00:00.000000005Z");
  EXPECT_EQ(FormatUtcSeconds(1'763'753'462'123'456'789), "2025-11-21 19:31:02 UTC");
}

}  // namespace
}  // namespace correlate
