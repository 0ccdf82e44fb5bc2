#include "cli/report_command.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "cli/exit_codes.h"
#include "cli/report_tables.h"
#include "cli/report_text.h"

namespace correlate {

int RunReport(const ReportRequest& request) {
  const auto by = ParseGroupKeys(request.by);
  if (!by.ok()) {
    std::cerr << "bpftrace-correlate report: " << by.status().message() << "\n";
    return kExitUsage;
  }
  ReportTables tables(*by);
  const int status = ReadTraceInput(request.input, "report", tables);
  if (status == kExitFailure) return status;
  if (status == kExitDamaged) tables.SetIncomplete();
  tables.Finish();
  std::cout << (request.json ? RenderReportJson(tables) : RenderReport(tables, request.input.path))
            << std::flush;
  return status;
}

void AddReportCommand(CLI::App& app, int* exit_code) {
  auto request = std::make_shared<ReportRequest>();
  CLI::App* command = app.add_subcommand("report", "Who dropped how much, where and why");
  AddTraceInput(command, &request->input);
  command
      ->add_option("--by", request->by,
                   "Counts by these keys instead: event, reason, location, device, program")
      ->type_name("KEY,...");
  command->add_flag("--json", request->json, "One JSON object");
  command->callback([request, exit_code] { *exit_code = RunReport(*request); });
}

}  // namespace correlate
