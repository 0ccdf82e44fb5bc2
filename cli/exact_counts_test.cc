#include "cli/exact_counts.h"

#include <gtest/gtest.h>

#include <optional>

namespace correlate {
namespace {

TEST(SetOutcomesTest, WhatNothingExplainsWasMissed) {
  EventCounts counts = {.counted = 100, .written = 20, .lost = 1, .missed = 80};
  SetOutcomes({.handed_over = 20, .lost = 5, .only_counted = 30, .filtered = 40}, &counts);
  EXPECT_EQ(counts.lost, 5u);
  EXPECT_EQ(counts.only_counted, 30u);
  EXPECT_EQ(counts.filtered, 40u);
  EXPECT_EQ(counts.missed, 5u);
}

TEST(SetOutcomesTest, AtTheEdgeOfTheRecordingTheSumStillHolds) {
  EventCounts counts = {.counted = 10, .written = 8};
  SetOutcomes({.lost = 1, .only_counted = 1, .filtered = 1}, &counts);
  EXPECT_EQ(counts.written + counts.lost + counts.only_counted + counts.filtered + counts.missed,
            counts.counted);
  counts = {.counted = 5, .written = 6};
  SetOutcomes({.filtered = 3}, &counts);
  EXPECT_EQ(counts.filtered + counts.missed, 0u);
}

TEST(SettleTest, WhatWaitsToBeReadIsNotCountedYet) {
  EventCounts counts = {.counted = 100, .written = 20, .missed = 80};
  Settle(hit_outcomes{.handed_over = 40, .lost = 5, .only_counted = 30, .filtered = 20}, &counts);
  EXPECT_EQ(counts.missed, 5u);
  EXPECT_EQ(counts.counted, 80u) << "all but the 20 that were handed over and not read";
}

TEST(SettleTest, HitsSinceTheCountWasReadAreNotMissed) {
  EventCounts counts = {.counted = 100, .written = 20};
  Settle(hit_outcomes{.handed_over = 120}, &counts);
  EXPECT_EQ(counts.missed, 0u);
  EXPECT_EQ(counts.counted, 20u);
}

TEST(SettleTest, OfAPlainTracepointOnlyWhatWasReadIsKnown) {
  EventCounts counts = {.counted = 100, .written = 20, .lost = 3, .missed = 77};
  Settle(std::nullopt, &counts);
  EXPECT_EQ(counts.missed, 0u);
  EXPECT_EQ(counts.counted, 23u);
}

}  // namespace
}  // namespace correlate
