#include "symbolize/exit_verdict.h"

#include <optional>

#include "gtest/gtest.h"

namespace correlate {
namespace {

using Hook = HookWalk::Hook;

TEST(ExitVerdict, OfTcOnlyAShotIsARefusal) {
  for (const Hook hook : {Hook::kTcIngress, Hook::kTcEgress}) {
    EXPECT_EQ(DroppingVerdict(hook, 2, true), "TC_ACT_SHOT");
    for (const int verdict : {-1, 0, 1, 3, 4, 5, 6, 7, 8, 99}) {
      EXPECT_EQ(DroppingVerdict(hook, verdict, true), std::nullopt) << verdict;
    }
    EXPECT_EQ(DroppingVerdict(hook, 7, false), "TC_ACT_REDIRECT");
    EXPECT_EQ(DroppingVerdict(hook, 2, false), std::nullopt);
  }
}

TEST(ExitVerdict, OfXdpAllButPass) {
  for (const Hook hook : {Hook::kXdpNative, Hook::kXdpGeneric}) {
    EXPECT_EQ(DroppingVerdict(hook, 0, false), "XDP_ABORTED");
    EXPECT_EQ(DroppingVerdict(hook, 1, false), "XDP_DROP");
    EXPECT_EQ(DroppingVerdict(hook, 2, false), std::nullopt);
    EXPECT_EQ(DroppingVerdict(hook, 3, false), "XDP_TX");
    EXPECT_EQ(DroppingVerdict(hook, 4, false), "XDP_REDIRECT");
    EXPECT_EQ(DroppingVerdict(hook, 42, false), "XDP action 42");
  }
}

TEST(ExitVerdict, OfNetkitAllThatDoesNotGoOn) {
  EXPECT_EQ(DroppingVerdict(Hook::kNetkit, -1, false), std::nullopt);
  EXPECT_EQ(DroppingVerdict(Hook::kNetkit, 0, false), std::nullopt);
  EXPECT_EQ(DroppingVerdict(Hook::kNetkit, 2, false), "NETKIT_DROP");
  EXPECT_EQ(DroppingVerdict(Hook::kNetkit, 7, false), "NETKIT_REDIRECT");
  EXPECT_EQ(DroppingVerdict(Hook::kNetkit, 5, false), "netkit action 5");
}

TEST(ExitVerdict, OfCgroupsTheLowestBitCounts) {
  for (const Hook hook : {Hook::kSocket, Hook::kCgroupEgress}) {
    EXPECT_EQ(DroppingVerdict(hook, 0, false), "SK_DROP");
    EXPECT_EQ(DroppingVerdict(hook, 1, false), std::nullopt);
    EXPECT_EQ(DroppingVerdict(hook, 2, false), "SK_DROP");
    EXPECT_EQ(DroppingVerdict(hook, 3, false), std::nullopt);
  }
}

TEST(ExitVerdict, OfNetfilter) {
  EXPECT_EQ(DroppingVerdict(Hook::kNetfilter, 0, false), "NF_DROP");
  EXPECT_EQ(DroppingVerdict(Hook::kNetfilter, 1, false), std::nullopt);
}

TEST(ExitVerdict, WithoutAHookNothingIsKnown) {
  EXPECT_EQ(DroppingVerdict(Hook::kNone, 2, true), std::nullopt);
}

TEST(ExitVerdict, NamesAreThoseOfTheKernel) {
  EXPECT_EQ(VerdictName(Hook::kTcIngress, 0), "TC_ACT_OK");
  EXPECT_EQ(VerdictName(Hook::kTcEgress, -1), "TC_ACT_UNSPEC");
  EXPECT_EQ(VerdictName(Hook::kTcEgress, 12), "TC action 12");
}

}  // namespace
}  // namespace correlate
