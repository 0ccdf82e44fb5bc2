#include "disassembly/machine_code.h"

#include <dlfcn.h>

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status_macros.h"

namespace correlate {

// The functions used, as llvm-c/Disassembler.h and llvm-c/Target.h declare them: unchanged from
// LLVM 3.x on.
struct MachineCode::Library {
  using Initialize = void (*)();
  void* (*create)(const char* triple, void* user, int tag_type, void* get_info,
                  void* look_up) = nullptr;
  int (*set_options)(void* context, uint64_t options) = nullptr;
  size_t (*disassemble)(void* context, uint8_t* bytes, uint64_t size, uint64_t address, char* text,
                        size_t text_size) = nullptr;
  void (*dispose)(void* context) = nullptr;
};

namespace {

constexpr uint64_t kPrintImmediatesAsHex = 2;  // LLVMDisassembler_Option_PrintImmHex

// Debian calls the library libLLVM-14.so.1 up to 18, and libLLVM.so.19.1 from then on.
void* OpenLibrary() {
  constexpr int kNewest = 25;
  constexpr int kOldest = 11;
  for (int version = kNewest; version >= kOldest; --version) {
    for (const std::string& name :
         {absl::StrCat("libLLVM.so.", version, ".1"), absl::StrCat("libLLVM-", version, ".so.1"),
          absl::StrCat("libLLVM-", version, ".so")}) {
      if (void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
    }
  }
  return nullptr;
}

// A jump's or call's target stands alone behind the mnemonic, in hexadecimal.
uint64_t TargetOf(absl::string_view text, uint64_t next_address) {
  const size_t blank = text.find_first_of(" \t");
  if (blank == text.npos || (text[0] != 'j' && text.substr(0, 4) != "call")) return 0;
  const std::string operand(absl::StripAsciiWhitespace(text.substr(blank)));
  if (operand.empty() || operand[0] == '*' || operand[0] == '%') return 0;
  char* end = nullptr;
  const long long distance = std::strtoll(operand.c_str(), &end, 0);
  if (end == operand.c_str() || *end != '\0') return 0;
  return next_address + static_cast<uint64_t>(distance);
}

}  // namespace

absl::StatusOr<const MachineCode::Library*> MachineCode::Load() {
  static const absl::StatusOr<const Library*> loaded = []() -> absl::StatusOr<const Library*> {
    void* handle = OpenLibrary();  // for as long as the process lives
    if (handle == nullptr) {
      return absl::FailedPreconditionError(
          "machine code cannot be shown without LLVM's library: install libllvm14 (Debian 12) or "
          "libllvm19 (Debian 13)");
    }
    auto library = std::make_unique<Library>();
    const auto find = [&](const std::string& name, auto* function) {
      *function =
          reinterpret_cast<std::remove_pointer_t<decltype(function)>>(dlsym(handle, name.c_str()));
      return *function != nullptr;
    };
    bool all = find("LLVMCreateDisasm", &library->create) &&
               find("LLVMSetDisasmOptions", &library->set_options) &&
               find("LLVMDisasmInstruction", &library->disassemble) &&
               find("LLVMDisasmDispose", &library->dispose);
    for (const char* target : {"X86", "AArch64"}) {
      for (const char* part : {"TargetInfo", "TargetMC", "Disassembler"}) {
        Library::Initialize initialize = nullptr;
        all = all && find(absl::StrCat("LLVMInitialize", target, part), &initialize);
        if (initialize != nullptr) initialize();
      }
    }
    if (!all) return absl::FailedPreconditionError("LLVM's library lacks its disassembler");
    return library.release();
  }();
  return loaded;
}

bool MachineCode::Available() { return true; }

absl::StatusOr<std::unique_ptr<MachineCode>> MachineCode::Open(absl::string_view machine) {
  if (machine != "x86_64" && machine != "aarch64") {
    return absl::UnimplementedError(absl::StrCat("machine code of ",
                                                 machine.empty() ? "an unknown machine" : machine,
                                                 " cannot be shown: only of x86_64 and aarch64"));
  }
  ASSIGN_OR_RETURN(const Library* const library, Load());
  void* context = library->create(absl::StrCat(machine, "-unknown-linux-gnu").c_str(), nullptr, 0,
                                  nullptr, nullptr);
  if (context == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat("LLVM's library knows no code of ", machine));
  }
  library->set_options(context, kPrintImmediatesAsHex);
  return std::unique_ptr<MachineCode>(new MachineCode(library, context));
}

MachineCode::~MachineCode() { library_->dispose(context_); }

MachineCode::Instruction MachineCode::Next(absl::string_view code, uint64_t address) const {
  Instruction instruction;
  if (code.empty()) return instruction;
  char text[256] = {};
  // The interface lacks a const, and writes nothing there.
  auto* bytes = reinterpret_cast<uint8_t*>(const_cast<char*>(code.data()));
  const size_t size =
      library_->disassemble(context_, bytes, code.size(), address, text, sizeof text);
  if (size == 0) return {.bytes = 1, .text = "(bad)", .target = 0, .mnemonic = ""};
  instruction.bytes = std::min(size, code.size());
  instruction.text = std::string(absl::StripAsciiWhitespace(text));
  absl::StrReplaceAll({{"\t", " "}}, &instruction.text);
  instruction.target = TargetOf(instruction.text, address + instruction.bytes);
  if (instruction.target != 0) {
    instruction.mnemonic = instruction.text.substr(0, instruction.text.find(' '));
  }
  return instruction;
}

}  // namespace correlate
