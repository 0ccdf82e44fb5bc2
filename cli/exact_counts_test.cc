#include "cli/exact_counts.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace correlate
