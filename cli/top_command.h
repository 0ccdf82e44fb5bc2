// `top`: who drops how much now, in a terminal.
#ifndef CLI_TOP_COMMAND_H_
#define CLI_TOP_COMMAND_H_

#include <CLI/App.hpp>

namespace correlate {

void AddTopCommand(CLI::App& app, int* exit_code);

}  // namespace correlate

#endif  // CLI_TOP_COMMAND_H_
