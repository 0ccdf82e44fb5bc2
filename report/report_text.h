// The report as text for people.
#ifndef REPORT_REPORT_TEXT_H_
#define REPORT_REPORT_TEXT_H_

#include <string>

#include "report/report_tables.h"

namespace correlate {

// `name`: what the trace is called in the first line. `path`: where it can be read again, by the
// commands that are suggested then; empty: nowhere.
std::string RenderReport(const ReportTables& tables, const std::string& name,
                         const std::string& path = "");

// Its words, for other forms of it.
// Who did it, in one sentence.
std::string ReportAnswer(const ReportTables& tables);
// The attachments that fit the events; else all that the program had, which is less to say.
std::string ReportWhere(const ReportTables& tables, const CulpritGroup& group,
                        const BlamedProgram& program);
std::string ReportWhy(const CulpritGroup& group);

}  // namespace correlate

#endif  // REPORT_REPORT_TEXT_H_
