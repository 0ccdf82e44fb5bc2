#include "cli/info_command.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "cli/exit_codes.h"
#include "cli/info_tables.h"
#include "cli/trace_input.h"

namespace correlate {

void AddInfoCommand(CLI::App& app, int* exit_code) {
  struct Flags {
    TraceInput input;
    bool json = false;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("info", "What a trace holds and how it was made");
  AddTraceInput(command, &flags->input);
  command->add_flag("--json", flags->json, "One JSON object");
  command->callback([flags, exit_code] {
    InfoTables tables;
    *exit_code = ReadTraceInput(flags->input, "info", tables);
    if (*exit_code == kExitFailure) return;
    std::cout << (flags->json ? tables.ToJson().dump() + "\n" : tables.Text(flags->input.path))
              << std::flush;
  });
}

}  // namespace correlate
