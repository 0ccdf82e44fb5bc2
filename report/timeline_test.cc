#include "report/timeline.h"

#include <numeric>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

double Sum(const std::vector<double>& columns) {
  return std::accumulate(columns.begin(), columns.end(), 0.0);
}

TEST(Timeline, KeepsEveryEventHoweverLongItGets) {
  Timeline timeline;
  for (uint64_t second = 1; second <= 100'000; ++second) timeline.Add(second * kSecond, 2);
  const auto columns = timeline.Columns(kSecond, 100'001 * kSecond, 10);
  EXPECT_NEAR(Sum(columns), 200'000, 1e-3);
  for (const double column : columns) EXPECT_NEAR(column, 20'000, 200);
}

TEST(Timeline, PutsEventsWhereTheyHappened) {
  Timeline timeline;
  timeline.Add(10 * kSecond, 0);
  EXPECT_TRUE(timeline.empty());
  timeline.Add(10 * kSecond, 1);
  timeline.Add(19 * kSecond, 5);
  const auto columns = timeline.Columns(10 * kSecond, 20 * kSecond, 10);
  EXPECT_NEAR(columns.front(), 1, 1e-6);
  EXPECT_NEAR(columns.back(), 5, 1e-6);
  EXPECT_NEAR(Sum(columns), 6, 1e-6);
}

TEST(Timeline, SpreadsOverAnInterval) {
  Timeline timeline;
  timeline.Add(0, 1);
  timeline.Spread(0, 10 * kSecond, 1003);
  const auto columns = timeline.Columns(0, 10 * kSecond, 10);
  EXPECT_NEAR(Sum(columns), 1004, 1e-6);
  for (const double column : columns) EXPECT_NEAR(column, 100, 5);
  timeline.Spread(5 * kSecond, 5 * kSecond, 7);
  EXPECT_NEAR(Sum(timeline.Columns(0, 10 * kSecond, 10)), 1011, 1e-6);
}

TEST(Timeline, ATimeFromNowhereCostsNoMemory) {
  Timeline timeline;
  timeline.Add(1, 1);
  timeline.Add(UINT64_MAX, 1);
  timeline.Spread(0, UINT64_MAX, 10);
  EXPECT_GE(Sum(timeline.Columns(0, UINT64_MAX, 10)), 1);
}

TEST(Sparkline, IsHighestAtThePeak) {
  EXPECT_EQ(Sparkline({0, 1, 4, 8}), " ▂▅█");
  EXPECT_EQ(Sparkline({}), "");
}

}  // namespace
}  // namespace correlate
