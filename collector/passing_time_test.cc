#include "collector/passing_time.h"

#include <gtest/gtest.h>

namespace correlate {
namespace {

using std::chrono::milliseconds;

TEST(PassingTimeTest, EachReadingIsAnother) {
  uint64_t now = 0;
  EXPECT_TRUE(TimeGoesOn([&] { return std::optional<uint64_t>(++now); }));
  EXPECT_EQ(now, 2u);
}

TEST(PassingTimeTest, ACoarseClock) {
  uint64_t readings = 0;
  EXPECT_TRUE(TimeGoesOn([&] { return std::optional<uint64_t>(++readings / 5); }));
}

TEST(PassingTimeTest, Standstill) {
  uint64_t readings = 0;
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(TimeGoesOn(
      [&] {
        ++readings;
        return std::optional<uint64_t>(7);
      },
      milliseconds(5)));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(5));
  EXPECT_GT(readings, 2u);
}

TEST(PassingTimeTest, WhatCannotBeReadIsNotHeldAgainstIt) {
  EXPECT_TRUE(TimeGoesOn([] { return std::optional<uint64_t>(); }));
  int readings = 0;
  EXPECT_TRUE(
      TimeGoesOn([&] { return ++readings < 2 ? std::optional<uint64_t>(7) : std::nullopt; }));
}

}  // namespace
}  // namespace correlate
