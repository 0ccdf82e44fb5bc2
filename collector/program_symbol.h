// The names that the kernel gives the functions of BPF programs (kernel/bpf/core.c,
// bpf_get_prog_name). Thread-safe.
#ifndef COLLECTOR_PROGRAM_SYMBOL_H_
#define COLLECTOR_PROGRAM_SYMBOL_H_

#include <string>

#include "absl/strings/string_view.h"
#include "collector/event.h"

namespace correlate {

// As in "bpf_prog_0123456789abcdef_name", and as bpftool shows it.
std::string TagToHex(const BpfTag& tag);

// What kallsyms and KSYMBOL records call a function. `tag`: of the whole program for its main
// function, of their own for others. `name`: may be empty.
std::string ProgramSymbol(const BpfTag& tag, absl::string_view name);

}  // namespace correlate

#endif  // COLLECTOR_PROGRAM_SYMBOL_H_
