// What net.core.bpf_jit_enable=2 leaves in the kernel log for each program (include/linux/filter.h,
// bpf_jit_dump): a line `flen=... proglen=... pass=... image=... from=... pid=...` and its bytes,
// 16 a line, as `JIT code: 00000010: 44 2b ...`. Whatever stands before those, as dmesg(1) and
// syslog put it, is passed over, and so are lines of others. Foreign text: anything may come.
#ifndef DISASSEMBLY_JIT_LOG_H_
#define DISASSEMBLY_JIT_LOG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace correlate {

struct JitLogImage {
  uint32_t instructions = 0;  // flen: of BPF
  uint32_t bytes = 0;         // proglen
  uint32_t pass = 0;
  uint64_t address = 0;  // 0: the kernel hid it
  std::string from;      // the process that loaded it
  int32_t pid = 0;
  size_t line = 0;   // of the log where it begins, from 1
  std::string code;  // as many bytes as were there in a row
  bool whole() const { return code.size() == bytes; }
};

struct JitLog {
  std::vector<JitLogImage> images;
  std::vector<std::string> errors;  // "line 7: ...", in their order
};

JitLog ParseJitLog(absl::string_view text);

}  // namespace correlate

#endif  // DISASSEMBLY_JIT_LOG_H_
