// `import`: a trace from a file of `perf record`.
#ifndef CLI_IMPORT_COMMAND_H_
#define CLI_IMPORT_COMMAND_H_

#include <CLI/App.hpp>

namespace correlate {

void AddImportCommand(CLI::App& app, int* exit_code);

}  // namespace correlate

#endif  // CLI_IMPORT_COMMAND_H_
