// `annotate`: a program's code, translated and JITed, with source lines and the events that stand
// at it; or the code that the kernel's own JIT log holds.
#ifndef CLI_ANNOTATE_COMMAND_H_
#define CLI_ANNOTATE_COMMAND_H_

#include <CLI/App.hpp>

namespace correlate {

void AddAnnotateCommand(CLI::App& app, int* exit_code);

}  // namespace correlate

#endif  // CLI_ANNOTATE_COMMAND_H_
