#include "collector/tc_filters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace correlate {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Program or kind, then where.
std::vector<std::string> Describe(const std::vector<FilterMessage>& filters) {
  const Attachment hook = {.hook = "tc", .direction = "ingress", .ifindex = 3, .ifname = "eth0"};
  std::vector<std::string> lines;
  for (const Attachment& attachment : FilterAttachments(hook, filters)) {
    EXPECT_EQ(attachment.ifname, "eth0");
    EXPECT_EQ(attachment.hook, "tc");
    EXPECT_EQ(attachment.IsObstacle(), !attachment.kind.empty());
    lines.push_back(absl::StrCat(
        attachment.IsObstacle() ? attachment.kind : absl::StrCat("#", attachment.program_id), " ",
        attachment.chain, "/", attachment.pref, "/", attachment.handle));
    if (attachment.block != 0) absl::StrAppend(&lines.back(), " block ", attachment.block);
  }
  return lines;
}

FilterMessage Bpf(uint32_t chain, uint32_t pref, uint32_t handle, uint32_t program_id) {
  FilterMessage filter;
  filter.kind = "bpf";
  filter.chain = chain;
  filter.pref = pref;
  filter.handle = handle;
  filter.program_id = program_id;
  return filter;
}

FilterMessage Other(const std::string& kind, uint32_t pref, uint32_t handle) {
  FilterMessage filter = Bpf(0, pref, handle, 0);
  filter.kind = kind;
  return filter;
}

TEST(TcFiltersTest, ChainZeroComesFirstAndWithinAChainTheKernelsOrderHolds) {
  EXPECT_THAT(Describe({Bpf(5, 1, 1, 50), Bpf(0, 10, 0, 0), Bpf(0, 10, 2, 10), Bpf(0, 10, 1, 11),
                        Bpf(0, 20, 1, 12)}),
              ElementsAre("#10 0/10/2", "#11 0/10/1", "#12 0/20/1", "#50 5/1/1"));
}

TEST(TcFiltersTest, OtherClassifiersAreOneObstacleAPriority) {
  EXPECT_THAT(
      Describe({Other("u32", 3, 0), Other("u32", 3, 0x80000000), Other("u32", 3, 0x80000800),
                Bpf(0, 10, 1, 10), Other("flower", 20, 1), Other("u32", 30, 0)}),
      ElementsAre("u32 0/3/0", "#10 0/10/1", "flower 0/20/0", "u32 0/30/0"));
}

TEST(TcFiltersTest, ActionsOfABpfFilterStandAfterIt) {
  FilterMessage filter = Bpf(0, 10, 1, 10);
  filter.actions = {"mirred", "gact"};
  EXPECT_THAT(Describe({filter}),
              ElementsAre("#10 0/10/1", "action mirred 0/10/1", "action gact 0/10/1"));
  filter.goes_to_chain = true;
  EXPECT_THAT(Describe({filter}),
              ElementsAre("#10 0/10/1", "action mirred 0/10/1", "goto chain 0/10/1"));
}

TEST(TcFiltersTest, ClassicBpfHasNoProgram) {
  FilterMessage filter = Bpf(0, 10, 1, 0);
  filter.classic = true;
  EXPECT_THAT(Describe({Bpf(0, 10, 0, 0), filter}), ElementsAre("classic BPF 0/10/1"));
}

TEST(TcFiltersTest, ASharedBlockIsAnObstacleItself) {
  FilterMessage first = Bpf(0, 10, 1, 10);
  FilterMessage second = Bpf(0, 20, 1, 11);
  first.block = second.block = 7;
  EXPECT_THAT(Describe({first, second}), ElementsAre("shared block 0/0/0 block 7",
                                                     "#10 0/10/1 block 7", "#11 0/20/1 block 7"));
}

TEST(TcFiltersTest, NoFilters) { EXPECT_THAT(Describe({}), IsEmpty()); }

}  // namespace
}  // namespace correlate
