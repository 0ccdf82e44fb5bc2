#include "collector/attribution_cost.h"

#include <unistd.h>

#include "gtest/gtest.h"

namespace correlate {
namespace {

TEST(AttributionCostTest, IsMeasured) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root: it loads BPF programs";
  const auto cost = MeasureAttributionCost();
  ASSERT_TRUE(cost.ok()) << cost.status();
  EXPECT_GT(cost->packet_ns, 0);
  EXPECT_TRUE(cost->programs == 2 || cost->programs == 0) << "tcx, or a kernel before it";
}

}  // namespace
}  // namespace correlate
