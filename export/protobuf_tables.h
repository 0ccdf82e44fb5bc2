// The tables of export/rows.proto but for events: written when a recording was told whole.
#ifndef EXPORT_PROTOBUF_TABLES_H_
#define EXPORT_PROTOBUF_TABLES_H_

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "export/export_format.h"

namespace correlate {

std::vector<std::string> ProtobufTables();  // "events", "kinds", ...
// Of options.table, which is none of "events".
std::unique_ptr<SummaryExport> MakeProtobufTable(const ExportOptions& options, std::ostream& out);

}  // namespace correlate

#endif  // EXPORT_PROTOBUF_TABLES_H_
