// `info`: what a trace holds and how it was made: host, clocks, request, counts, loss, tables.
#ifndef CLI_INFO_COMMAND_H_
#define CLI_INFO_COMMAND_H_

#include <CLI/App.hpp>

namespace correlate {

void AddInfoCommand(CLI::App& app, int* exit_code);

}  // namespace correlate

#endif  // CLI_INFO_COMMAND_H_
