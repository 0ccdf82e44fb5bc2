// Events from a file of `perf record`: the same raw records as live rings deliver, so the whole
// pipeline behind this seam runs without root and on another machine. Knows the file's layout
// (tools/perf/Documentation/perf.data-file-format.txt): header, attributes with event ids, records,
// and of the feature sections the tracepoints' formats.
//
// Files may come from anywhere: every offset and size is checked, and an unusable file is an error
// that says why. Compressed files (perf record -z) are refused. One thread.
#ifndef COLLECTOR_PERF_DATA_SOURCE_H_
#define COLLECTOR_PERF_DATA_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collector/event_source.h"
#include "collector/record_translator.h"

namespace correlate {

class PerfDataSource : public EventSource {
 public:
  // A tracepoint's format as the file holds it; EventFormat::id of an event is its place in
  // formats().
  struct FormatText {
    std::string system;
    std::string text;
  };

  // `bytes` is the whole file and borrowed.
  static absl::StatusOr<std::unique_ptr<PerfDataSource>> Parse(absl::string_view bytes);

  const std::vector<FormatText>& formats() const { return formats_; }

  absl::Status Start() override { return absl::OkStatus(); }
  // Hands over everything at once.
  absl::Status Read(EventSink& sink) override;
  absl::Status Finish(EventSink& sink) override;
  std::vector<EventCounts> Counts() const override { return {}; }  // the file tells none
  uint64_t out_of_order() const override { return translator_.out_of_order(); }
  uint64_t malformed() const { return translator_.malformed(); }

 private:
  absl::Status ParseFile(absl::string_view bytes);
  absl::Status ParseTracingData(absl::string_view section);

  std::vector<FormatText> formats_;
  std::vector<std::pair<uint64_t, uint32_t>>
      format_of_tracepoint_;  // kernel's id -> formats_ index
  absl::string_view records_;
  RecordTranslator translator_;
  size_t stream_ = 0;
};

}  // namespace correlate

#endif  // COLLECTOR_PERF_DATA_SOURCE_H_
