// `programs [TRACE]`: the BPF programs of this host, or those that a trace holds.
#ifndef CLI_PROGRAMS_COMMAND_H_
#define CLI_PROGRAMS_COMMAND_H_

#include <CLI/App.hpp>

namespace correlate {

void AddProgramsCommand(CLI::App& app, int* exit_code);

}  // namespace correlate

#endif  // CLI_PROGRAMS_COMMAND_H_
