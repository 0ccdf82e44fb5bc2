// Any bytes as a trace file, on their way into every export: rows, profiles, captures, tables, and
// a trace again, which must be whole whatever it was made of.
#include <google/protobuf/stubs/logging.h>

#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "export/export_format.h"
#include "export/protobuf_tables.h"
#include "export/redaction.h"
#include "proto/chunk_output.h"
#include "proto/trace_reader.h"
#include "proto/trace_writer.h"
#include "query/known_event_keys.h"
#include "symbolize/aligned_clocks.h"
#include "symbolize/forwarding_sink.h"
#include "tests/fuzz/planted_bug.h"
#include "tests/fuzz/trace_mutator.h"

namespace {

using namespace correlate;

class Memory : public ChunkOutput {
 public:
  explicit Memory(std::string* bytes) : bytes_(bytes) {}
  absl::Status Write(const ChunkHeader& header, PackedPayload payload) override {
    auto chunk = EncodeChunk(header, std::move(payload));
    if (!chunk.ok()) return chunk.status();
    *bytes_ += *chunk;
    return absl::OkStatus();
  }
  absl::Status Close() override { return absl::OkStatus(); }
  uint64_t bytes_written() const override { return bytes_->size(); }

 private:
  std::string* const bytes_;
};

class Events : public TraceSink {
 public:
  void OnEvent(const CorrelatedEvent&) override { ++events_; }
  void OnKindCount(const KindCount& named) override {
    PlantedBug(named.count.counted > uint64_t{1} << 40);
  }
  uint64_t events() const { return events_; }

 private:
  uint64_t events_ = 0;
};

// What `export --format trace` writes.
void WriteAgain(absl::string_view trace, const char* redacted) {
  std::string bytes;
  const std::unique_ptr<TraceWriter> writer =
      TraceWriter::To(std::make_unique<Memory>(&bytes), std::string(16, 'i'));
  RedactingSink redacting(Redaction::Parse(redacted).value(), writer.get());
  Events before;
  ForwardingSink both({&before, &redacting});
  ReadTraceBytes(trace, both);
  if (!writer->Close().ok()) __builtin_trap();
  Events after;
  const ReadSummary summary = ReadTraceBytes(bytes, after);
  const bool whole = summary.skipped_bytes == 0 && summary.missing_chunks == 0 &&
                     summary.unknown_entries == 0 && summary.problems.empty();
  if (!whole || before.events() != after.events()) __builtin_trap();
}

// A message that not every language reads is none: strings are UTF-8.
void StopAtErrors(google::protobuf::LogLevel level, const char*, int, const std::string&) {
  if (level >= google::protobuf::LOGLEVEL_ERROR) __builtin_trap();
}

ExportOptions Everything() {
  ExportOptions options;
  options.disclosure = {.addresses = true, .keys = true};
  for (const std::string& key : AllEventKeys()) options.columns.push_back(*FindEventKey(key));
  return options;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const ExportOptions& everything = *new ExportOptions(Everything());
  google::protobuf::SetLogHandler(StopAtErrors);
  const absl::string_view trace(reinterpret_cast<const char*>(data), size);
  std::ostringstream out;
  std::vector<std::unique_ptr<SummaryExport>> summaries;
  std::vector<std::unique_ptr<TraceSink>> rows;
  for (const ExportFormat& format : ExportFormats()) {
    if (format.rows != nullptr) {
      rows.push_back(format.rows(everything, out));
    } else {
      summaries.push_back(format.summary(everything, out));
    }
  }
  for (const std::string& table : ProtobufTables()) {
    if (table == "events") continue;
    ExportOptions options;
    options.table = table;
    summaries.push_back(MakeProtobufTable(options, out));
  }
  std::vector<TraceSink*> sinks;
  for (const auto& sink : rows) sinks.push_back(sink.get());
  for (const auto& sink : summaries) sinks.push_back(sink.get());
  ForwardingSink all(sinks);
  AlignedClocks aligned(&all);
  ReadTraceBytes(trace, aligned);
  for (const auto& summary : summaries) summary->Finish();
  WriteAgain(trace, size % 2 == 0 ? "" : "addresses,names,keys");
  return 0;
}
