// Machine code as text, by LLVM's disassembler (llvm-c/Disassembler.h), which is looked for when it
// is first needed: it is large, and nothing but `annotate` has a use for it. AT&T syntax on x86.
//
// One thread an object. Errors: FailedPrecondition where no libLLVM is installed, and in a static
// program, which cannot load one (machine_code_absent.cc).
#ifndef DISASSEMBLY_MACHINE_CODE_H_
#define DISASSEMBLY_MACHINE_CODE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace correlate {

class MachineCode {
 public:
  static bool Available();  // in this build
  // `machine`: as uname -m of the host that ran the code has it, "x86_64" or "aarch64".
  static absl::StatusOr<std::unique_ptr<MachineCode>> Open(absl::string_view machine);
  ~MachineCode();

  struct Instruction {
    size_t bytes = 0;  // at least 1, unless nothing is left
    std::string text;  // "push %rbp"; "(bad)" for bytes that are none
    // Of a jump or a call to an address that the instruction tells: that address, and its text
    // without it ("je"). Else 0 and empty.
    uint64_t target = 0;
    std::string mnemonic;
  };
  // The first instruction of `code`, which begins at `address`.
  Instruction Next(absl::string_view code, uint64_t address) const;

 private:
  struct Library;
  MachineCode(const Library* library, void* context) : library_(library), context_(context) {}
  static absl::StatusOr<const Library*> Load();

  const Library* const library_;
  void* const context_;
};

}  // namespace correlate

#endif  // DISASSEMBLY_MACHINE_CODE_H_
