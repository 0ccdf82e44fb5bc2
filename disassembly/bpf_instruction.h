// The text of one BPF instruction, letter for letter as the kernel's verifier and `bpftool prog
// dump xlated` print it (the instruction set:
// Documentation/bpf/standardization/instruction-set.rst, RFC 9669). Pure; any bytes are an
// instruction, if only an invalid one.
#ifndef DISASSEMBLY_BPF_INSTRUCTION_H_
#define DISASSEMBLY_BPF_INSTRUCTION_H_

#include <linux/bpf.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace correlate {

// `next`: the instruction behind it, which holds the other half of a 64-bit number. `call_target`:
// the name of what a call calls, "+12#bpf_prog_..." for one of the program's own functions; empty:
// unknown.
std::string BpfInstructionText(const bpf_insn& instruction, const bpf_insn& next,
                               absl::string_view call_target);

// Takes the place of two.
bool IsWide(const bpf_insn& instruction);

// What may run after an instruction.
struct BpfFlow {
  bool falls_through = true;      // the next one (behind a wide one: the one behind both)
  std::optional<int64_t> target;  // places from the instruction on where it may jump to
};
BpfFlow FlowOf(const bpf_insn& instruction);

}  // namespace correlate

#endif  // DISASSEMBLY_BPF_INSTRUCTION_H_
