// Keeps the last seconds of a recording in memory and writes them to a file of their own when asked
// to, or when a rule holds (--snapshot-on). What one snapshot has is not in the next one, so that
// their totals add up too. Memory is bounded by size as well as by time.
#ifndef CLI_FLIGHT_RECORDER_H_
#define CLI_FLIGHT_RECORDER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/numbered_files.h"
#include "cli/parted_output.h"
#include "cli/snapshot_trigger.h"

namespace correlate {

class FlightRecorder : public PartedOutput {
 public:
  struct Options {
    std::string path;
    uint64_t keep_ns = 30'000'000'000;
    uint64_t keep_bytes = 32 << 20;  // of compressed chunks
    uint32_t most_files = 0;         // 0: all are kept
    std::vector<SnapshotTrigger> triggers;
  };
  static absl::StatusOr<std::unique_ptr<FlightRecorder>> Create(const Options& options);

  // Has a snapshot written at the next cut, unless the last one is younger than what one keeps. The
  // file it will be in, or is.
  std::string Ask(std::string why, uint64_t now_ns);
  void Tick(uint64_t now_ns) override;
  bool WantsCut(uint64_t now_ns) const override;
  bool Cut(uint64_t now_ns, const RecordingEnd& so_far) override;
  std::vector<int> signals() const override;
  void OnSignal(int number) override;
  std::vector<std::string> TakeNotes() override { return std::exchange(notes_, {}); }
  absl::Status Close() override { return status_; }
  absl::Status status() const override { return status_; }
  uint64_t bytes_written() const override { return bytes_written_; }
  std::string Describe() const override;

 private:
  class Memory;
  struct Chunk {
    bool has_tables = false;
    PackedPayload payload;
  };
  // What came between two cuts.
  struct Segment {
    uint64_t begin_ns = 0;
    uint64_t end_ns = 0;
    std::vector<Chunk> chunks;
    uint64_t bytes = 0;
    PartTotals::Part part;
  };
  FlightRecorder(const Options& options, NumberedFiles files);
  void EndSegment(uint64_t now_ns);
  void DropOld(uint64_t now_ns);
  std::string RuleThatHolds(const Segment& segment, uint64_t now_ns) const;
  absl::Status Write(const std::string& why, uint64_t now_ns, const RecordingEnd& so_far);

  const Options options_;
  NumberedFiles files_;
  std::vector<Chunk> fresh_;  // since the last cut
  std::unique_ptr<TraceWriter> writer_;
  std::deque<Segment> segments_;
  uint64_t bytes_ = 0;  // of segments_
  bool short_of_memory_ = false;
  std::string asked_;  // why a snapshot is to be written; empty: it is not
  std::vector<std::string> notes_;
  absl::Status status_;
  uint64_t bytes_written_ = 0;
  uint64_t last_cut_ns_ = 0;
  uint64_t last_rule_ns_ = 0;
};

}  // namespace correlate

#endif  // CLI_FLIGHT_RECORDER_H_
