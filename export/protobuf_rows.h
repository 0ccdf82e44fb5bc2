// Events as messages of export/rows.proto, each with its length before it.
#ifndef EXPORT_PROTOBUF_ROWS_H_
#define EXPORT_PROTOBUF_ROWS_H_

#include <memory>
#include <ostream>

#include "export/export_format.h"

namespace correlate {

std::unique_ptr<TraceSink> MakeProtobufRows(const ExportOptions& options, std::ostream& out);

}  // namespace correlate

#endif  // EXPORT_PROTOBUF_ROWS_H_
