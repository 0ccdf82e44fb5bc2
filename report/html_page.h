// The report as one page that opens offline (page/): what was counted goes into it as JSON, in
// which nothing can end a script or begin a tag; the page shows all of it as text.
#ifndef REPORT_HTML_PAGE_H_
#define REPORT_HTML_PAGE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "report/page_facts.h"
#include "report/page_programs.h"
#include "report/report_tables.h"

namespace correlate {

// All three were fed the same trace and are finished. `notes`: of the trace.
std::string RenderHtmlPage(const ReportTables& tables, const PageFacts& facts,
                           const PagePrograms& programs, const std::vector<std::string>& notes);

// The parts that were built of page/.
absl::string_view PageTemplate();
absl::string_view PageStyle();
absl::string_view PageScript();

}  // namespace correlate

#endif  // REPORT_HTML_PAGE_H_
