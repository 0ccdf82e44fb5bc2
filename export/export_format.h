// The formats of `export`: each a TraceSink that prints what it is fed.
#ifndef EXPORT_EXPORT_FORMAT_H_
#define EXPORT_EXPORT_FORMAT_H_

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "query/event_key.h"
#include "render/event_fields.h"
#include "symbolize/trace_sink.h"

namespace correlate {

struct ExportOptions {
  Disclosure disclosure{.addresses = false, .keys = false};
  std::vector<EventKey> columns;  // csv; empty: DefaultColumns
  std::string table = "events";   // protobuf
};

// Prints when all was told.
class SummaryExport : public TraceSink {
 public:
  virtual void Finish() = 0;
  // After Finish: what its reader ought to know, one sentence; empty: nothing.
  virtual std::string Remark() const { return ""; }
};

struct ExportFormat {
  absl::string_view name;
  absl::string_view help;
  bool binary = false;  // not for a terminal
  // Rows: one event after the other, so that several may share the work, each of them told all
  // tables and some of the events; `begin` is what stands before the first one, or null. Else, or
  // where ExportOptions::table is another than "events", one sink is told everything.
  std::unique_ptr<TraceSink> (*rows)(const ExportOptions&, std::ostream&) = nullptr;
  void (*begin)(const ExportOptions&, std::ostream&) = nullptr;
  std::unique_ptr<SummaryExport> (*summary)(const ExportOptions&, std::ostream&) = nullptr;
};

absl::Span<const ExportFormat> ExportFormats();
const ExportFormat* FindExportFormat(absl::string_view name);  // null: there is none

}  // namespace correlate

#endif  // EXPORT_EXPORT_FORMAT_H_
