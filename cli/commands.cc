#include "cli/commands.h"

#include "cli/record_command.h"

namespace correlate {

void AddCommands(CLI::App& app, int* exit_code) { AddRecordCommand(app, exit_code); }

}  // namespace correlate
