// What the kernel tells of one BPF program (BPF_OBJ_GET_INFO_BY_FD), read with all its arrays.
// Opens it for a moment. Needs CAP_SYS_ADMIN. Thread-safe.
#ifndef COLLECTOR_RAW_PROGRAM_H_
#define COLLECTOR_RAW_PROGRAM_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collector/program_decoder.h"

namespace correlate {

// NotFound if it is gone. `with_code`: its instructions, translated and JITed, too.
absl::StatusOr<RawProgramInfo> ReadRawProgram(uint32_t id, bool with_code);

// What mends an errno of bpf(2) about objects by id; empty: nothing that is known.
absl::string_view BpfObjectAdvice(int error);

// bpf_prog_info.load_time, which is on CLOCK_BOOTTIME, on CLOCK_MONOTONIC: always the same answer
// for one program.
uint64_t LoadTimeToMonotonic(uint64_t boottime_ns);

// What fdinfo says of a program or a map (proc(5)), where it does.
struct BpfFdInfo {
  uint64_t memlock_bytes = 0;
  bool frozen = false;  // a map that takes no more updates from system calls (BPF_MAP_FREEZE)
};
BpfFdInfo ReadBpfFdInfo(int fd);

}  // namespace correlate

#endif  // COLLECTOR_RAW_PROGRAM_H_
