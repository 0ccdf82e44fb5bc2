// The report as one JSON object for scripts: docs/json.md.
#ifndef REPORT_REPORT_JSON_H_
#define REPORT_REPORT_JSON_H_

#include <string>

#include "render/event_fields.h"
#include "report/report_tables.h"

namespace correlate {

// `sections`: an object with more of them ("around", "counters"), or null.
std::string RenderReportJson(const ReportTables& tables, const Json& sections = Json());

}  // namespace correlate

#endif  // REPORT_REPORT_JSON_H_
