#include "disassembly/bpf_instruction.h"

#include "gtest/gtest.h"

namespace correlate {
namespace {

bpf_insn In(uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm) {
  bpf_insn in = {};
  in.code = code;
  in.dst_reg = dst & 15;
  in.src_reg = src & 15;
  in.off = off;
  in.imm = imm;
  return in;
}

std::string Text(const bpf_insn& in, const bpf_insn& next = {}, absl::string_view target = "") {
  return BpfInstructionText(in, next, target);
}

// Forms that no program of the other tests has; as kernel/bpf/disasm.c of Linux 6.18 prints them.
TEST(BpfInstructionTest, RareForms) {
  EXPECT_EQ(Text(In(0xd4, 1, 0, 0, 16)), "(d4) r1 = le16 r1");
  EXPECT_EQ(Text(In(0xdc, 1, 0, 0, 64)), "(dc) r1 = be64 r1");
  EXPECT_EQ(Text(In(0xd7, 2, 0, 0, 32)), "(d7) r2 = bswap32 r2");
  EXPECT_EQ(Text(In(0x87, 3, 0, 0, 0)), "(87) r3 = -r3");
  EXPECT_EQ(Text(In(0x84, 3, 0, 0, 0)), "(84) w3 = -w3");
  EXPECT_EQ(Text(In(0x3f, 1, 2, 1, 0)), "(3f) r1 s/= r2");
  EXPECT_EQ(Text(In(0x94, 1, 0, 1, 7)), "(94) w1 s%= 7");
  EXPECT_EQ(Text(In(0xbf, 1, 2, 8, 0)), "(bf) r1 = (s8)r2");
  EXPECT_EQ(Text(In(0xbc, 1, 2, 16, 0)), "(bc) w1 = (s16)w2");
  EXPECT_EQ(Text(In(0xbf, 1, 2, -1, 0)), "(bf) r1 = &(void __percpu *)(r2)");
  EXPECT_EQ(Text(In(0xbf, 1, 2, 1, 0x10001)), "(bf) r1 = addr_space_cast(r2, 1, 1)");
  EXPECT_EQ(Text(In(0x81, 1, 2, 4, 0)), "(81) r1 = *(s32 *)(r2 +4)");
  EXPECT_EQ(Text(In(0xdb, 1, 2, -8, 0)), "(db) lock *(u64 *)(r1 -8) += r2");
  EXPECT_EQ(Text(In(0xc3, 1, 2, 0, 0x41)), "(c3) r2 = atomic_fetch_or((u32 *)(r1 +0), r2)");
  EXPECT_EQ(Text(In(0xdb, 1, 2, 0, 0xe1)), "(db) r2 = atomic64_xchg((u64 *)(r1 +0), r2)");
  EXPECT_EQ(Text(In(0xdb, 1, 2, 0, 0xf1)), "(db) r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)");
  EXPECT_EQ(Text(In(0xdb, 1, 2, 8, 0x100)), "(db) r1 = load_acquire((u64 *)(r2 +8))");
  EXPECT_EQ(Text(In(0xdb, 1, 2, 8, 0x110)), "(db) store_release((u64 *)(r1 +8), r2)");
  EXPECT_EQ(Text(In(0xc2, 0, 0, 0, 0)), "(c2) nospec");
  EXPECT_EQ(Text(In(0x28, 0, 0, 0, 12)), "(28) r0 = *(u16 *)skb[12]");
  EXPECT_EQ(Text(In(0x50, 0, 3, 0, 2)), "(50) r0 = *(u8 *)skb[r3 + 2]");
  EXPECT_EQ(Text(In(0x06, 0, 0, 0, 9)), "(06) gotol pc+9");
  EXPECT_EQ(Text(In(0xe5, 0, 0, 3, 0)), "(e5) may_goto pc+3");
  EXPECT_EQ(Text(In(0x66, 1, 0, -2, -1)), "(66) if w1 s> 0xffffffff goto pc-2");
  EXPECT_EQ(Text(In(0x4d, 1, 2, 5, 0)), "(4d) if r1 & r2 goto pc+5");
  EXPECT_EQ(Text(In(0x18, 1, 4, 0, 7)), "(18) r1 = subprog[+7]");
  EXPECT_EQ(Text(In(0x18, 1, 2, 0, 7), In(0, 0, 0, 0, 16)), "(18) r1 = map[id:7][0]+16");
  EXPECT_EQ(Text(In(0x18, 1, 0, 0, -1), In(0, 0, 0, 0, 1)), "(18) r1 = 0x1ffffffff");
  EXPECT_EQ(Text(In(0x85, 0, 0, 0, 6)), "(85) call unknown#6");
}

TEST(BpfInstructionTest, AnyBytesAreText) {
  for (int code = 0; code < 256; ++code) {
    for (const int32_t imm : {0, 1, -1, 0x40, INT32_MIN, INT32_MAX}) {
      const bpf_insn in = In(static_cast<uint8_t>(code), 15, 15, -1, imm);
      EXPECT_FALSE(Text(in).empty());
      FlowOf(in);
    }
  }
}

TEST(BpfInstructionTest, Flow) {
  EXPECT_FALSE(FlowOf(In(0x95, 0, 0, 0, 0)).falls_through);
  EXPECT_EQ(FlowOf(In(0x05, 0, 0, -3, 0)).target, -2);
  EXPECT_FALSE(FlowOf(In(0x05, 0, 0, -3, 0)).falls_through);
  EXPECT_EQ(FlowOf(In(0x06, 0, 0, 0, 70000)).target, 70001);
  EXPECT_EQ(FlowOf(In(0x15, 0, 0, 4, 0)).target, 5);
  EXPECT_TRUE(FlowOf(In(0x15, 0, 0, 4, 0)).falls_through);
  EXPECT_FALSE(FlowOf(In(0x85, 0, 0, 4, 0)).target.has_value());
}

}  // namespace
}  // namespace correlate
