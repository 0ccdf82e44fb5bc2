// Events from a file of `perf record`: the same raw records as live rings deliver, so the whole
// pipeline behind this seam runs without root, later and on another machine. Takes file mode and
// pipe mode, compressed ones (perf record -z), both byte orders, and any tracepoints; samples of
// other events are counted and left out. An unusable file is an error that says why. One thread.
#ifndef COLLECTOR_PERF_DATA_SOURCE_H_
#define COLLECTOR_PERF_DATA_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collector/event_source.h"
#include "collector/perf_data_features.h"
#include "collector/perf_data_file.h"
#include "collector/record_translator.h"

namespace correlate {

class PerfDataSource : public EventSource {
 public:
  // `bytes` is the whole file and borrowed.
  static absl::StatusOr<std::unique_ptr<PerfDataSource>> Parse(absl::string_view bytes);

  const PerfDataFile& file() const { return file_; }
  // EventFormat::id of an event is its place here.
  const std::vector<PerfDataFormat>& formats() const { return formats_; }
  // For a file of the other byte order: how to turn the raw data of `formats()[id]`.
  void SetFormat(uint32_t id, EventFormat format);

  absl::Status Start() override { return absl::OkStatus(); }
  // Hands over everything at once. DataLoss: the file ends within a record; what is before was
  // handed over.
  absl::Status Read(EventSink& sink) override;
  absl::Status Finish(EventSink& sink) override;
  std::vector<EventCounts> Counts() const override { return {}; }  // the file tells none
  uint64_t out_of_order() const override { return translator_.out_of_order(); }
  uint64_t malformed() const { return translator_.malformed(); }
  uint64_t lost() const { return translator_.lost(stream_); }
  // Samples of events that are no tracepoints.
  uint64_t foreign_samples() const { return foreign_samples_; }
  // The address that the kernel's text had there; 0: unknown. perf tells it before the first
  // sample.
  uint64_t FindKernelText() const;
  // The events' clock (clockid_t); -1: perf's own, which is near CLOCK_MONOTONIC.
  int clock_id() const;

 private:
  absl::Status PrepareEvents();
  // Takes whole records off the front, up to and with the first compressed one, whose payload is
  // `compressed`.
  absl::Status ReadRecords(absl::string_view* records, EventSink& sink,
                           absl::string_view* compressed);
  // Of a foreign file `record` is native_, with its header turned and nothing else.
  void OnRecord(absl::Span<const uint8_t> record, EventSink& sink);

  PerfDataFile file_;
  std::vector<PerfDataFormat> formats_;
  std::vector<EventFormat> parsed_formats_;  // by format id, of a foreign file
  struct Tracepoint {
    uint64_t sample_type = 0;
    uint32_t format_id = 0;
  };
  absl::flat_hash_map<uint64_t, Tracepoint> tracepoints_;  // by event id
  uint64_t sample_type_ = 0;
  bool sample_id_all_ = true;
  RecordTranslator translator_;
  size_t stream_ = 0;
  uint64_t newest_ns_ = 0;
  uint64_t newest_before_round_ns_ = 0;
  uint64_t foreign_samples_ = 0;
  std::vector<uint8_t> native_;  // the record in hand, of the other byte order
};

}  // namespace correlate

#endif  // COLLECTOR_PERF_DATA_SOURCE_H_
