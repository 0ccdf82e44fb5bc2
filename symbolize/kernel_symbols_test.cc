#include "symbolize/kernel_symbols.h"

#include "gtest/gtest.h"

namespace correlate {
namespace {

KernelSymbols Parse(absl::string_view text) {
  auto symbols = KernelSymbols::Parse(text);
  EXPECT_TRUE(symbols.ok()) << symbols.status();
  return std::move(symbols).value();
}

TEST(KernelSymbols, ASymbolEndsWhereTheNextOneBegins) {
  const KernelSymbols symbols = Parse(
      "ffffffff81000100 T second\n"
      "ffffffff81000000 T first\n");
  EXPECT_EQ(symbols.Lookup(0xffffffff81000000)->name, "first");
  EXPECT_EQ(symbols.Lookup(0xffffffff810000ff)->name, "first");
  EXPECT_EQ(symbols.Lookup(0xffffffff810000ff)->offset, 0xffu);
  EXPECT_EQ(symbols.Lookup(0xffffffff81000100)->name, "second");
  EXPECT_FALSE(symbols.Lookup(0xffffffff80ffffff).has_value());
}

TEST(KernelSymbols, DataBoundsTextAndIsNoText) {
  const KernelSymbols symbols = Parse(
      "ffffffff81000000 T code\n"
      "ffffffff81000100 D data\n");
  EXPECT_EQ(symbols.Lookup(0xffffffff810000ff)->name, "code");
  EXPECT_FALSE(symbols.Lookup(0xffffffff81000100).has_value());
}

TEST(KernelSymbols, FarBeyondTheLastSymbolIsUnknown) {
  const KernelSymbols symbols = Parse("ffffffff81000000 T last\n");
  EXPECT_TRUE(symbols.Lookup(0xffffffff81000010).has_value());
  EXPECT_FALSE(symbols.Lookup(0xffffffff91000000).has_value());
}

TEST(KernelSymbols, AGlobalNameWinsAmongAliases) {
  const KernelSymbols symbols = Parse(
      "ffffffff81000000 t local_alias\n"
      "ffffffff81000000 T the_function\n"
      "ffffffff81000000 T another\n");
  EXPECT_EQ(symbols.Lookup(0xffffffff81000000)->name, "the_function");
}

TEST(KernelSymbols, TellsModulesAndBpf) {
  const KernelSymbols symbols = Parse(
      "ffffffffc0000000 t cls_bpf_classify\t[cls_bpf]\n"
      "ffffffffc0001000 t bpf_prog_6deef7357e7b4530_f\t[bpf]\n"
      "ffffffffc0002000 t bpf_trampoline_6442536467\t[bpf]\n"
      "ffffffffc0003000 t bpf_dispatcher_xdp\t[bpf]\n");
  EXPECT_EQ(symbols.Lookup(0xffffffffc0000004)->module, "cls_bpf");
  EXPECT_EQ(symbols.Lookup(0xffffffffc0000004)->kind, FrameKind::kModule);
  EXPECT_EQ(symbols.Lookup(0xffffffffc0001004)->kind, FrameKind::kBpf);
  EXPECT_EQ(symbols.Lookup(0xffffffffc0001004)->module, "");
  EXPECT_EQ(symbols.Lookup(0xffffffffc0002004)->kind, FrameKind::kBpfTrampoline);
  EXPECT_EQ(symbols.Lookup(0xffffffffc0003004)->kind, FrameKind::kBpfDispatcher);
}

TEST(KernelSymbols, HiddenAddressesAreAnErrorThatNamesTheSysctl) {
  const auto symbols = KernelSymbols::Parse("0000000000000000 T a\n0000000000000000 T b\n");
  ASSERT_FALSE(symbols.ok());
  EXPECT_NE(std::string(symbols.status().message()).find("kernel.kptr_restrict"),
            std::string::npos);
}

TEST(KernelSymbols, PassesOverLinesOfAnotherShape) {
  const KernelSymbols symbols = Parse(
      "\n"
      "nonsense\n"
      "ffffffff81000000 T\n"
      "zzzz T name\n"
      "ffffffff81000000000000000 T too_long\n"
      "ffffffff81000200 TT two_letters\n"
      "ffffffff81000100 T good");
  EXPECT_EQ(symbols.size(), 1u);
  EXPECT_EQ(symbols.Lookup(0xffffffff81000104)->name, "good");
}

TEST(KernelSymbols, FindsTheTextOfAFunctionWithWhatWasSplitOff) {
  const KernelSymbols symbols = Parse(
      "ffffffff81000000 t veth_xdp_rcv_skb\n"
      "ffffffff81000100 t veth_xdp_rcv_skb_of_another\n"
      "ffffffff81000200 T do_xdp_generic\n"
      "ffffffff81000280 D do_xdp_generic\n"
      "ffffffffc0000000 t veth_xdp_rcv_skb.part.0\t[veth]\n"
      "ffffffffc0000040 t veth_xdp_rcv_skb.cold\t[veth]\n"
      "ffffffffc0000060 d data\t[veth]\n"
      "ffffffffc0000080 t at_the_end\t[veth]\n");
  const auto found = symbols.FindText("veth_xdp_rcv_skb");
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].begin, 0xffffffff81000000);
  EXPECT_EQ(found[0].end, 0xffffffff81000100);
  EXPECT_EQ(found[1].begin, 0xffffffffc0000000);
  EXPECT_EQ(found[1].end, 0xffffffffc0000040);
  EXPECT_EQ(found[2].begin, 0xffffffffc0000040);
  EXPECT_EQ(found[2].end, 0xffffffffc0000060);
  // Bounded by data, and data of that name is none.
  const auto generic = symbols.FindText("do_xdp_generic");
  ASSERT_EQ(generic.size(), 1u);
  EXPECT_EQ(generic[0].end, 0xffffffff81000280);
  EXPECT_TRUE(symbols.FindText("veth_xdp").empty());
  EXPECT_TRUE(symbols.FindText("").empty());
  // Nobody knows where the last one ends.
  EXPECT_TRUE(symbols.FindText("at_the_end").empty());
  EXPECT_TRUE(KernelSymbols().FindText("do_xdp_generic").empty());
}

TEST(KernelSymbols, TextBeforeAGapEndsBeforeIt) {
  const KernelSymbols symbols = Parse(
      "ffffffff81000000 T last_of_the_kernel\n"
      "ffffffffc0000000 t first_of_a_module\t[veth]\n");
  const auto found = symbols.FindText("last_of_the_kernel");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_LE(found[0].end - found[0].begin, uint64_t{1} << 20);
}

}  // namespace
}  // namespace correlate
