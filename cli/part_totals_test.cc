#include "cli/part_totals.h"

#include <cstdint>
#include <map>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// What a part comes to.
class Told : public TraceSink {
 public:
  void OnCounts(const EventCounts& counts) override { Add(counts, &sum); }
  void OnKindCount(const KindCount& named) override {
    EXPECT_EQ(named.format->FullName(), "skb:kfree_skb");
    const std::string name = named.count.other ? "other" : std::to_string(named.count.kind.reason);
    kinds[name] += named.count.counted;
    if (named.location != nullptr) location = named.location->symbol;
  }
  void OnXdpActions(const XdpActionCounts& counts) override { Add(counts, &actions); }
  uint64_t Kinds() const {
    uint64_t all = 0;
    for (const auto& [name, counted] : kinds) all += counted;
    return all;
  }
  EventCounts sum;
  std::map<std::string, uint64_t> kinds;
  XdpActionCounts actions;
  std::string location;
};

class PartTotalsTest : public ::testing::Test {
 protected:
  PartTotalsTest() {
    format_.system = "skb";
    format_.name = "kfree_skb";
    format_.fields = {{.name = "reason", .type = "int", .offset = 0, .size = 4}};
    frame_.address = 0xffffffff81000123;
    frame_.symbol = "free_it";
    totals_.OnFormat(format_);
  }
  void Events(uint32_t reason, int number) {
    const CodePointer pointers[] = {{"location", &frame_}};
    CorrelatedEvent event;
    event.format = &format_;
    event.raw = absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(&reason), sizeof reason);
    event.code_pointers = pointers;
    event.packet = &packet_;
    for (int i = 0; i < number; ++i) totals_.OnEvent(event);
  }
  void Counts(uint64_t only_counted, uint64_t lost = 0) {
    totals_.OnCounts({.only_counted = only_counted, .lost = lost});
  }
  void Kind(uint32_t reason, uint64_t counted, bool last = false) {
    totals_.OnKindCount({.format = &format_,
                         .location = &frame_,
                         .count = {.kind = {.location = frame_.address, .reason = reason},
                                   .counted = counted,
                                   .last = last}});
  }
  void Other(uint64_t counted) {
    totals_.OnKindCount({.format = &format_, .count = {.other = true, .counted = counted}});
  }
  Told Tell(const PartTotals::Part& part) {
    Told told;
    totals_.Tell(part, 1, told);
    return told;
  }

  EventFormat format_;
  Frame frame_;
  Packet packet_;
  PartTotals totals_;
};

TEST_F(PartTotalsTest, PartsAddUpToTheRunningTotals) {
  Events(1, 10);
  Counts(90);
  Kind(1, 100);
  const Told first = Tell(totals_.Cut());
  EXPECT_EQ(first.sum.counted, 100u);
  EXPECT_EQ(first.sum.written, 10u);
  EXPECT_EQ(first.sum.only_counted, 90u);
  EXPECT_THAT(first.kinds, UnorderedElementsAre(Pair("1", 100)));
  EXPECT_EQ(first.location, "free_it");

  Events(1, 5);
  Counts(90);
  Kind(1, 105);
  const Told second = Tell(totals_.Cut());
  EXPECT_EQ(second.sum.counted, 5u);
  EXPECT_EQ(second.sum.only_counted, 0u);
  EXPECT_THAT(second.kinds, UnorderedElementsAre(Pair("1", 5)));
}

TEST_F(PartTotalsTest, WhatWaitsInARingBelongsToThePartThatItIsWrittenInto) {
  Events(1, 10);
  Counts(0);
  Kind(1, 40);  // 30 wait
  EXPECT_THAT(Tell(totals_.Cut()).kinds, UnorderedElementsAre(Pair("1", 10)));
  Events(1, 30);
  EXPECT_THAT(Tell(totals_.Cut()).kinds, UnorderedElementsAre(Pair("1", 30)));
}

TEST_F(PartTotalsTest, WhatWasLostIsSharedOutAmongKindsAndComesRight) {
  Counts(0, /*lost=*/30);
  Kind(1, 60);  // of these 60, and of these 20, 30 are lost and 50 wait
  Kind(2, 20);
  const Told first = Tell(totals_.Cut());
  EXPECT_EQ(first.Kinds(), 30u);
  EXPECT_EQ(first.sum.counted, 30u);
  // It turns out that all that was lost was of the second kind, and more since.
  Events(1, 60);
  Counts(0, /*lost=*/35);
  Kind(2, 35);
  Told second = Tell(totals_.Cut());
  EXPECT_EQ(second.sum.counted, 65u);
  EXPECT_EQ(first.kinds.at("1") + second.kinds["1"] + first.kinds.at("2") + second.kinds["2"], 95u);
}

