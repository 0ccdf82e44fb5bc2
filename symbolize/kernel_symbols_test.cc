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

}  // namespace
}  // namespace correlate
