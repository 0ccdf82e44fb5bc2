// Where the chunks of a trace go, one after the other: a file, or somebody's memory. One thread.
#ifndef PROTO_CHUNK_OUTPUT_H_
#define PROTO_CHUNK_OUTPUT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/scoped_fd.h"
#include "proto/chunk.h"

namespace correlate {

class ChunkOutput {
 public:
  virtual ~ChunkOutput() = default;
  // After an error it is not called again.
  virtual absl::Status Write(const ChunkHeader& header, PackedPayload payload) = 0;
  virtual absl::Status Close() = 0;
  virtual uint64_t bytes_written() const = 0;
};

// Appends each chunk with one write(2). A chunk that does not fit (a full disk) is taken back, so
// that a file ends with a whole one. `name` is for messages.
std::unique_ptr<ChunkOutput> FileOutput(ScopedFd fd, std::string name);

}  // namespace correlate

#endif  // PROTO_CHUNK_OUTPUT_H_
