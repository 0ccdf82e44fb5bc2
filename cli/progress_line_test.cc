#include "cli/progress_line.h"

#include <gtest/gtest.h>

namespace correlate {
namespace {

TEST(ProgressTextTest, TellsHowFarAndHowLong) {
  EXPECT_EQ(ProgressText("reading x.pb", 25'000'000, 100'000'000, 2'000'000'000),
            "reading x.pb  25 % [#####               ] 25.00 MB, 6 s left");
}

TEST(ProgressTextTest, AtTheBeginningNothingIsKnownOfTheEnd) {
  EXPECT_EQ(ProgressText("x", 0, 10, 1), "x  0 % [                    ] 0.00 MB");
}

TEST(ProgressTextTest, AFileThatGrewMeanwhile) {
  EXPECT_EQ(ProgressText("x", 3'000'000, 1'000'000, 1'000'000'000),
            "x  100 % [####################] 3.00 MB, 0 s left");
}

TEST(ProgressTextTest, OfAPipeOnlyHowMuch) {
  EXPECT_EQ(ProgressText("reading -", 1'230'000, 0, 1), "reading -  1.23 MB");
}

TEST(ProgressTextTest, NoNameMovesTheCursor) {
  EXPECT_EQ(ProgressText("a\x1b[2J", 0, 0, 1), "a\\x1b[2J  0.00 MB");
}

}  // namespace
}  // namespace correlate