TEST_F(PartTotalsTest, AFewThatWaitAreNotHeldForLost) {
  Kind(1, 100'000);
  Kind(2, 1);  // waits
  Counts(99'990);
  EXPECT_THAT(Tell(totals_.Cut()).kinds, UnorderedElementsAre(Pair("1", 99'990)));
}

TEST_F(PartTotalsTest, SharesComeToTheWhole) {
  for (uint32_t reason = 0; reason < 7; ++reason) Kind(reason, 3);
  Counts(10);
  EXPECT_EQ(Tell(totals_.Cut()).Kinds(), 10u);
  Counts(21);
  EXPECT_EQ(Tell(totals_.Cut()).Kinds(), 11u);
}

TEST_F(PartTotalsTest, KindsWithoutRoom) {
  Events(1, 4);  // of a kind that found none
  Other(10);
  Counts(6);
  const Told told = Tell(totals_.Cut());
  EXPECT_THAT(told.kinds, UnorderedElementsAre(Pair("1", 4), Pair("other", 6)));
}

TEST_F(PartTotalsTest, KindsThatAreForgottenBeginAnew) {
  Events(1, 4);
  Kind(1, 10);
  Counts(6);
  EXPECT_THAT(Tell(totals_.Cut()).kinds, UnorderedElementsAre(Pair("1", 10)));
  Kind(1, 10, /*last=*/true);
  EXPECT_THAT(Tell(totals_.Cut()).kinds, IsEmpty());
  Kind(1, 3);
  Counts(9);
  EXPECT_THAT(Tell(totals_.Cut()).kinds, UnorderedElementsAre(Pair("1", 3)));
  // Before the part ends.
  Kind(1, 3, /*last=*/true);
  Kind(1, 5);
  Events(1, 1);
  Counts(13);
  const Told told = Tell(totals_.Cut());
  EXPECT_THAT(told.kinds, UnorderedElementsAre(Pair("1", 5)));
  EXPECT_EQ(told.location, "free_it");
}

TEST_F(PartTotalsTest, KindsWithoutRoomAreForgottenButNotTheirEvents) {
  Events(1, 4);
  Other(4);
  Counts(0);
  EXPECT_THAT(Tell(totals_.Cut()).kinds, UnorderedElementsAre(Pair("1", 4)));
  EXPECT_THAT(Tell(totals_.Cut()).kinds, IsEmpty());
  Events(2, 1);
  Other(8);
  Counts(3);
  EXPECT_THAT(Tell(totals_.Cut()).kinds, UnorderedElementsAre(Pair("2", 1), Pair("other", 3)));
}

TEST_F(PartTotalsTest, TotalsNeverGoBack) {
  Counts(10);
  (void)totals_.Cut();
  Counts(8);
  EXPECT_EQ(Tell(totals_.Cut()).sum.counted, 0u);
  Counts(12);
  EXPECT_EQ(Tell(totals_.Cut()).sum.counted, 2u);
}

TEST_F(PartTotalsTest, ActionsOfXdpPrograms) {
  totals_.OnXdpActions({.program_id = 7, .drop = 5});
  EXPECT_EQ(Tell(totals_.Cut()).actions.drop, 5u);
  totals_.OnXdpActions({.program_id = 7, .drop = 8, .tx = 1});
  const Told told = Tell(totals_.Cut());
  EXPECT_EQ(told.actions.drop, 3u);
  EXPECT_EQ(told.actions.tx, 1u);
}

TEST_F(PartTotalsTest, SumsOfParts) {
  Events(1, 2);
  totals_.OnLoss({.count = 3});
  Counts(1, 3);
  Kind(1, 6);
  PartTotals::Part sum = totals_.Cut();
  Events(2, 4);
  const PartTotals::Part second = totals_.Cut();
  sum.Add(second);
  EXPECT_EQ(sum.End().events, 6u);
  EXPECT_EQ(sum.End().lost, 3u);
  EXPECT_EQ(sum.Counted(0), 10u);
  EXPECT_THAT(Tell(sum).kinds, UnorderedElementsAre(Pair("1", 6), Pair("2", 4)));
  EXPECT_THAT(Tell(sum.Where(second)).kinds, UnorderedElementsAre(Pair("2", 4)));
  EXPECT_THAT(Tell(PartTotals::Part()).kinds, IsEmpty());
}

}  // namespace
}  // namespace correlate
