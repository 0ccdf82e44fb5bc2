// `merge`: several hosts, or several files of one recording, as one trace.
#ifndef CLI_MERGE_COMMAND_H_
#define CLI_MERGE_COMMAND_H_

#include <CLI/App.hpp>

namespace correlate {

void AddMergeCommand(CLI::App& app, int* exit_code);

}  // namespace correlate

#endif  // CLI_MERGE_COMMAND_H_
