// What is selected and what was only counted: the rest of report's tests are in cli/render_test.cc.
#include "report/report_tables.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint32_t kNoSocket = 3;

class ReportTablesTest : public testing::Test {
 protected:
  ReportTablesTest() {
    format_.id = 1;
    format_.system = "skb";
    format_.name = "kfree_skb";
    FormatField reason{.name = "reason", .offset = 0, .size = 4};
    reason.names = {{kNoSocket, "NO_SOCKET"}};
    format_.fields = {reason};
    blamed_.id = 1;
    blamed_.evidence = Evidence::kSole;
    blamed_.programs.resize(1);
    blamed_.programs[0].id = 77;
    blamed_.programs[0].name = "fw";
  }

  void Begin(const std::string& time, const std::string& filter, const std::string& by = "") {
    auto selection = Selection::Parse(time, filter);
    ASSERT_TRUE(selection.ok()) << selection.status();
    tables_.emplace(*ParseEventKeys(by), *selection);
    tables_->OnRecording({});
    tables_->OnClocks({.monotonic_ns = 100 * kSecond, .realtime_ns = 1, .boottime_ns = 1});
    tables_->OnFormat(format_);
  }
  void Drop(double second, uint32_t reason = kNoSocket) {
    CorrelatedEvent event;
    event.time_ns = static_cast<uint64_t>((100 + second) * 1e9);
    event.format = &format_;
    event.raw = {reinterpret_cast<const uint8_t*>(&reason), sizeof reason};
    event.comm = "ping";
    event.attribution = &blamed_;
    tables_->OnEvent(event);
  }
  void Counted(double second, uint64_t counted, uint32_t reason = kNoSocket) {
    KindCount named{.time_ns = static_cast<uint64_t>((100 + second) * 1e9), .format = &format_};
    named.count.kind.format_id = 1;
    named.count.kind.reason = reason;
    named.count.counted = counted;
    tables_->OnKindCount(named);
  }
  uint64_t Blamed() const {
    uint64_t all = 0;
    for (const CulpritGroup* group : tables_->Culprits()) all += group->events;
    return all;
  }

  EventFormat format_;
  Attribution blamed_;
  std::optional<ReportTables> tables_;
};

TEST_F(ReportTablesTest, ThePartThatWasOnlyCountedIsThatOfTheTime) {
  Begin("+1,+2", "");
  Drop(0.5);
  Counted(1.0, 11);  // 10 not written before
  Drop(1.2);
  Drop(1.4);
  Counted(1.9, 43);  // 30 in it
  Drop(2.5);
  Counted(3.0, 144);  // 100 after it
  tables_->Finish();
  EXPECT_EQ(tables_->selected(), 2U);
  EXPECT_EQ(Blamed(), 32U);
  EXPECT_DOUBLE_EQ(tables_->seconds(), 1.0);
}

TEST_F(ReportTablesTest, EverythingWrittenLeavesNothingCountedAtTheEdges) {
  Begin("+0.5,+1.5", "");
  for (int i = 0; i < 10; ++i) Drop(0.1);
  Counted(1.0, 10);
  Drop(1.2);
  Counted(2.0, 11);
  tables_->Finish();
  EXPECT_EQ(Blamed(), 1U);
}

TEST_F(ReportTablesTest, AFilterDecidesOnWhatAKindTells) {
  Begin("", "reason == NO_SOCKET && program == fw");
  Drop(1);
  Drop(1, 9);
  Counted(2, 101);
  Counted(2, 51, 9);
  tables_->Finish();
  EXPECT_EQ(tables_->selected(), 1U);
  EXPECT_EQ(Blamed(), 101U);
  EXPECT_EQ(tables_->undecided(), 0U);
}

TEST_F(ReportTablesTest, WhatAKindDoesNotTellIsUndecided) {
  Begin("", "comm == ping");
  Drop(1);
  Counted(2, 101);
  tables_->Finish();
  EXPECT_EQ(Blamed(), 1U);
  EXPECT_EQ(tables_->undecided(), 100U);
}

TEST_F(ReportTablesTest, GroupsHaveTheCountedOnesToo) {
  Begin("", "", "reason,program,comm");
  Drop(1);
  Counted(2, 101);
  tables_->Finish();
  const auto groups = tables_->groups().MostFirst();
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_THAT(groups[0].values, testing::ElementsAre("NO_SOCKET", "fw #77", "only counted"));
  EXPECT_EQ(groups[0].events, 100U);
  EXPECT_THAT(groups[1].values, testing::ElementsAre("NO_SOCKET", "fw #77", "ping"));
}

TEST_F(ReportTablesTest, CountsAreOnTheTimelineToTheSecond) {
  Begin("", "");
  Counted(1, 10);
  Drop(1.5);
  Counted(2, 101);
  tables_->Finish();
  const auto columns = tables_->drops_over_time().Columns(100 * kSecond, 102 * kSecond, 2);
  EXPECT_NEAR(columns[0], 10, 0.5);
  EXPECT_NEAR(columns[1], 91, 0.5);
}

}  // namespace
}  // namespace correlate
