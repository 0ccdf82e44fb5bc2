#include "alert/alert_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace correlate {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kStart = 1000 * kSecond;

// Events of programs "a", "b", ..., in the engine's own time.
class AlertEngineTest : public testing::Test {
 protected:
  void Make(const std::string& rule) {
    auto rules = ParseRules("rule { name: \"r\" " + rule + " }", "test");
    ASSERT_TRUE(rules.ok()) << rules.status();
    const auto tell = [this](const Alert& alert) {
      std::string values;
      for (const std::string& value : alert.values) values += " " + value;
      told_.push_back(
          std::string(alert.firing ? "fires" : "ends") + values + " at " +
          std::to_string(((alert.firing ? alert.fired_ns : alert.ended_ns) - kStart) / kSecond) +
          " with " + std::to_string(static_cast<int>(alert.measure)));
      last_ = alert;
    };
    engine_.emplace(*std::move(rules), tell, [this](uint64_t time_ns) -> std::optional<uint64_t> {
      return time_ns + clock_ahead_;
    });
    flow_.emplace([this](const CountedEvents& events) { engine_->Add(events); });
    format_.system = "skb";
    format_.name = "kfree_skb";
    flow_->OnRecording({.hostname = "host"});
    flow_->OnFormat(format_);
    At(0);
  }

  void At(uint64_t second) {
    flow_->AdvanceTo(kStart + second * kSecond);
    engine_->AdvanceTo(kStart + second * kSecond);
  }

  void Drop(double second, const std::string& program, int times = 1) {
    Attribution& attribution = attributions_[program];
    attribution.id = std::hash<std::string>()(program);
    attribution.evidence = Evidence::kSole;
    BlamedProgram blamed;
    blamed.id = 1 + static_cast<uint32_t>(program[0] - 'a');
    blamed.name = program;
    attribution.programs = {blamed};
    CorrelatedEvent event;
    event.time_ns = kStart + static_cast<uint64_t>(second * 1e9);
    event.format = &format_;
    event.attribution = &attribution;
    for (int i = 0; i < times; ++i) flow_->OnEvent(event);
  }

  // A running total of one kind, at the end of that second.
  void Counted(double second, uint64_t total) {
    KindCount count;
    count.time_ns = kStart + static_cast<uint64_t>(second * 1e9);
    count.format = &format_;
    count.count.counted = total;
    flow_->OnKindCount(count);
  }

  std::vector<std::string> Told() { return std::exchange(told_, {}); }

  EventFormat format_;
  std::map<std::string, Attribution> attributions_;
  std::optional<AlertEngine> engine_;
  std::optional<EventFlow> flow_;
  std::vector<std::string> told_;
  Alert last_;
  uint64_t clock_ahead_ = 5'000;  // the wall clock's, of the events'
};

