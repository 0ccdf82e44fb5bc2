// `diff`: what changed between two traces, as rates.
#ifndef CLI_DIFF_COMMAND_H_
#define CLI_DIFF_COMMAND_H_

#include <CLI/App.hpp>

namespace correlate {

void AddDiffCommand(CLI::App& app, int* exit_code);

}  // namespace correlate

#endif  // CLI_DIFF_COMMAND_H_
