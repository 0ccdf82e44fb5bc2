#include "cli/report_command.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "cli/exit_codes.h"
#include "cli/report_tables.h"
#include "cli/report_text.h"
#include "cli/surroundings.h"
#include "cli/tee_sink.h"
#include "cli/units.h"

namespace correlate {

int RunReport(const ReportRequest& request) {
  const auto by = ParseGroupKeys(request.by);
  if (!by.ok()) {
    std::cerr << "bpftrace-correlate report: " << by.status().message() << "\n";
    return kExitUsage;
  }
  const auto window_ns = ParseDuration(request.window);
  if (!window_ns.ok()) {
    std::cerr << "bpftrace-correlate report: --window: " << window_ns.status().message() << "\n";
    return kExitUsage;
  }
  ReportTables tables(*by);
  Surroundings around(request.around, *window_ns);
  TeeSink both(&tables, &around);
  const bool looks_around = !request.around.empty();
  const int status = ReadTraceInput(request.input, "report",
                                    looks_around ? static_cast<TraceSink&>(both) : tables);
  if (status == kExitFailure) return status;
  if (status == kExitDamaged) tables.SetIncomplete();
  tables.Finish();
  around.Finish();
  if (request.json) {
    std::cout << RenderReportJson(tables, looks_around ? around.ToJson() : Json());
  } else {
    std::cout << RenderReport(tables, request.input.path);
    if (looks_around) std::cout << "\n" << around.Text();
  }
  std::cout << std::flush;
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
  command
      ->add_option("--around", request->around,
                   "Also each of these events, like bpf:bpf_map_update_elem or 'bpf:*', and what\n"
                   "was dropped before it and after")
      ->type_name("EVENT");
  command->add_option("--window", request->window, "How long before and after, like 1 or 200ms")
      ->type_name("TIME")
      ->capture_default_str();
  command->add_flag("--json", request->json, "One JSON object");
  command->callback([request, exit_code] { *exit_code = RunReport(*request); });
}

}  // namespace correlate
