#include "collector/capability_set.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "absl/strings/numbers.h"
#include "base/files.h"
#include "collector/test_child.h"

namespace correlate {
namespace {

TEST(CapabilitySetTest, SaysWhatProcSays) {
  const auto status = ReadFile("/proc/thread-self/status");
  ASSERT_TRUE(status.ok()) << status.status();
  const size_t at = status->find("CapEff:\t");
  ASSERT_NE(at, std::string::npos);
  uint64_t bits = 0;
  ASSERT_TRUE(absl::SimpleHexAtoi(status->substr(at + 8, 16), &bits));
  EXPECT_EQ(CapabilitySet::Effective().bits(), bits);
}

TEST(CapabilitySetTest, ReadsBits) {
  const CapabilitySet set(uint64_t{1} << CAP_PERFMON | uint64_t{1} << CAP_NET_ADMIN);
  EXPECT_TRUE(set.Has(CAP_PERFMON));
  EXPECT_TRUE(set.Has(CAP_NET_ADMIN));
  EXPECT_FALSE(set.Has(CAP_BPF));
}

void LookAsAPlainUser() {
  if (setgid(65534) != 0 || setuid(65534) != 0) SkipChild();
  EXPECT_EQ(CapabilitySet::Effective().bits(), 0);
}

TEST(CapabilitySetTest, APlainUserHasNone) {
  if (geteuid() != 0) GTEST_SKIP() << "becomes a plain user, which only root can";
  EXPECT_CHILD_PASSES(LookAsAPlainUser, "cannot become a plain user here");
}

}  // namespace
}  // namespace correlate
