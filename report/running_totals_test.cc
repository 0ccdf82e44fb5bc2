#include "report/running_totals.h"

#include <gtest/gtest.h>

namespace correlate {
namespace {

EventFormat Format(uint32_t id, const std::string& name) {
  EventFormat format;
  format.id = id;
  format.system = "skb";
  format.name = name;
  return format;
}

TEST(RunningTotalsTest, TheLastWordOfARecordingHolds) {
  RunningTotals totals;
  totals.OnRecording();
  totals.OnFormat(Format(0, "kfree_skb"));
  totals.OnCounts({.cpu = 1, .counted = 5});
  totals.OnCounts({.cpu = 1, .counted = 7, .lost = 2});
  const auto counts = totals.Counts();
  ASSERT_EQ(counts.size(), 1u);
  EXPECT_EQ(counts.at({"skb:kfree_skb", 1}).counted, 7u);
  EXPECT_EQ(counts.at({"skb:kfree_skb", 1}).lost, 2u);
}

TEST(RunningTotalsTest, RecordingsAddUpWhateverTheirFormatsNumbers) {
  RunningTotals totals;
  totals.OnRecording();
  totals.OnFormat(Format(0, "kfree_skb"));
  totals.OnCounts({.format_id = 0, .counted = 5});
  totals.OnXdpActions({.program_id = 3, .drop = 1});
  totals.OnRecording();
  totals.OnFormat(Format(0, "consume_skb"));
  totals.OnFormat(Format(1, "kfree_skb"));
  totals.OnCounts({.format_id = 0, .counted = 100});
  totals.OnCounts({.format_id = 1, .counted = 6});
  totals.OnXdpActions({.program_id = 3, .drop = 2});
  EXPECT_EQ(totals.Counts().at({"skb:kfree_skb", 0}).counted, 11u);
  EXPECT_EQ(totals.Counts().at({"skb:consume_skb", 0}).counted, 100u);
  EXPECT_EQ(totals.XdpActions().at(3).drop, 3u);
}

TEST(RunningTotalsTest, TotalsBeforeADamagedBeginningAreOfThatRecording) {
  RunningTotals totals;
  totals.OnFormat(Format(0, "kfree_skb"));
  totals.OnCounts({.counted = 5});
  totals.OnRecording();
  totals.OnCounts({.counted = 9});
  EXPECT_EQ(totals.Counts().at({"skb:kfree_skb", 0}).counted, 9u);
}

}  // namespace
}  // namespace correlate
