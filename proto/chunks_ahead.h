// The usable chunks of a trace, one after the other: read, checked and parsed ahead of whoever uses
// them, on a thread of its own, so that both halves of the work take a CPU each. What waits is
// bounded by bytes. Next and Stop are for one thread.
#ifndef PROTO_CHUNKS_AHEAD_H_
#define PROTO_CHUNKS_AHEAD_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/chunk.h"
#include "proto/chunk_stream.h"
#include "proto/trace.pb.h"

namespace correlate {

struct ParsedChunk {
  ChunkHeader header;
  pb::Payload payload;  // passed CheckPayload
  size_t payload_bytes = 0;
  size_t unknown_entries = 0;  // of the payload, of kinds that this version does not know
  uint64_t end = 0;            // of the chunk, in the stream
};

class ChunksAhead {
 public:
  enum class Threads { kNone, kOne };  // kNone: everything happens in Next()
  ChunksAhead(std::unique_ptr<ByteSource> source, Threads threads);
  ~ChunksAhead() { Stop(); }

  // Null at the end. An error is one of reading, not of what was read.
  absl::StatusOr<std::unique_ptr<ParsedChunk>> Next();
  // One that Next() gave and that is done with: its memory is used again.
  void GiveBack(std::unique_ptr<ParsedChunk> chunk);
  // Reads no more, once what is being read has come.
  void Stop();
  // What was read so far, with all damage. After the end, or after Stop.
  const ChunkStream& stream() const { return stream_; }

 private:
  absl::StatusOr<std::unique_ptr<ParsedChunk>> Read();
  std::unique_ptr<ParsedChunk> TakeSpare();
  void ReadAll();

  ChunkStream stream_;                // of the thread, where there is one
  std::set<std::string> recordings_;  // as well
  std::string payload_;               // of the chunk in hand; as well

  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::deque<std::unique_ptr<ParsedChunk>> waiting_;
  size_t waiting_bytes_ = 0;
  std::vector<std::unique_ptr<ParsedChunk>> spare_;
  absl::Status failure_;
  bool ended_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace correlate

#endif  // PROTO_CHUNKS_AHEAD_H_
