#include "collector/program_holders.h"

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include "base/scoped_fd.h"
#include "collector/test_programs.h"

namespace correlate {
namespace {

TEST(ProgramHoldersTest, CountsThoseOfEachProgramAndNotItself) {
  const auto holders = ProgramHolders::Load();
  ASSERT_TRUE(holders.ok()) << holders.status();
  const ScopedFd once = LoadReturning(BPF_PROG_TYPE_SOCKET_FILTER, 0, "once");
  const ScopedFd twice = LoadReturning(BPF_PROG_TYPE_SOCKET_FILTER, 0, "twice");
  const ScopedFd second(bpf_prog_get_fd_by_id(ProgramId(twice)));
  const auto counts = (*holders)->Read();
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->at(ProgramId(once)), 1);
  EXPECT_EQ(counts->at(ProgramId(twice)), 2);
  EXPECT_TRUE(counts->contains((*holders)->program_id()));
}

TEST(ProgramHoldersTest, ForgetsWhatIsGone) {
  const auto holders = ProgramHolders::Load();
  ASSERT_TRUE(holders.ok()) << holders.status();
  ScopedFd program = LoadReturning(BPF_PROG_TYPE_SOCKET_FILTER, 0, "gone");
  const uint32_t id = ProgramId(program);
  EXPECT_TRUE((*holders)->Read()->contains(id));
  program = ScopedFd();
  EXPECT_FALSE((*holders)->Read()->contains(id));
}

}  // namespace
}  // namespace correlate
