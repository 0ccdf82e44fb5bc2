#include "symbolize/task_names.h"

#include "gtest/gtest.h"

namespace correlate {
namespace {

using Kind = TaskRecord::Kind;

TEST(TaskNames, FollowsForkExecAndExit) {
  TaskNames names;
  names.Add(10, "bash");
  names.OnTask({.kind = Kind::kFork, .time_ns = 1, .tid = 11, .parent_tid = 10});
  EXPECT_EQ(names.Find(11), "bash");
  names.OnTask({.kind = Kind::kComm, .time_ns = 2, .tid = 11, .comm = "ping"});
  EXPECT_EQ(names.Find(11), "ping");
  EXPECT_EQ(names.Find(10), "bash");
  EXPECT_EQ(names.Find(99), "");
  EXPECT_EQ(names.Find(0), "swapper");
}

TEST(TaskNames, ADyingTaskKeepsItsNameForAWhileAndThenIsForgotten) {
  TaskNames names;
  names.Add(10, "ping");
  names.OnTask({.kind = Kind::kExit, .time_ns = 100, .tid = 10});
  EXPECT_EQ(names.Find(10), "ping");
  names.OnTask({.kind = Kind::kComm, .time_ns = 5'000'000'000, .tid = 20, .comm = "other"});
  EXPECT_EQ(names.Find(10), "");
  EXPECT_EQ(names.size(), 1u);
}

TEST(TaskNames, ANumberGivenAgainKeepsTheNewName) {
  TaskNames names;
  names.Add(10, "old");
  names.OnTask({.kind = Kind::kExit, .time_ns = 100, .tid = 10});
  names.OnTask({.kind = Kind::kComm, .time_ns = 200, .tid = 10, .comm = "new"});
  names.OnTask({.kind = Kind::kComm, .time_ns = 5'000'000'000, .tid = 20, .comm = "other"});
  EXPECT_EQ(names.Find(10), "new");
}

}  // namespace
}  // namespace correlate
