// One chunk of a trace file <-> values. FORMAT.md gives the layout: a head of 20 bytes whose shape
// never changes, then the rest of the Chunk message. The CRC covers every byte of the chunk, the
// outer tag and length included, but its own four bytes. Pure functions.
#ifndef PROTO_CHUNK_H_
#define PROTO_CHUNK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace correlate {

inline constexpr uint64_t kChunkSync = 0x43525443'b9f5d10aull;
inline constexpr size_t kChunkHeadBytes = 20;
// Neither a chunk nor its payload is larger: what claims to be is damage, and takes no memory.
inline constexpr size_t kMostChunkBytes = 16 << 20;
// A payload beyond kFreePayloadBytes is at most so many times as long as its chunk. Traces compress
// to a tenth; without a limit a kilobyte of file could cost a second of reading.
inline constexpr size_t kMostExpansion = 256;
inline constexpr size_t kFreePayloadBytes = 1 << 20;
inline constexpr size_t kRecordingIdBytes = 16;

struct ChunkHeader {
  std::string recording_id;  // 16 bytes
  uint64_t sequence = 0;
  bool has_tables = false;
  bool last = false;
};

enum class Compression { kNone, kZstd };

// A serialized Payload as it stands in a chunk.
struct PackedPayload {
  Compression compression = Compression::kNone;
  uint64_t payload_bytes = 0;  // before compression
  std::string bytes;
};

// Compresses payload after payload in the same memory: fresh pages would cost more than the
// compression does. One thread.
class PayloadPacker {
 public:
  PayloadPacker();
  ~PayloadPacker();
  // An error where no reader would take it.
  absl::StatusOr<PackedPayload> Pack(absl::string_view payload,
                                     Compression compression = Compression::kZstd);

 private:
  struct Context;
  const std::unique_ptr<Context> context_;
  std::unique_ptr<char[]> compressed_;
  size_t compressed_capacity_ = 0;
};

absl::StatusOr<std::string> EncodeChunk(const ChunkHeader& header, const PackedPayload& payload);
// Both in one.
absl::StatusOr<std::string> EncodeChunk(const ChunkHeader& header, absl::string_view payload,
                                        Compression compression = Compression::kZstd);

// How many bytes the chunk at the beginning of `bytes` has, its head included. DataLoss: no chunk
// begins here. Needs kChunkHeadBytes bytes.
absl::StatusOr<size_t> ChunkBytes(absl::string_view bytes);
// `bytes` is exactly one chunk. DataLoss says what is wrong with it.
absl::Status DecodeChunk(absl::string_view bytes, ChunkHeader* header, std::string* payload);
// The first place from `from` on where a chunk may begin; npos: none in these bytes. The last
// kChunkHeadBytes - 1 bytes may hold the beginning of one.
size_t FindChunk(absl::string_view bytes, size_t from);
// Whether a chunk began at the beginning of `bytes` before they were damaged or cut: most of what
// is the same in every head is there.
bool LooksLikeChunk(absl::string_view bytes);

}  // namespace correlate

#endif  // PROTO_CHUNK_H_
