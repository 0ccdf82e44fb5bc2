// A recording as a ring of files (--rotate-size, --rotate-time, --max-files), each a whole trace of
// its own: with all tables, and with totals that are its own and add up over the files.
#ifndef CLI_FILE_RING_H_
#define CLI_FILE_RING_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "cli/numbered_files.h"
#include "cli/parted_output.h"

namespace correlate {

class FileRing : public PartedOutput {
 public:
  struct Options {
    std::string path;
    uint64_t rotate_bytes = 0;  // 0: no limit
    uint64_t rotate_ns = 0;     // 0: no limit
    uint32_t most_files = 0;    // 0: all are kept
  };
  static absl::StatusOr<std::unique_ptr<FileRing>> Create(const Options& options);

  void Tick(uint64_t now_ns) override;
  bool WantsCut(uint64_t now_ns) const override;
  bool Cut(uint64_t now_ns, const RecordingEnd& so_far) override;
  absl::Status Close() override;
  absl::Status status() const override { return status_.ok() ? writer_->status() : status_; }
  uint64_t bytes_written() const override { return bytes_closed_ + writer_->bytes_written(); }
  std::string Describe() const override { return files_.Describe(); }

 private:
  FileRing(const Options& options, NumberedFiles files)
      : options_(options), files_(std::move(files)) {}
  absl::Status OpenNext(uint64_t now_ns);
  bool IsFull(uint64_t now_ns) const;
  bool WantsMore() const override { return status().ok(); }

  const Options options_;
  NumberedFiles files_;
  std::unique_ptr<TraceWriter> writer_;
  absl::Status status_;
  PartTotals::Part part_;   // of the file in hand, as of the last cut
  uint64_t opened_ns_ = 0;  // of the file in hand; 0: no Tick came yet
  uint64_t last_cut_ns_ = 0;
  uint64_t bytes_closed_ = 0;
};

}  // namespace correlate

#endif  // CLI_FILE_RING_H_
