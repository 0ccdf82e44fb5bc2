#include "symbolize/stack_resolver.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kBpf = 0xffffffffc0001000;
constexpr uint64_t kFree = 0xffffffff81000010;
constexpr uint64_t kReceive = 0xffffffff81000120;
constexpr uint64_t kTraceRun = 0xffffffff81000210;
constexpr uint64_t kBpfTrace = 0xffffffff81000310;
constexpr uint64_t kTraceIter = 0xffffffff81000410;

std::vector<std::string> Symbols(const Stack* stack) {
  std::vector<std::string> symbols;
  for (const Frame* frame : stack->frames) symbols.push_back(frame->symbol);
  return symbols;
}

class StackResolverTest : public ::testing::Test {
 protected:
  StackResolverTest() {
    resolver_.SetKernelSymbols(
        *KernelSymbols::Parse("ffffffff81000000 T kfree_skb\n"
                              "ffffffff81000100 T net_rx_action\n"
                              "ffffffff81000200 T bpf_trace_run4\n"
                              "ffffffff81000300 t __bpf_trace_kfree_skb\n"
                              "ffffffff81000400 T __traceiter_kfree_skb\n"
                              "ffffffff81000500 T end_of_text\n"));
  }
  void AddProgram(uint32_t id, uint64_t load_ns, bool ours = false) {
    ProgramInfo info;
    info.id = id;
    info.ours = ours;
    info.name = "decide";
    info.load_time_ns = load_ns;
    info.opened = true;
    info.functions = {{.address = kBpf, .length_bytes = 64, .name = "decide"}};
    programs_.AddProgram(info);
  }

  ProgramTable programs_;
  StackResolver resolver_{&programs_};
};

TEST_F(StackResolverTest, ResolvesOnceAndKeepsTheId) {
  const std::vector<uint64_t> chain = {0xffffffff81000010, 0xffffffff81000120};
  const Stack* first = resolver_.Resolve(chain, 1000);
  ASSERT_EQ(first->frames.size(), 2u);
  EXPECT_EQ(first->frames[0]->symbol, "kfree_skb");
  EXPECT_EQ(first->frames[0]->offset, 0x10u);
  EXPECT_EQ(first->frames[1]->symbol, "net_rx_action");
  EXPECT_EQ(resolver_.Resolve(chain, 2000)->id, first->id);
  EXPECT_EQ(resolver_.stacks(), 1u);
  EXPECT_EQ(resolver_.Resolve({}, 2000), nullptr);
}

TEST_F(StackResolverTest, AReturnAddressAtTheNextSymbolBelongsToTheOneBefore) {
  const Stack* stack = resolver_.Resolve({0xffffffff81000010, 0xffffffff81000100}, 1000);
  EXPECT_EQ(stack->frames[1]->symbol, "kfree_skb");
  EXPECT_EQ(stack->frames[1]->offset, 0x100u);
}

TEST_F(StackResolverTest, AReusedAddressIsResolvedAnewUnderANewId) {
  const std::vector<uint64_t> chain = {0xffffffff81000010, kBpf + 8};
  AddProgram(7, 500);
  const Stack* before = resolver_.Resolve(chain, 1000);
  EXPECT_EQ(before->frames[1]->program_id, 7u);
  const uint64_t id_before = before->id;
  programs_.OnBpfProgram({.time_ns = 2000, .load = false, .program_id = 7});
  programs_.OnKsymbol({.time_ns = 2000, .address = kBpf, .bpf = true, .unregister = true});
  EXPECT_EQ(resolver_.Resolve(chain, 2500)->frames[1]->program_id, 0u);
  AddProgram(8, 3000);
  const Stack* after = resolver_.Resolve(chain, 3500);
  EXPECT_EQ(after->frames[1]->program_id, 8u);
  EXPECT_NE(after->id, id_before);
}

TEST_F(StackResolverTest, KernelStacksOutliveChangesOfPrograms) {
  const std::vector<uint64_t> chain = {0xffffffff81000010};
  const uint64_t id = resolver_.Resolve(chain, 1000)->id;
  AddProgram(7, 500);
  EXPECT_EQ(resolver_.Resolve(chain, 2000)->id, id);
}

