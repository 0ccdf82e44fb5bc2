// What reads the rows of --format protobuf: texts of the files in this folder.
#ifndef EXPORT_SCHEMAS_H_
#define EXPORT_SCHEMAS_H_

#include "absl/strings/string_view.h"

namespace correlate {

absl::string_view ProtobufSchema();    // rows.proto
absl::string_view ClickHouseSchema();  // clickhouse.sql

}  // namespace correlate

#endif  // EXPORT_SCHEMAS_H_
