#include "proto/interner.h"

#include "gtest/gtest.h"

namespace correlate {
namespace {

class InternerTest : public testing::Test {
 protected:
  InternerTest() { interner_.Restart(&interned_); }
  pb::Interned interned_;
  Interner interner_;
};

TEST_F(InternerTest, NumberZeroIsNone) {
  EXPECT_EQ(interner_.String(""), 0u);
  EXPECT_EQ(interner_.FrameNumber(nullptr), 0u);
  EXPECT_EQ(interner_.StackNumber(nullptr), 0u);
  EXPECT_EQ(interner_.AttributionNumber(nullptr), 0u);
  EXPECT_EQ(interned_.strings_size(), 1);
  EXPECT_EQ(interned_.strings(0), "");
  EXPECT_EQ(interned_.frames_size(), 1);
  EXPECT_EQ(interned_.stacks_size(), 1);
  EXPECT_EQ(interned_.attributions_size(), 1);
  EXPECT_EQ(interner_.bytes(), 0u);
}

TEST_F(InternerTest, EachStringOnce) {
  EXPECT_EQ(interner_.String("a"), 1u);
  EXPECT_EQ(interner_.String("b\xff"), 2u);
  EXPECT_EQ(interner_.String("a"), 1u);
  EXPECT_EQ(interned_.strings_size(), 3);
  EXPECT_EQ(interned_.strings(2), "b\xff");
  EXPECT_GT(interner_.bytes(), 3u);
}

TEST_F(InternerTest, StacksShareFramesAndFramesShareStrings) {
  const Frame a = {.id = 10, .address = 1, .symbol = "f", .module = "m"};
  const Frame b = {.id = 11, .address = 2, .symbol = "m", .function = "f"};
  const Stack first = {.id = 5, .frames = {&a, &b, &a}};
  const Stack second = {.id = 6, .frames = {&b}};
  EXPECT_EQ(interner_.StackNumber(&first), 1u);
  EXPECT_EQ(interner_.StackNumber(&second), 2u);
  EXPECT_EQ(interner_.StackNumber(&first), 1u);
  EXPECT_EQ(interned_.frames_size(), 3);
  EXPECT_EQ(interned_.strings_size(), 3);  // "", f, m
  ASSERT_EQ(interned_.stacks(1).frames_size(), 3);
  EXPECT_EQ(interned_.stacks(1).frames(0), 1u);
  EXPECT_EQ(interned_.stacks(1).frames(1), 2u);
  EXPECT_EQ(interned_.stacks(1).frames(2), 1u);
  EXPECT_EQ(interned_.frames(2).symbol(), interned_.frames(1).module());
}

TEST_F(InternerTest, AttributionsGoById) {
  const Attribution one = {.id = 1, .evidence = Evidence::kStack, .verdict = "V", .why = "W"};
  Attribution two = one;
  two.id = 2;
  two.programs = {{.id = 9, .name = "p"}};
  EXPECT_EQ(interner_.AttributionNumber(&one), 1u);
  EXPECT_EQ(interner_.AttributionNumber(&two), 2u);
  EXPECT_EQ(interner_.AttributionNumber(&one), 1u);
  EXPECT_EQ(interned_.attributions(2).programs(0).name(), "p");
}

TEST_F(InternerTest, RestartForgets) {
  const Frame a = {.id = 10, .address = 1, .symbol = "f"};
  interner_.String("x");
  interner_.FrameNumber(&a);
  pb::Interned next;
  interner_.Restart(&next);
  EXPECT_EQ(interner_.bytes(), 0u);
  EXPECT_EQ(interner_.FrameNumber(&a), 1u);
  EXPECT_EQ(next.strings(1), "f");
  EXPECT_EQ(interner_.String("x"), 2u);
}

}  // namespace
}  // namespace correlate
