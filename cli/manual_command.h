// `completion SHELL` and `manual [COMMAND]`: what shells and man(1) are to know, made of the
// options themselves.
#ifndef CLI_MANUAL_COMMAND_H_
#define CLI_MANUAL_COMMAND_H_

#include <CLI/App.hpp>

namespace correlate {

// To be called last: they tell of the commands that `app` has when they run.
void AddManualCommands(CLI::App& app, int* exit_code);

}  // namespace correlate

#endif  // CLI_MANUAL_COMMAND_H_
