#include "collector/bpf_call_kinds.h"

#include <linux/bpf.h>

#include "gtest/gtest.h"

namespace correlate {
namespace {

TEST(BpfCallKindsTest, OfEachEventItsCommands) {
  EXPECT_EQ(BpfCommandsOf({"bpf:bpf_prog_attach"}), 1u << BPF_PROG_ATTACH);
  EXPECT_EQ(BpfCommandsOf({"bpf:bpf_prog_get_type"}),
            1u << BPF_PROG_ATTACH | 1u << BPF_LINK_CREATE);
  EXPECT_EQ(BpfCommandsOf({"skb:kfree_skb"}), 0);
}

}  // namespace
}  // namespace correlate
