// Looks at the BPF programs that are loaded now: their functions with names, addresses and source
// lines. A look opens a program, reads and closes it: nothing here keeps a program or its BTF alive
// for longer than that. Needs CAP_SYS_ADMIN, which the kernel wants for ids to descriptors
// (kernel/bpf/syscall.c, bpf_prog_get_fd_by_id). Thread-safe.
#ifndef COLLECTOR_PROGRAM_SCANNER_H_
#define COLLECTOR_PROGRAM_SCANNER_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "collector/event.h"

namespace correlate {

// All of them, by id. One that goes away while it is looked at is left out.
absl::StatusOr<std::vector<ProgramInfo>> ScanPrograms();

// NotFound if it is gone.
absl::StatusOr<ProgramInfo> ReadProgram(uint32_t id);

}  // namespace correlate

#endif  // COLLECTOR_PROGRAM_SCANNER_H_
