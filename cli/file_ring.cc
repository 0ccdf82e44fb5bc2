#include "cli/file_ring.h"

#include "base/status_macros.h"

namespace correlate {
namespace {

constexpr uint64_t kCutEveryNs = 1'000'000'000;

}  // namespace

absl::StatusOr<std::unique_ptr<FileRing>> FileRing::Create(const Options& options) {
  ASSIGN_OR_RETURN(NumberedFiles files, NumberedFiles::Open(options.path, options.most_files));
  std::unique_ptr<FileRing> ring(new FileRing(options, std::move(files)));
  RETURN_IF_ERROR(ring->OpenNext(0));
  return ring;
}

absl::Status FileRing::OpenNext(uint64_t now_ns) {
  ASSIGN_OR_RETURN(writer_, files_.Next());
  set_stream(writer_.get());
  opened_ns_ = now_ns;
  part_ = {};
  return absl::OkStatus();
}

void FileRing::Tick(uint64_t now_ns) {
  if (opened_ns_ == 0) opened_ns_ = last_cut_ns_ = now_ns;
  writer_->Tick(now_ns);
}

bool FileRing::IsFull(uint64_t now_ns) const {
  if (options_.rotate_bytes > 0 && writer_->bytes_written() >= options_.rotate_bytes) return true;
  return options_.rotate_ns > 0 && opened_ns_ > 0 && now_ns >= opened_ns_ + options_.rotate_ns;
}

bool FileRing::WantsCut(uint64_t now_ns) const {
  return status().ok() && (IsFull(now_ns) || now_ns >= last_cut_ns_ + kCutEveryNs);
}

bool FileRing::Cut(uint64_t now_ns, const RecordingEnd& so_far) {
  last_cut_ns_ = now_ns;
  const PartTotals::Part more = totals().Cut();
  part_.Add(more);
  if (!IsFull(now_ns)) {
    // What a file that ends here, by kill -9, can say of its totals.
    totals().Tell(part_.Where(more), now_ns, *writer_);
    return false;
  }
  EndFile(*writer_, part_, so_far, "the next file follows", now_ns);
  status_ = writer_->Close();
  bytes_closed_ += writer_->bytes_written();
  if (!status_.ok()) return false;
  // What ended before the file did is in it, and no event to come was there.
  tables().Forget(opened_ns_);
  std::unique_ptr<TraceWriter> closed = std::move(writer_);
  status_ = OpenNext(now_ns);
  if (!status_.ok()) {
    writer_ = std::move(closed);
    return false;
  }
  BeginFile(*writer_, files_.made());
  return true;
}

absl::Status FileRing::Close() {
  if (!status_.ok()) return status_;
  part_.Add(totals().Cut());
  EndFile(*writer_, part_, end(), end().reason, end().time_ns);
  return writer_->Close();
}

}  // namespace correlate
