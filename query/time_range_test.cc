#include "query/time_range.h"

#include "gtest/gtest.h"

namespace correlate {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kStart = 1000 * kSecond;

class TimeRangeTest : public testing::Test {
 protected:
  // The recording begins at 1000 s of the host's clock.
  void BeginAt(const char* hours) {
    clock_ = WallClock();
    uint64_t since_midnight = 0;
    sscanf(hours, "%lu", &since_midnight);
    // 2026-11-21T00:00:00Z
    clock_.Add(
        {.monotonic_ns = kStart, .realtime_ns = (1'795'219'200 + since_midnight * 3600) * kSecond});
  }
  bool Holds(const std::string& text, double seconds) const {
    const auto range = TimeRange::Parse(text);
    EXPECT_TRUE(range.ok()) << range.status();
    return range.ok() &&
           range->Contains(kStart + static_cast<uint64_t>(seconds * 1e9), clock_, kStart);
  }
  WallClock clock_;
};

TEST_F(TimeRangeTest, SecondsAreThoseThatScriptPrints) {
  EXPECT_TRUE(Holds("1000.5,1001", 0.5));
  EXPECT_FALSE(Holds("1000.5,1001", 0.499999));
  EXPECT_FALSE(Holds("1000.5,1001", 1));
  EXPECT_TRUE(Holds(",1001", 0));
  EXPECT_TRUE(Holds("1001,", 5000));
  EXPECT_TRUE(Holds("1000.123456789,1000.123456790", 0.123456789));
}

TEST_F(TimeRangeTest, SinceTheStart) {
  EXPECT_TRUE(Holds("+1s,+1m", 1));
  EXPECT_FALSE(Holds("+1s,+1m", 60));
  EXPECT_FALSE(Holds("+500ms,", 0.4));
}

TEST_F(TimeRangeTest, WallClock) {
  EXPECT_FALSE(Holds("2026-11-21T00:00:00Z,", 0)) << "it is not known";
  BeginAt("19");
  EXPECT_TRUE(Holds("2026-11-21T19:00:01Z,2026-11-21T19:00:02Z", 1));
  EXPECT_FALSE(Holds("2026-11-21T19:00:01Z,2026-11-21T19:00:02Z", 2));
  EXPECT_TRUE(Holds("2026-11-21T21:00:01+02:00,", 1));
  EXPECT_TRUE(Holds("19:00:01,19:00:01.5", 1.25));
  EXPECT_FALSE(Holds("19:00:01,19:00:01.5", 1.5));
}

TEST_F(TimeRangeTest, TimesOfDayPastMidnight) {
  BeginAt("23");
  EXPECT_TRUE(Holds("23:30:00,00:30:00", 3600));
  EXPECT_FALSE(Holds("23:30:00,00:30:00", 0));
  EXPECT_FALSE(Holds("23:30:00,00:30:00", 5400));
  EXPECT_TRUE(Holds("00:10:00,00:20:00", 4200));
  EXPECT_FALSE(Holds("00:10:00,00:20:00", 600));
  EXPECT_TRUE(Holds("22:00:00,", 0));
}

TEST_F(TimeRangeTest, NonsenseIsRefused) {
  for (const char* text :
       {"", "1", "1,2,3", "2,1", "+2s,+1s", "x,", "25:00:00,", "-1,", "1e300,", "nan,"}) {
    EXPECT_FALSE(TimeRange::Parse(text).ok()) << text;
  }
}

}  // namespace
}  // namespace correlate
