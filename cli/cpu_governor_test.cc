#include "cli/cpu_governor.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint32_t kNone = Enricher::Limits::kNone;

// A host on which a callchain costs five times what the rest of an event does.
class Host {
 public:
  explicit Host(double events_a_second) : events_(events_a_second) {}
  CpuGovernor::Use Under(const Enricher::Limits& limits) const {
    const double whole = std::min<double>(limits.whole, events_);
    const double stacks = std::min<double>(limits.stacks, whole);
    return {.share = (events_ * 0.1 + whole * 1.0 + stacks * 5.0) * 1e-6, .whole_a_second = whole};
  }

 private:
  const double events_;
};

double Settle(CpuGovernor& governor, const Host& host, int calls = 60) {
  for (int i = 0; i < calls; ++i) governor.Adjust(host.Under(governor.limits()));
  return host.Under(governor.limits()).share;
}

TEST(CpuGovernorTest, WhatIsCheapIsLeftAlone) {
  CpuGovernor governor(0.05, {.stacks = 2000});
  Settle(governor, Host(1000));
  EXPECT_EQ(governor.limits().stacks, 2000u);
  EXPECT_EQ(governor.limits().whole, kNone);
  EXPECT_THAT(governor.TakeNotes(), IsEmpty());
}

TEST(CpuGovernorTest, CallchainsGoFirst) {
  CpuGovernor governor(0.02, {.stacks = kNone});
  const Host host(10'000);  // 0.011 without callchains, 0.061 with all
  EXPECT_LE(Settle(governor, host), 0.02);
  EXPECT_LT(governor.limits().stacks, 2000u);
  EXPECT_GT(governor.limits().stacks, 0u);
  EXPECT_EQ(governor.limits().whole, kNone);
  const auto notes = governor.TakeNotes();
  EXPECT_THAT(notes, ElementsAre(HasSubstr("--max-cpu 2: fewer callchains")));
}

TEST(CpuGovernorTest, ThenWholeEvents) {
  CpuGovernor governor(0.02, {.stacks = 2000});
  const Host host(100'000);  // 0.01 by counting alone
  EXPECT_LE(Settle(governor, host, 200), 0.025);
  EXPECT_EQ(governor.lowest().stacks, 0u);
  EXPECT_LT(governor.limits().whole, 20'000u);
  EXPECT_GT(governor.lowest().whole, 1'000u) << "no further than it must";
  const auto notes = governor.TakeNotes();
  ASSERT_GE(notes.size(), 2u);
  EXPECT_THAT(notes[1], HasSubstr("not every event is written whole"));
}

TEST(CpuGovernorTest, AndWhereCountingAloneIsTooMuchItSaysSo) {
  CpuGovernor governor(0.02, {.stacks = 2000});
  Settle(governor, Host(10'000'000));
  EXPECT_EQ(governor.limits().whole, 0u);
  EXPECT_EQ(governor.limits().stacks, 0u);
  EXPECT_THAT(governor.TakeNotes().back(), HasSubstr("only counted"));
}

TEST(CpuGovernorTest, AfterTheStormAllIsAsAskedFor) {
  CpuGovernor governor(0.02, {.stacks = 2000, .whole = 5000});
  Settle(governor, Host(10'000'000));
  Settle(governor, Host(100), 400);
  EXPECT_EQ(governor.limits().stacks, 2000u);
  EXPECT_EQ(governor.limits().whole, 5000u);
  EXPECT_EQ(governor.lowest().whole, 0u);
  EXPECT_THAT(governor.TakeNotes().back(), HasSubstr("recorded again"));
}

TEST(CpuGovernorTest, NoLimitComesBackToo) {
  CpuGovernor governor(0.02, {});
  Settle(governor, Host(10'000'000));
  Settle(governor, Host(100), 600);
  EXPECT_EQ(governor.limits().stacks, kNone);
  EXPECT_EQ(governor.limits().whole, kNone);
}

TEST(CpuGovernorTest, NotesComeOnceForEachChange) {
  CpuGovernor governor(0.02, {.stacks = kNone});
  Settle(governor, Host(10'000), 500);
  EXPECT_LE(governor.TakeNotes().size(), 1u);
}

}  // namespace
}  // namespace correlate
