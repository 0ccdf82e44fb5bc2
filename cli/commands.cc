#include "cli/commands.h"

namespace correlate {

void AddCommands(CLI::App& app, int* exit_code) {
  (void)app;
  (void)exit_code;
}

}  // namespace correlate