TEST_F(AlertEngineTest, FiresWhenTheCountIsAboveAndEndsWhenItIsNot) {
  Make("above: 2 window: '10s'");
  Drop(1.5, "a", 2);
  At(3);
  EXPECT_THAT(Told(), IsEmpty());
  Drop(3.5, "a", 1);
  At(4);
  EXPECT_THAT(Told(), ElementsAre("fires at 4 with 3"));
  EXPECT_EQ(last_.events, 3);
  EXPECT_EQ(last_.first_ns, kStart + 1'500'000'000);
  EXPECT_EQ(last_.last_ns, kStart + 3'500'000'000);
  At(11);
  EXPECT_THAT(Told(), IsEmpty());
  // The first two leave the window that ends with second 11.
  At(12);
  EXPECT_THAT(Told(), ElementsAre("ends at 12 with 1"));
  At(100);
  EXPECT_THAT(Told(), IsEmpty());
  EXPECT_EQ(engine_->fired(), 1);
}

// Who pairs an end with its beginning does it by that time.
TEST_F(AlertEngineTest, TheEndSaysWhenItFiredAsTheBeginningDid) {
  Make("window: '2s'");
  Drop(1.5, "a");
  At(3);
  EXPECT_THAT(Told(), ElementsAre("fires at 2 with 1"));
  EXPECT_EQ(last_.fired_realtime_ns, kStart + 2 * kSecond + 5'000);
  clock_ahead_ = 6'000;  // slewed meanwhile
  At(10);
  EXPECT_THAT(Told(), ElementsAre("ends at 4 with 0"));
  EXPECT_EQ(last_.fired_realtime_ns, kStart + 2 * kSecond + 5'000);
}

TEST_F(AlertEngineTest, ARateIsOfASecond) {
  Make("above: 2 window: '10s' per_second: true");
  Drop(1.5, "a", 20);
  At(2);
  EXPECT_THAT(Told(), IsEmpty());
  Drop(2.5, "a", 10);
  At(3);
  EXPECT_THAT(Told(), ElementsAre("fires at 3 with 3"));
}

TEST_F(AlertEngineTest, AnAlertForEachValue) {
  Make("above: 0 window: '5s' by: 'program'");
  Drop(1.5, "a");
  Drop(1.5, "b");
  At(2);
  EXPECT_THAT(Told(),
              testing::UnorderedElementsAre("fires a #1 at 2 with 1", "fires b #2 at 2 with 1"));
  Drop(5.5, "b");
  At(8);
  EXPECT_THAT(Told(), ElementsAre("ends a #1 at 7 with 0"));
}

TEST_F(AlertEngineTest, ForHasToLast) {
  Make("above: 0 window: '1s' for: '3s'");
  Drop(1.5, "a");
  Drop(2.5, "a");
  At(4);
  for (int second = 5; second <= 9; ++second) Drop(second + 0.5, "a");
  At(10);
  EXPECT_THAT(Told(), ElementsAre("fires at 9 with 1"));
}

TEST_F(AlertEngineTest, HysteresisAndKeep) {
  Make("above: 5 below: 2 window: '1s' keep: '2s'");
  Drop(1.5, "a", 6);
  Drop(2.5, "a", 4);  // neither
  Drop(3.5, "a", 2);  // low
  Drop(4.5, "a", 3);  // not any more
  Drop(5.5, "a", 2);
  Drop(6.5, "a", 1);
  Drop(7.5, "a", 1);
  At(9);
  EXPECT_THAT(Told(), ElementsAre("fires at 2 with 6", "ends at 8 with 1"));
}

TEST_F(AlertEngineTest, SilenceIsKept) {
  Make("above: 0 window: '1s' silence: '10s'");
  Drop(1.5, "a");
  Drop(4.5, "a");
  Drop(13.5, "a");
  At(20);
  EXPECT_THAT(Told(), ElementsAre("fires at 2 with 1", "ends at 3 with 0", "fires at 14 with 1",
                                  "ends at 15 with 0"));
  EXPECT_EQ(engine_->fired(), 2);
  EXPECT_EQ(engine_->silenced(), 1);
}

TEST_F(AlertEngineTest, NoMoreAlertsThanAsked) {
  Make("above: 0 window: '5s' by: 'program' most: 2");
  for (const char* program : {"a", "b", "c", "d"}) Drop(1.5, program);
  At(2);
  EXPECT_THAT(Told(),
              testing::UnorderedElementsAre("fires a #1 at 2 with 1", "fires b #2 at 2 with 1",
                                            "fires other at 2 with 2"));
}

TEST_F(AlertEngineTest, AFilterTakesItsOwn) {
  Make("above: 0 window: '5s' filter: 'program == b'");
  Drop(1.5, "a");
  Drop(1.6, "b");
  At(2);
  EXPECT_THAT(Told(), ElementsAre("fires at 2 with 1"));
}

TEST_F(AlertEngineTest, WhatWasOnlyCountedCountsAsWell) {
  Make("above: 99 window: '10s' by: 'program'");
  Drop(0.5, "a", 5);
  Counted(1, 100);
  At(2);  // a second later it is settled
  EXPECT_THAT(Told(), IsEmpty());
  At(3);
  EXPECT_THAT(Told(), ElementsAre("fires a #1 at 3 with 100"));
  EXPECT_EQ(last_.events, 100);
}

TEST_F(AlertEngineTest, NothingCountsTwice) {
  Make("above: 0 window: '10s'");
  Drop(0.5, "a", 5);
  Counted(1, 7);      // of these one is still to be written
  Drop(0.9, "a", 1);  // here it is
  Counted(2, 8);
  At(5);
  flow_->OnEnd({.time_ns = kStart + 5 * kSecond});
  At(6);
  ASSERT_FALSE(told_.empty());
  EXPECT_EQ(told_.front(), "fires at 1 with 6");
  Drop(6.5, "a", 1);
  At(7);
  // 6 written, 2 counted, and this one; the ten seconds have them all.
  flow_->OnRecording({});
  EXPECT_EQ(engine_->fired(), 1);
}

TEST_F(AlertEngineTest, KindsOfWhichNobodyKnowsAreUndecided) {
  Make("above: 0 window: '10s' filter: 'dport == 53'");
  Counted(1, 100);
  At(4);
  EXPECT_THAT(Told(), IsEmpty());
  EXPECT_EQ(engine_->undecided(), 100);
}

TEST_F(AlertEngineTest, BlamesThatDifferAreNobodys) {
  Make("above: 0 window: '10s' by: 'program'");
  Drop(0.4, "a");
  Drop(0.5, "b");
  Counted(1, 10);
  At(2);
  At(3);
  EXPECT_THAT(Told(), testing::Contains("fires only counted at 3 with 8"));
}

TEST_F(AlertEngineTest, RulesThatStayKeepTheirAlerts) {
  const auto parse = [](const std::string& text) { return *ParseRules(text, "test"); };
  Make("above: 0 window: '10s'");
  Drop(1.5, "a");
  At(2);
  EXPECT_THAT(Told(), ElementsAre("fires at 2 with 1"));
  engine_->Replace(parse("rule { name: 's' above: 5 } rule { name: 'r' above: 0 window: '10s' }"));
  Drop(3.5, "a");
  At(5);
  EXPECT_THAT(Told(), IsEmpty());
  engine_->Replace(parse("rule { name: 'r' above: 1 window: '10s' }"));
  EXPECT_THAT(Told(), ElementsAre("ends at 6 with 2"));
  At(20);
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(AlertEngineTest, LongIdleTimesAreSkipped) {
  Make("above: 0 window: '1s'");
  Drop(1.5, "a");
  At(1'000'000'000);
  EXPECT_THAT(Told(), ElementsAre("fires at 2 with 1", "ends at 3 with 0"));
}

// A kind that nothing came of for long is kept by its number alone.
TEST_F(AlertEngineTest, AKindThatComesAgainAfterHoursCountsOnce) {
  Make("window: \"10s\" above: 4");
  Drop(1, "a", 3);
  Counted(2, 10);
  At(3);
  At(4);
  EXPECT_THAT(Told(), ElementsAre("fires at 4 with 10"));
  At(4000);
  EXPECT_EQ(Told().size(), 1);
  Counted(7200, 10);
  At(7210);
  EXPECT_THAT(Told(), IsEmpty());
  Drop(7220, "a", 2);
  Counted(7221, 16);
  At(7222);
  At(7223);
  EXPECT_THAT(Told(), ElementsAre("fires at 7223 with 6"));
}

}  // namespace
}  // namespace correlate
