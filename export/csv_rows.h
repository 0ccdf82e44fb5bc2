// Comma-separated values (RFC 4180): a head with the names of the columns, then a line an event.
// What an event does not tell is empty. Columns are the keys of filters.
#ifndef EXPORT_CSV_ROWS_H_
#define EXPORT_CSV_ROWS_H_

#include <memory>
#include <ostream>

#include "export/export_format.h"

namespace correlate {

void PrintCsvHead(const ExportOptions& options, std::ostream& out);
std::unique_ptr<TraceSink> MakeCsvRows(const ExportOptions& options, std::ostream& out);

}  // namespace correlate

#endif  // EXPORT_CSV_ROWS_H_
