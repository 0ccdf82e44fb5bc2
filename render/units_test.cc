#include "render/units.h"

#include "gtest/gtest.h"

namespace correlate {
namespace {

TEST(Units, Sizes) {
  EXPECT_EQ(*ParseBytes("1048576"), 1048576u);
  EXPECT_EQ(*ParseBytes("512K"), 512u << 10);
  EXPECT_EQ(*ParseBytes("8M"), 8u << 20);
  EXPECT_EQ(*ParseBytes("8MiB"), 8u << 20);
  EXPECT_EQ(*ParseBytes("1g"), 1u << 30);
  for (const char* text : {"", "K", "8X", "-1", "8MM", "99999999999G", "8 M"}) {
    EXPECT_FALSE(ParseBytes(text).ok()) << text;
  }
}

TEST(Units, Durations) {
  EXPECT_EQ(*ParseDuration("60"), 60'000'000'000u);
  EXPECT_EQ(*ParseDuration("0.5"), 500'000'000u);
  EXPECT_EQ(*ParseDuration("500ms"), 500'000'000u);
  EXPECT_EQ(*ParseDuration("1h30m"), 5'400'000'000'000u);
  for (const char* text : {"", "0", "-1", "soon", "inf", "nan", "1y"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(Units, Counts) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(1000), "1,000");
  EXPECT_EQ(FormatCount(1234567), "1,234,567");
}

}  // namespace
}  // namespace correlate
