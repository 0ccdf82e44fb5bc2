#include "export/export_format.h"

#include <array>

#include "export/csv_rows.h"
#include "export/folded_stacks.h"
#include "export/pcapng_capture.h"
#include "export/perfetto_trace.h"
#include "export/pprof_profile.h"
#include "export/protobuf_rows.h"
#include "export/protobuf_tables.h"
#include "export/speedscope_profile.h"
#include "render/json_event.h"

namespace correlate {
namespace {

std::unique_ptr<TraceSink> MakeJsonRows(const ExportOptions& options, std::ostream& out) {
  return MakeJsonPrinter(out, options.disclosure);
}

constexpr auto kFormats = std::to_array<ExportFormat>({
    {.name = "folded",
     .help = "one line a call stack with its count, for flamegraph.pl, inferno and speedscope",
     .summary = MakeFoldedStacks},
    {.name = "pprof",
     .help = "call stacks with labels for program, reason and device, for `go tool pprof`",
     .binary = true,
     .summary = MakePprofProfile},
    {.name = "speedscope", .help = "call stacks, for speedscope", .summary = MakeSpeedscopeProfile},
    {.name = "perfetto",
     .help = "tracks of CPUs, programs and devices over time, for Perfetto's viewer",
     .binary = true,
     .summary = MakePerfettoTrace},
    {.name = "pcapng",
     .help = "dropped packets, of recordings with --snaplen, for Wireshark and tshark",
     .binary = true,
     .summary = MakePcapngCapture},
    {.name = "jsonl", .help = "one JSON object a line, as `script --json`", .rows = MakeJsonRows},
    {.name = "csv",
     .help = "a line an event, with --columns of your choice",
     .rows = MakeCsvRows,
     .begin = PrintCsvHead},
    {.name = "protobuf",
     .help = "a message an event behind its length, for ClickHouse and others (--table)",
     .binary = true,
     .rows = MakeProtobufRows,
     .summary = MakeProtobufTable},
});

}  // namespace

absl::Span<const ExportFormat> ExportFormats() { return kFormats; }

const ExportFormat* FindExportFormat(absl::string_view name) {
  for (const ExportFormat& format : kFormats) {
    if (format.name == name) return &format;
  }
  return nullptr;
}

}  // namespace correlate
