#include "report/trace_diff.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/recording.h"

namespace correlate {
namespace {

using testing::HasSubstr;

std::unique_ptr<DiffSide> Side(const ManyEvents& many, const std::string& filter = "") {
  auto side = DiffSide::Create("", filter);
  EXPECT_TRUE(side.ok()) << side.status();
  FeedManyEvents(many, (*side)->tables());
  (*side)->tables().Finish();
  return *std::move(side);
}

std::set<std::string> Names(const TraceDiff& diff, const std::string& dimension,
                            RateChange::Kind kind) {
  std::set<std::string> names;
  for (const RateChange& change : diff.changes) {
    if (change.dimension == dimension && change.kind == kind) names.insert(change.values.front());
  }
  return names;
}

TEST(TraceDiff, TheSameRatesAreNoChange) {
  const auto before = Side({.events = 20'000});
  const auto after = Side({.events = 40'000});  // for twice as long
  const TraceDiff diff = CompareTraces(*before, *after);
  EXPECT_EQ(diff.findings, 0u) << RenderDiff(*before, *after, diff, "a", "b");
  EXPECT_GT(diff.changes.size(), 20u);
}

TEST(TraceDiff, NewAndGoneCulpritsAreNamed) {
  const auto before = Side({.events = 20'000, .programs = 8});
  const auto after = Side({.events = 20'000, .programs = 9});
  const TraceDiff diff = CompareTraces(*before, *after);
  EXPECT_THAT(Names(diff, "tag", RateChange::Kind::kNew), testing::ElementsAre("program_8"));
  EXPECT_TRUE(Names(diff, "tag", RateChange::Kind::kGone).empty());
  const TraceDiff back = CompareTraces(*after, *before);
  EXPECT_THAT(Names(back, "tag", RateChange::Kind::kGone), testing::ElementsAre("program_8"));
  const std::string text = RenderDiff(*before, *after, diff, "a.pb", "b.pb");
  EXPECT_THAT(text, HasSubstr("Holm"));
  EXPECT_THAT(text, HasSubstr("program_8"));
  EXPECT_EQ(DiffToJson(*before, *after, diff)["findings"].get<size_t>(), diff.findings);
}

TEST(TraceDiff, RatesThatDoubleAreMore) {
  const auto before = Side({.events = 20'000, .step_ns = 20'000});
  const auto after = Side({.events = 20'000, .step_ns = 10'000});
  const TraceDiff diff = CompareTraces(*before, *after);
  EXPECT_THAT(Names(diff, "reason", RateChange::Kind::kMore), testing::Contains("skb:kfree_skb"));
  EXPECT_TRUE(Names(diff, "reason", RateChange::Kind::kLess).empty());
}

TEST(TraceDiff, AFilterHoldsOnBothSides) {
  const auto before = Side({.events = 5'000}, "program == program_3");
  const auto after = Side({.events = 5'000}, "program == program_3");
  for (const RateChange& change : CompareTraces(*before, *after).changes) {
    if (change.dimension != "tag") continue;
    EXPECT_EQ(change.values.front(), "program_3");
  }
  EXPECT_THAT(std::string(DiffSide::Create("", "reasn == 1").status().message()),
              HasSubstr("column 1"));
}

}  // namespace
}  // namespace correlate
