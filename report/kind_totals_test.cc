#include "report/kind_totals.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class KindTotalsTest : public ::testing::Test {
 protected:
  KindTotalsTest() {
    format_.id = 3;
    format_.system = "skb";
    format_.name = "kfree_skb";
    format_.fields = {{.name = "reason", .type = "int", .offset = 0, .size = 4}};
    format_.fields[0].names = {{5, "SOCKET_FILTER"}};
    frame_.address = 0xffffffff81000123;
    frame_.symbol = "free_it";
    frame_.offset = 3;
    packet_.has_netns = true;
    packet_.netns = {1, 2};
    packet_.ifindex = 4;
  }
  void Event(uint32_t reason, const std::string& blame) {
    CorrelatedEvent event;
    event.format = &format_;
    event.raw = absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(&reason), sizeof reason);
    const CodePointer pointers[] = {{"location", &frame_}};
    event.code_pointers = pointers;
    event.packet = &packet_;
    totals_.OnEvent(event, blame);
  }
  void Count(uint32_t reason, uint64_t counted, bool other = false, bool last = false) {
    totals_.OnKindCount({.format = &format_,
                         .location = &frame_,
                         .count = {.kind = {.format_id = format_.id,
                                            .location = frame_.address,
                                            .reason = reason,
                                            .netns = {1, 2},
                                            .ifindex = 4},
                                   .other = other,
                                   .counted = counted,
                                   .last = last}});
  }
  EventFormat format_;
  Frame frame_;
  Packet packet_;
  KindTotals totals_;
};

TEST_F(KindTotalsTest, WhatIsWrittenLeavesNoRest) {
  Event(5, "a");
  Count(5, 1);
  EXPECT_THAT(totals_.Rests(), IsEmpty());
}

TEST_F(KindTotalsTest, TheRestKnowsWhatItsKindWasBlamedOn) {
  Event(5, "a");
  Event(5, "b");
  Event(5, "a");
  Count(5, 7);
  Count(5, 10);  // a running total
  const auto rests = totals_.Rests();
  ASSERT_THAT(rests, SizeIs(1));
  EXPECT_EQ(rests[0].events, 7u);
  EXPECT_EQ(rests[0].written, 3u);
  EXPECT_THAT(rests[0].blames, ElementsAre("a", "b"));
  EXPECT_EQ(rests[0].event, "skb:kfree_skb");
  EXPECT_EQ(rests[0].location, "free_it+0x3");
  EXPECT_EQ(rests[0].reason, "SOCKET_FILTER");
}

TEST_F(KindTotalsTest, AnotherReasonDeviceOrNamespaceIsAnotherKind) {
  Count(5, 1);
  Event(6, "a");
  packet_.ifindex = 9;
  Event(5, "a");
  packet_.ifindex = 4;
  packet_.netns.cookie = 3;
  Event(5, "a");
  const auto rests = totals_.Rests();
  ASSERT_THAT(rests, SizeIs(1));
  EXPECT_THAT(rests[0].blames, IsEmpty());
}

TEST_F(KindTotalsTest, WhatFoundNoRoomIsARestOfItsOwnAndMostComeFirst) {
  Count(6, 3);
  Count(0, 8, /*other=*/true);
  const auto rests = totals_.Rests();
  ASSERT_THAT(rests, SizeIs(2));
  EXPECT_TRUE(rests[0].other);
  EXPECT_EQ(rests[0].events, 8u);
  EXPECT_EQ(rests[1].reason, "6");
}

TEST_F(KindTotalsTest, RecordingsOfOneStreamAddUp) {
  Event(5, "a");
  Count(5, 10);
  totals_.OnRecording("");
  Count(5, 3);
  Count(5, 4);
  const auto rests = totals_.Rests();
  ASSERT_THAT(rests, SizeIs(1));
  EXPECT_EQ(rests[0].events, 13u);
  EXPECT_THAT(rests[0].blames, ElementsAre("a")) << "what one of them says holds for the kind";
}

TEST_F(KindTotalsTest, WhatIsForgottenComesOnTop) {
  Count(5, 10);
  Count(5, 10, /*other=*/false, /*last=*/true);
  Count(5, 12);
  Event(5, "a");
  const auto rests = totals_.Rests();
  ASSERT_THAT(rests, SizeIs(1));
  EXPECT_EQ(rests[0].events, 21u);
}

TEST_F(KindTotalsTest, TheNextRecordingMayNumberItsFormatsOtherwise) {
  Count(5, 10);
  totals_.OnRecording("");
  format_.id = 0;
  Event(5, "a");
  Count(5, 1);
  const auto rests = totals_.Rests();
  ASSERT_THAT(rests, SizeIs(1));
  EXPECT_EQ(rests[0].events, 10u);
  EXPECT_EQ(rests[0].written, 1u);
}

TEST_F(KindTotalsTest, WhatIsWrittenOfKindsWithoutRoomIsNotARestOfThem) {
  Event(5, "a");
  Event(5, "a");
  Count(0, 7, /*other=*/true);
  const auto rests = totals_.Rests();
  ASSERT_THAT(rests, SizeIs(1));
  EXPECT_TRUE(rests[0].other);
  EXPECT_EQ(rests[0].events, 5u);
}

}  // namespace
}  // namespace correlate
