// Finds the chunks in a stream of bytes, from a file, a pipe or memory, and goes on behind damage.
// Holds one chunk at a time. One thread.
#ifndef PROTO_CHUNK_STREAM_H_
#define PROTO_CHUNK_STREAM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/scoped_fd.h"
#include "proto/chunk.h"

namespace correlate {

// Where bytes come from.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Appends up to `most` bytes to `buffer`; 0 at the end.
  virtual absl::StatusOr<size_t> Read(size_t most, std::string* buffer) = 0;
};

std::unique_ptr<ByteSource> FdSource(ScopedFd fd, const std::string& name);
std::unique_ptr<ByteSource> MemorySource(absl::string_view bytes);  // borrowed

class ChunkStream {
 public:
  explicit ChunkStream(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}

  // The next whole chunk; false at the end. An error is one of reading, not of what was read.
  absl::StatusOr<bool> Next(ChunkHeader* header, std::string* payload);
  // The chunk handed out last turned out to be unusable: counts its bytes as skipped.
  void Reject(absl::string_view why);

  uint64_t bytes() const { return offset_ + position_; }
  uint64_t chunks() const { return chunks_; }
  uint64_t skipped_bytes() const { return skipped_bytes_; }
  // A chunk begins, or began before it was damaged, somewhere in what was read.
  bool saw_chunk() const { return saw_chunk_; }
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  absl::string_view Ahead() const { return absl::string_view(buffer_).substr(position_); }
  absl::Status Fill(size_t bytes);  // makes Ahead() that long, or as long as the source allows
  void Advance(size_t bytes);
  void Skip(size_t bytes);
  void AddProblem(uint64_t offset, absl::string_view what);
  absl::Status SkipToNextChunk();
  absl::Status SkipToEnd();

  std::unique_ptr<ByteSource> source_;
  std::string buffer_;
  size_t position_ = 0;  // of what is next, in buffer_
  uint64_t offset_ = 0;  // of buffer_, in the stream
  bool at_end_ = false;
  bool hopeless_ = false;
  bool saw_chunk_ = false;
  uint64_t chunks_ = 0;
  uint64_t last_chunk_offset_ = 0;
  uint64_t last_chunk_bytes_ = 0;
  uint64_t skipped_bytes_ = 0;
  uint64_t checked_in_vain_ = 0;  // bytes of chunks whose checksum did not fit
  std::vector<std::string> problems_;
};

}  // namespace correlate

#endif  // PROTO_CHUNK_STREAM_H_
