#include "absl/status/status.h"
#include "disassembly/machine_code.h"

namespace correlate {

struct MachineCode::Library {};

bool MachineCode::Available() { return false; }

absl::StatusOr<std::unique_ptr<MachineCode>> MachineCode::Open(absl::string_view) {
  return absl::FailedPreconditionError(
      "no disassembler of machine code in the static program: build the whole one (README.md)");
}

MachineCode::~MachineCode() = default;

MachineCode::Instruction MachineCode::Next(absl::string_view code, uint64_t) const {
  (void)library_;
  (void)context_;
  return {.bytes = code.empty() ? size_t{0} : size_t{1}, .text = "(bad)"};
}

}  // namespace correlate
