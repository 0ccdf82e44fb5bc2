// Reads the code of a loaded BPF program: what `annotate` shows, on any machine, later. Opens the
// program and its BTF for a moment. Needs CAP_SYS_ADMIN; where kernel.kptr_restrict or
// net.core.bpf_jit_harden hide addresses, those are 0 and calls go to "unknown". Thread-safe.
#ifndef COLLECTOR_IMAGE_READER_H_
#define COLLECTOR_IMAGE_READER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "collector/program_image.h"

namespace correlate {

// What is known of the kernel's own text.
struct KernelText {
  uint64_t call_base = 0;  // __bpf_call_base, from which helpers are counted; 0: unknown
  // The symbol that begins at an address; empty: none does.
  std::function<std::string(uint64_t address)> symbol;
};

struct ProgramCode {
  ProgramImage image;
  BtfImage btf;  // id 0: the program has none
};

absl::StatusOr<BtfImage> ReadBtf(uint32_t id);

// NotFound if it is gone.
absl::StatusOr<ProgramCode> ReadProgramCode(uint32_t id, const KernelText& kernel);

}  // namespace correlate

#endif  // COLLECTOR_IMAGE_READER_H_
