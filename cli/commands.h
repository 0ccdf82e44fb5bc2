// Every command of the program, each in a file pair of its own. An AddXCommand adds the subcommand
// with its options to `app`; its callback runs the command and leaves the exit status in
// *exit_code.
#ifndef CLI_COMMANDS_H_
#define CLI_COMMANDS_H_

#include <CLI/App.hpp>

namespace correlate {

void AddCommands(CLI::App& app, int* exit_code);

}  // namespace correlate

#endif  // CLI_COMMANDS_H_
