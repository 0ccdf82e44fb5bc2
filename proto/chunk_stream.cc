#include "proto/chunk_stream.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/status_macros.h"

namespace correlate {
namespace {

constexpr size_t kReadBytes = 1 << 20;
constexpr size_t kMostProblems = 16;
// A hostile file can be full of heads that promise long chunks, each to be checked in vain. More
// than this much per byte of file is no damage that happens by itself.
constexpr uint64_t kCheckedInVainPerByte = 32;

class FdByteSource : public ByteSource {
 public:
  FdByteSource(ScopedFd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

  absl::StatusOr<size_t> Read(size_t most, std::string* buffer) override {
    const size_t before = buffer->size();
    buffer->resize(before + most);
    ssize_t n;
    do {
      n = read(fd_.get(), buffer->data() + before, most);
    } while (n < 0 && errno == EINTR);
    const int error = errno;
    buffer->resize(before + static_cast<size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0) return ErrnoStatus(error, name_);
    return static_cast<size_t>(n);
  }

 private:
  ScopedFd fd_;
  const std::string name_;
};

class MemoryByteSource : public ByteSource {
 public:
  explicit MemoryByteSource(absl::string_view bytes) : rest_(bytes) {}

  absl::StatusOr<size_t> Read(size_t most, std::string* buffer) override {
    const size_t n = std::min(most, rest_.size());
    buffer->append(rest_.data(), n);
    rest_.remove_prefix(n);
    return n;
  }

 private:
  absl::string_view rest_;
};

}  // namespace

std::unique_ptr<ByteSource> FdSource(ScopedFd fd, const std::string& name) {
  return std::make_unique<FdByteSource>(std::move(fd), name);
}

std::unique_ptr<ByteSource> MemorySource(absl::string_view bytes) {
  return std::make_unique<MemoryByteSource>(bytes);
}

absl::Status ChunkStream::Fill(size_t bytes) {
  // At the end nothing comes any more: moving the buffer for each of many heads would be quadratic.
  if (at_end_ || Ahead().size() >= bytes) return absl::OkStatus();
  buffer_.erase(0, position_);
  offset_ += std::exchange(position_, 0);
  while (!at_end_ && buffer_.size() < bytes) {
    ASSIGN_OR_RETURN(const size_t n, source_->Read(kReadBytes, &buffer_));
    at_end_ = n == 0;
  }
  return absl::OkStatus();
}

void ChunkStream::Advance(size_t bytes) { position_ += bytes; }

void ChunkStream::Skip(size_t bytes) {
  skipped_bytes_ += bytes;
  Advance(bytes);
}

void ChunkStream::AddProblem(uint64_t offset, absl::string_view what) {
  if (problems_.size() < kMostProblems) {
    problems_.push_back(absl::StrCat("at byte ", offset, ": ", what));
  }
}

void ChunkStream::Reject(absl::string_view why) {
  --chunks_;
  skipped_bytes_ += last_chunk_bytes_;
  AddProblem(last_chunk_offset_, why);
}

absl::Status ChunkStream::SkipToNextChunk() {
  Skip(1);
  for (;;) {
    RETURN_IF_ERROR(Fill(kReadBytes));
    const size_t found = FindChunk(Ahead(), 0);
    if (found != absl::string_view::npos) {
      saw_chunk_ = true;
      Skip(found);
      return absl::OkStatus();
    }
    // The end of what was read may hold the beginning of a head.
    const size_t keep = at_end_ ? 0 : std::min(kChunkHeadBytes - 1, Ahead().size());
    Skip(Ahead().size() - keep);
    if (at_end_) return absl::OkStatus();
  }
}

absl::Status ChunkStream::SkipToEnd() {
  while (!Ahead().empty()) {
    Skip(Ahead().size());
    RETURN_IF_ERROR(Fill(1));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> ChunkStream::Next(ChunkHeader* header, std::string* payload) {
  while (!hopeless_) {
    RETURN_IF_ERROR(Fill(kChunkHeadBytes));
    if (Ahead().empty()) return false;
    if (bytes() == 0) saw_chunk_ = LooksLikeChunk(Ahead());
    const uint64_t at = bytes();
    absl::Status damage;
    if (const auto size = ChunkBytes(Ahead()); !size.ok()) {
      damage = size.status();
    } else {
      RETURN_IF_ERROR(Fill(*size));
      const absl::string_view chunk = Ahead().substr(0, *size);
      damage = DecodeChunk(chunk, header, payload);
      if (damage.ok()) {
        last_chunk_offset_ = at;
        last_chunk_bytes_ = *size;
        ++chunks_;
        Advance(*size);
        return true;
      }
      checked_in_vain_ += chunk.size();
    }
    AddProblem(at, damage.message());
    hopeless_ = checked_in_vain_ > kMostChunkBytes + kCheckedInVainPerByte * bytes();
    if (hopeless_) {
      AddProblem(at, "too much damage to go on");
      RETURN_IF_ERROR(SkipToEnd());
    } else {
      RETURN_IF_ERROR(SkipToNextChunk());
    }
  }
  return false;
}

}  // namespace correlate
