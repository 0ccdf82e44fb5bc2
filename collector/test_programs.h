// Small BPF programs by raw instructions, for tests that need real ones. A program lives as long as
// its descriptor (and what it is attached to).
#ifndef COLLECTOR_TEST_PROGRAMS_H_
#define COLLECTOR_TEST_PROGRAMS_H_

#include <linux/bpf.h>

#include <cstdint>
#include <string>

#include "base/scoped_fd.h"

namespace correlate {

// `return value;`, without BTF. Invalid, with errno, if the kernel refuses.
ScopedFd LoadReturning(bpf_prog_type type, int32_t value, const std::string& name);

inline constexpr char kSubprogramMain[] = "main_with_a_name_of_more_than_fifteen";
inline constexpr char kSubprogramCallee[] = "callee_of_test";
inline constexpr char kSubprogramFile[] = "subprogram.c";

// A main function (lines 10 and 11) that calls another one (line 3) and returns what it returns,
// with BTF: function names, file and lines as above.
ScopedFd LoadWithSubprogram(bpf_prog_type type, int32_t value, const std::string& name);

uint32_t ProgramId(const ScopedFd& program);

}  // namespace correlate

#endif  // COLLECTOR_TEST_PROGRAMS_H_
