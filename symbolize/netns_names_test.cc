#include "symbolize/netns_names.h"

#include <utility>

#include "gtest/gtest.h"

namespace correlate {
namespace {

TEST(NetnsNames, ANameBelongsToInodeAndCookie) {
  NetnsNames names;
  names.Add({.id = {1, 10}, .name = "blue"});
  EXPECT_EQ(names.Find({1, 10}), "blue");
  EXPECT_EQ(names.Find({1, 11}), "");  // the inode's number is reused at once
  EXPECT_EQ(names.Find({2, 10}), "");
}

TEST(NetnsNames, ALaterLookReplacesAnEarlierOne) {
  NetnsNames names;
  names.Add({.id = {1, 10}, .name = "blue"});
  names.Add({.id = {1, 10}, .name = "green"});
  EXPECT_EQ(names.Find({1, 10}), "green");
  names.Add({.id = {1, 10}, .name = ""});
  EXPECT_EQ(names.Find({1, 10}), "");
}

TEST(NetnsNames, TheGenerationChangesWithTheAnswersAlone) {
  NetnsNames names;
  uint64_t before = names.generation();
  const auto changed = [&] { return std::exchange(before, names.generation()) != before; };
  names.Add({.id = {1, 10}, .name = ""});
  EXPECT_FALSE(changed());
  names.Add({.id = {1, 10}, .name = "blue"});
  EXPECT_TRUE(changed());
  names.Add({.id = {1, 10}, .name = "blue", .to_ns = 5});
  EXPECT_FALSE(changed());
  names.Add({.id = {1, 10}, .name = "green"});
  EXPECT_TRUE(changed());
}

}  // namespace
}  // namespace correlate
