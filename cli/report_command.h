// `report`: who dropped how much, loss first.
#ifndef CLI_REPORT_COMMAND_H_
#define CLI_REPORT_COMMAND_H_

#include <CLI/App.hpp>
#include <string>

#include "cli/trace_input.h"

namespace correlate {

struct ReportRequest {
  TraceInput input;
  SelectionFlags selection;
  std::string by;            // comma-separated keys; empty: the culprits
  std::string around;        // an event, globs allowed; empty: no such section
  std::string window = "1";  // before and after each of those
  std::string html;          // where the page goes; empty: text or JSON to stdout
  bool counters = false;     // what the kernel counted by itself, too
  bool json = false;
};

// The process's exit status; the report goes to stdout.
int RunReport(const ReportRequest& request);

void AddReportCommand(CLI::App& app, int* exit_code);

}  // namespace correlate

#endif  // CLI_REPORT_COMMAND_H_
