// `export`: a trace as other tools read it.
#ifndef CLI_EXPORT_COMMAND_H_
#define CLI_EXPORT_COMMAND_H_

#include <CLI/App.hpp>

namespace correlate {

void AddExportCommand(CLI::App& app, int* exit_code);

}  // namespace correlate

#endif  // CLI_EXPORT_COMMAND_H_
