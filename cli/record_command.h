// `record`: events into a trace file, until the command ends, the time is up or a signal comes.
#ifndef CLI_RECORD_COMMAND_H_
#define CLI_RECORD_COMMAND_H_

#include <CLI/App.hpp>

namespace correlate {

// Reports what it does, and how it ended, on stderr.
void AddRecordCommand(CLI::App& app, int* exit_code);

}  // namespace correlate

#endif  // CLI_RECORD_COMMAND_H_
