// The report as text for people and as JSON for scripts.
#ifndef CLI_REPORT_TEXT_H_
#define CLI_REPORT_TEXT_H_

#include <string>

#include "cli/event_fields.h"
#include "cli/report_tables.h"

namespace correlate {

// `name` is what the trace is called in the first line.
std::string RenderReport(const ReportTables& tables, const std::string& name);
// `around`: what Surroundings found, or null.
std::string RenderReportJson(const ReportTables& tables, const Json& around = Json());

}  // namespace correlate

#endif  // CLI_REPORT_TEXT_H_
