#include "proto/chunk_output.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/status_macros.h"

namespace correlate {
namespace {

class File : public ChunkOutput {
 public:
  File(ScopedFd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {
    struct stat info = {};
    regular_ = fstat(fd_.get(), &info) == 0 && S_ISREG(info.st_mode);
  }

  absl::Status Write(const ChunkHeader& header, PackedPayload payload) override {
    ASSIGN_OR_RETURN(const std::string bytes, EncodeChunk(header, payload));
    size_t written = 0;
    while (written < bytes.size()) {
      const ssize_t n = write(fd_.get(), bytes.data() + written, bytes.size() - written);
      if (n >= 0) {
        written += static_cast<size_t>(n);
      } else if (errno != EINTR) {
        absl::Status status = ErrnoStatus(errno, absl::StrCat("write to ", name_));
        if (regular_ && written > 0) TakeBack(static_cast<off_t>(written));
        return status;
      }
    }
    bytes_written_ += bytes.size();
    return absl::OkStatus();
  }

  absl::Status Close() override {
    // Errors of delayed allocation (NFS, quotas) come at close.
    if (close(fd_.release()) < 0 && errno != EINTR) return ErrnoStatus(errno, name_);
    return absl::OkStatus();
  }

  uint64_t bytes_written() const override { return bytes_written_; }

 private:
  // Takes back the part of a chunk, so that the file ends with a whole one. When that fails too, a
  // reader skips the part and says so. `>>` may have put other things before what is ours, and
  // somebody else may have written behind it: the place is counted from the part's own end.
  void TakeBack(off_t part_bytes) {
    const off_t end = lseek(fd_.get(), 0, SEEK_CUR);
    struct stat info = {};
    if (end < part_bytes || fstat(fd_.get(), &info) != 0 || info.st_size != end) return;
    if (ftruncate(fd_.get(), end - part_bytes) == 0) {
      (void)lseek(fd_.get(), end - part_bytes, SEEK_SET);
    }
  }

  ScopedFd fd_;
  const std::string name_;
  bool regular_ = false;
  uint64_t bytes_written_ = 0;
};

}  // namespace

std::unique_ptr<ChunkOutput> FileOutput(ScopedFd fd, std::string name) {
  return std::make_unique<File>(std::move(fd), std::move(name));
}

}  // namespace correlate