TEST_F(StackResolverTest, UnknownAddressesAreCountedAndMendedByNewSymbols) {
  const std::vector<uint64_t> chain = {0xffffffffa0000010};
  EXPECT_EQ(resolver_.Resolve(chain, 1000)->frames[0]->kind, FrameKind::kUnknown);
  EXPECT_EQ(resolver_.unknown_addresses(), 1u);
  resolver_.SetKernelSymbols(*KernelSymbols::Parse("ffffffffa0000000 t probe\t[late_module]\n"));
  const Stack* stack = resolver_.Resolve(chain, 2000);
  EXPECT_EQ(stack->frames[0]->symbol, "probe");
  EXPECT_EQ(stack->frames[0]->module, "late_module");
}

TEST_F(StackResolverTest, TheTracersOwnFramesAtTheLeafAreTakenOff) {
  AddProgram(7, 500, /*ours=*/true);
  const std::vector<uint64_t> whole = {kBpf + 8, kTraceRun, kBpfTrace, kTraceIter, kFree, kReceive};
  EXPECT_THAT(Symbols(resolver_.Resolve(whole, 1000)), ElementsAre("kfree_skb", "net_rx_action"));
  // tp_btf goes without the tracepoint's own function, a plain tracepoint without a program.
  EXPECT_THAT(Symbols(resolver_.Resolve({kBpf + 8, kTraceRun, kFree}, 1000)),
              ElementsAre("kfree_skb"));
  EXPECT_THAT(Symbols(resolver_.Resolve({kTraceIter, kFree}, 1000)), ElementsAre("kfree_skb"));
  EXPECT_THAT(Symbols(resolver_.Resolve({kBpf + 8, kTraceRun}, 1000)), IsEmpty());
}

TEST_F(StackResolverTest, WhatOthersPutThereStays) {
  AddProgram(7, 500);
  const Stack* stack = resolver_.Resolve({kBpf + 8, kTraceRun, kFree}, 1000);
  ASSERT_EQ(stack->frames.size(), 3u);
  EXPECT_EQ(stack->frames[0]->program_id, 7u);
  EXPECT_EQ(stack->frames[1]->symbol, "bpf_trace_run4");
}

TEST_F(StackResolverTest, OnlyFramesAtTheLeafAreTheTracers) {
  AddProgram(7, 500, /*ours=*/true);
  EXPECT_THAT(Symbols(resolver_.Resolve({kFree, kTraceRun, kBpfTrace}, 1000)),
              ElementsAre("kfree_skb", "bpf_trace_run4", "__bpf_trace_kfree_skb"));
}

TEST_F(StackResolverTest, AProgramKnownAsOursLaterIsTakenOffFromThen) {
  const std::vector<uint64_t> chain = {kBpf + 8, kTraceRun, kFree};
  EXPECT_EQ(resolver_.Resolve(chain, 1000)->frames.size(), 3u);
  AddProgram(7, 500, /*ours=*/true);
  EXPECT_EQ(resolver_.Resolve(chain, 2000)->frames.size(), 1u);
}

TEST_F(StackResolverTest, StacksWithoutTheTracersFramesOutliveChangesOfPrograms) {
  AddProgram(7, 500, /*ours=*/true);
  const std::vector<uint64_t> chain = {kBpf + 8, kTraceRun, kFree};
  const uint64_t id = resolver_.Resolve(chain, 1000)->id;
  programs_.OnBpfProgram({.time_ns = 2000, .load = true, .program_id = 8});
  EXPECT_EQ(resolver_.Resolve(chain, 3000)->id, id);
}

TEST_F(StackResolverTest, TheMostFramesAreCountedWithoutTheTracers) {
  AddProgram(7, 500, /*ours=*/true);
  resolver_.set_max_frames(2);
  EXPECT_THAT(Symbols(resolver_.Resolve({kBpf + 8, kTraceRun, kFree, kReceive, kReceive}, 1000)),
              ElementsAre("kfree_skb", "net_rx_action"));
  EXPECT_THAT(Symbols(resolver_.Resolve({kFree}, 1000)), ElementsAre("kfree_skb"));
}

}  // namespace
}  // namespace correlate
