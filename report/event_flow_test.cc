#include "report/event_flow.h"

#include <gtest/gtest.h>

namespace correlate {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

class EventFlowTest : public testing::Test {
 protected:
  EventFlowTest() {
    format_.id = 3;
    format_.system = "skb";
    format_.name = "kfree_skb";
    format_.fields = {{.name = "reason", .type = "int", .offset = 0, .size = 4}};
    flow_.OnFormat(format_);
  }
  void Count(uint64_t second, uint64_t counted, bool last = false) {
    flow_.OnKindCount(
        {.time_ns = second * kSecond,
         .format = &format_,
         .location = nullptr,
         .count = {.kind = {.format_id = 3, .reason = 5}, .counted = counted, .last = last}});
  }
  uint64_t ToldBy(uint64_t second) {
    flow_.AdvanceTo(second * kSecond);
    return told_;
  }

  EventFormat format_;
  uint64_t told_ = 0;
  EventFlow flow_{[this](const CountedEvents& events) { told_ += events.count; }};
};

TEST_F(EventFlowTest, RunningTotalsGoOnAfterALongRest) {
  Count(1, 10);
  EXPECT_EQ(ToldBy(10), 10u);
  EXPECT_EQ(ToldBy(1000), 10u);
  Count(1001, 15);
  EXPECT_EQ(ToldBy(1010), 15u);
  EXPECT_EQ(ToldBy(2000), 15u);
}

TEST_F(EventFlowTest, OrBeginAnewWhereTheyWereForgotten) {
  Count(1, 10);
  EXPECT_EQ(ToldBy(500), 10u);
  Count(500, 10, /*last=*/true);
  Count(501, 12);
  EXPECT_EQ(ToldBy(510), 22u);
  Count(512, 12, /*last=*/true);
  EXPECT_EQ(ToldBy(1000), 22u);
  Count(1001, 3);
  EXPECT_EQ(ToldBy(1010), 25u);
}

}  // namespace
}  // namespace correlate
