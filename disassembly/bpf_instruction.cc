#include "disassembly/bpf_instruction.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace correlate {
namespace {

// Newer than some headers.
constexpr uint8_t kMemSx = 0x80;
constexpr uint8_t kNoSpec = 0xc0;
constexpr uint8_t kJcond = 0xe0;
constexpr int16_t kAddressSpaceCast = 1;
constexpr int16_t kPerCpuAddress = -1;
constexpr int32_t kLoadAcquire = 0x100;
constexpr int32_t kStoreRelease = 0x110;

constexpr absl::string_view kArithmetic[] = {
    "+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "neg", "%=", "^=", "=", "s>>=", "endian"};
constexpr absl::string_view kAtomic[] = {"add", "", "", "", "or", "and", "", "", "", "", "xor"};
constexpr absl::string_view kComparison[] = {"",    "==", ">", ">=", "&",  "!=", "s>",
                                             "s>=", "",   "",  "<",  "<=", "s<", "s<="};

template <size_t N>
absl::string_view Of(const absl::string_view (&names)[N], size_t place) {
  return place < N ? names[place] : absl::string_view();
}

uint8_t OperationOf(const bpf_insn& in) { return BPF_OP(in.code); }

absl::string_view Width(const bpf_insn& in) {
  switch (BPF_SIZE(in.code)) {
    case BPF_W:
      return "u32";
    case BPF_H:
      return "u16";
    case BPF_B:
      return "u8";
    default:
      return "u64";
  }
}

absl::string_view SignedWidth(const bpf_insn& in) {
  switch (BPF_SIZE(in.code)) {
    case BPF_W:
      return "s32";
    case BPF_H:
      return "s16";
    case BPF_B:
      return "s8";
    default:
      return "";
  }
}

std::string Memory(absl::string_view width, int reg, int offset) {
  return absl::StrFormat("*(%s *)(r%d %+d)", width, reg, offset);
}

std::string Invalid(absl::string_view what, const bpf_insn& in) {
  return absl::StrFormat("BUG_%s%02x", what, in.code);
}

std::string Arithmetic(const bpf_insn& in) {
  const bool wide = BPF_CLASS(in.code) == BPF_ALU64;
  const char reg = wide ? 'r' : 'w';
  const uint8_t operation = OperationOf(in);
  if (operation == BPF_END) {
    if (wide) return absl::StrFormat("r%d = bswap%d r%d", in.dst_reg, in.imm, in.dst_reg);
    return absl::StrFormat("r%d = %s%d r%d", in.dst_reg,
                           BPF_SRC(in.code) == BPF_TO_BE ? "be" : "le", in.imm, in.dst_reg);
  }
  if (operation == BPF_NEG) {
    return absl::StrFormat("%c%d = -%c%d", reg, in.dst_reg, reg, in.dst_reg);
  }
  absl::string_view sign = Of(kArithmetic, operation >> 4);
  if (in.off == 1 && operation == BPF_DIV) sign = "s/=";
  if (in.off == 1 && operation == BPF_MOD) sign = "s%=";
  if (BPF_SRC(in.code) == BPF_K) {
    return absl::StrFormat("%c%d %s %d", reg, in.dst_reg, sign, in.imm);
  }
  absl::string_view extension;
  if (operation == BPF_MOV) {
    if (wide && in.off == kAddressSpaceCast) {
      return absl::StrFormat("r%d = addr_space_cast(r%d, %u, %u)", in.dst_reg, in.src_reg,
                             static_cast<uint32_t>(in.imm) >> 16,
                             static_cast<uint32_t>(in.imm) & 0xffff);
    }
    if (wide && in.off == kPerCpuAddress) {
      return absl::StrFormat("r%d = &(void __percpu *)(r%d)", in.dst_reg, in.src_reg);
    }
    extension = in.off == 8 ? "(s8)" : in.off == 16 ? "(s16)" : in.off == 32 ? "(s32)" : "";
  }
  return absl::StrFormat("%c%d %s %s%c%d", reg, in.dst_reg, sign, extension, reg, in.src_reg);
}

std::string Atomic(const bpf_insn& in) {
  const std::string address = absl::StrFormat("(%s *)(r%d %+d)", Width(in), in.dst_reg, in.off);
  const absl::string_view wide = BPF_SIZE(in.code) == BPF_DW ? "64" : "";
  const int operation = in.imm & ~BPF_FETCH;
  if (in.imm == (BPF_CMPXCHG)) {
    return absl::StrFormat("r0 = atomic%s_cmpxchg(%s, r0, r%d)", wide, address, in.src_reg);
  }
  if (in.imm == (BPF_XCHG)) {
    return absl::StrFormat("r%d = atomic%s_xchg(%s, r%d)", in.src_reg, wide, address, in.src_reg);
  }
  if (in.imm == kLoadAcquire) {
    return absl::StrFormat("r%d = load_acquire((%s *)(r%d %+d))", in.dst_reg, Width(in), in.src_reg,
                           in.off);
  }
  if (in.imm == kStoreRelease) {
    return absl::StrFormat("store_release(%s, r%d)", address, in.src_reg);
  }
  const absl::string_view name =
      operation < 0 || operation & 0xf ? "" : Of(kAtomic, static_cast<size_t>(operation) >> 4);
  if (name.empty()) return Invalid("", in);
  if (in.imm & BPF_FETCH) {
    return absl::StrFormat("r%d = atomic%s_fetch_%s(%s, r%d)", in.src_reg, wide, name, address,
                           in.src_reg);
  }
  return absl::StrFormat("lock *%s %s r%d", address,
                         Of(kArithmetic, static_cast<size_t>(operation) >> 4), in.src_reg);
}

std::string Load(const bpf_insn& in, const bpf_insn& next) {
  switch (BPF_MODE(in.code)) {
    case BPF_ABS:
      return absl::StrFormat("r0 = *(%s *)skb[%d]", Width(in), in.imm);
    case BPF_IND:
      return absl::StrFormat("r0 = *(%s *)skb[r%d + %d]", Width(in), in.src_reg, in.imm);
    case BPF_IMM:
      break;
    default:
      return Invalid("ld_", in);
  }
  if (BPF_SIZE(in.code) != BPF_DW) return Invalid("ld_", in);
  const auto low = static_cast<uint32_t>(in.imm);
  const auto high = static_cast<uint32_t>(next.imm);
  std::string value;
  switch (in.src_reg) {
    case BPF_PSEUDO_MAP_FD:
      value = absl::StrCat("map[id:", low, "]");
      break;
    case BPF_PSEUDO_MAP_VALUE:
      value = absl::StrCat("map[id:", low, "][0]+", high);
      break;
    case BPF_PSEUDO_MAP_IDX_VALUE:
      value = absl::StrCat("map[idx:", low, "]+", high);
      break;
    case BPF_PSEUDO_FUNC:
      value = absl::StrFormat("subprog[%+d]", in.imm);
      break;
    default:
      value = absl::StrFormat("0x%x", uint64_t{high} << 32 | low);
  }
  return absl::StrCat("r", int{in.dst_reg}, " = ", value);
}

std::string Jump(const bpf_insn& in, absl::string_view call_target) {
  const bool wide = BPF_CLASS(in.code) == BPF_JMP;
  const uint8_t operation = OperationOf(in);
  switch (operation) {
    case BPF_CALL:
      if (in.src_reg == BPF_PSEUDO_CALL) {
        return absl::StrCat("call pc", call_target.empty() ? absl::StrFormat("%+d", in.off)
                                                           : std::string(call_target));
      }
      return absl::StrFormat("call %s#%d", call_target.empty() ? "unknown" : call_target, in.imm);
    case BPF_JA:
      if (wide) return absl::StrFormat("goto pc%+d", in.off);
      return absl::StrFormat("gotol pc%+d", in.imm);
    case kJcond:
      return absl::StrFormat("may_goto pc%+d", in.off);
    case BPF_EXIT:
      return "exit";
    default:
      break;
  }
  const char reg = wide ? 'r' : 'w';
  const absl::string_view sign = Of(kComparison, operation >> 4);
  if (BPF_SRC(in.code) == BPF_X) {
    return absl::StrFormat("if %c%d %s %c%d goto pc%+d", reg, in.dst_reg, sign, reg, in.src_reg,
                           in.off);
  }
  return absl::StrFormat("if %c%d %s 0x%x goto pc%+d", reg, in.dst_reg, sign,
                         static_cast<uint32_t>(in.imm), in.off);
}

std::string Text(const bpf_insn& in, const bpf_insn& next, absl::string_view call_target) {
  switch (BPF_CLASS(in.code)) {
    case BPF_ALU:
    case BPF_ALU64:
      return Arithmetic(in);
    case BPF_STX:
      if (BPF_MODE(in.code) == BPF_MEM) {
        return absl::StrCat(Memory(Width(in), in.dst_reg, in.off), " = r", int{in.src_reg});
      }
      return BPF_MODE(in.code) == BPF_ATOMIC ? Atomic(in) : Invalid("", in);
    case BPF_ST:
      if (BPF_MODE(in.code) == BPF_MEM) {
        return absl::StrCat(Memory(Width(in), in.dst_reg, in.off), " = ", in.imm);
      }
      return BPF_MODE(in.code) == kNoSpec ? "nospec" : Invalid("st_", in);
    case BPF_LDX: {
      const bool sign_extends = BPF_MODE(in.code) == kMemSx;
      if (BPF_MODE(in.code) != BPF_MEM && !sign_extends) return Invalid("ldx_", in);
      return absl::StrCat("r", int{in.dst_reg}, " = ",
                          Memory(sign_extends ? SignedWidth(in) : Width(in), in.src_reg, in.off));
    }
    case BPF_LD:
      return Load(in, next);
    default:
      return Jump(in, call_target);
  }
}

}  // namespace

std::string BpfInstructionText(const bpf_insn& instruction, const bpf_insn& next,
                               absl::string_view call_target) {
  return absl::StrFormat("(%02x) %s", instruction.code, Text(instruction, next, call_target));
}

bool IsWide(const bpf_insn& instruction) { return instruction.code == (BPF_LD | BPF_IMM | BPF_DW); }

BpfFlow FlowOf(const bpf_insn& in) {
  const uint8_t group = BPF_CLASS(in.code);
  if (group != BPF_JMP && group != BPF_JMP32) return {};
  switch (OperationOf(in)) {
    case BPF_CALL:
      return {};
    case BPF_EXIT:
      return {.falls_through = false, .target = std::nullopt};
    case BPF_JA:
      return {.falls_through = false,
              .target = group == BPF_JMP ? in.off + 1 : int64_t{in.imm} + 1};
    default:
      return {.falls_through = true, .target = in.off + 1};
  }
}

}  // namespace correlate
