#include "report/rate_test.h"

#include "gtest/gtest.h"

namespace correlate {
namespace {

TEST(RateTest, ExactForFew) {
  // Binomial(10, 1/2): P(0 or 10) = 2/1024.
  EXPECT_NEAR(RateChangeP({0, 60}, {10, 60}, 1), 2.0 / 1024, 1e-9);
  EXPECT_NEAR(RateChangeP({5, 60}, {5, 60}, 1), 1, 1e-9);
  // Binomial(3, 1/4) after a quarter of the time: all three in it, (1/4)^3.
  EXPECT_NEAR(RateChangeP({0, 90}, {3, 30}, 1), 1.0 / 64, 1e-9);
}

TEST(RateTest, NormalForMany) {
  EXPECT_LT(RateChangeP({10'000, 60}, {12'000, 60}, 1), 1e-10);
  EXPECT_GT(RateChangeP({10'000, 60}, {10'100, 60}, 1), 0.1);
  EXPECT_GT(RateChangeP({10'000, 60}, {20'000, 120}, 1), 0.9);
}

TEST(RateTest, BurstsNeedMore) {
  EXPECT_LT(RateChangeP({1000, 60}, {1200, 60}, 1), 1e-4);
  EXPECT_GT(RateChangeP({1000, 60}, {1200, 60}, 100), 0.05);
}

TEST(RateTest, NothingIsNoChange) {
  EXPECT_EQ(RateChangeP({0, 60}, {0, 60}, 1), 1);
  EXPECT_EQ(RateChangeP({5, 0}, {5, 60}, 1), 1);
}

TEST(RateTest, Dispersion) {
  EXPECT_EQ(Dispersion({5, 5, 5, 5}), 1);
  EXPECT_NEAR(Dispersion({0, 100, 0, 100}), 10000.0 / 3 / 50, 1e-9);
  EXPECT_EQ(Dispersion({}), 1);
}

TEST(RateTest, HolmCountsHowManyAreCompared) {
  EXPECT_EQ(HolmRejects({0.02, 0.001, 0.5}, 0.05), (std::vector<bool>{true, true, false}));
  EXPECT_EQ(HolmRejects({0.02, 0.03, 0.5}, 0.05), (std::vector<bool>{false, false, false}));
  EXPECT_EQ(HolmRejects({}, 0.05), std::vector<bool>{});
}

}  // namespace
}  // namespace correlate
