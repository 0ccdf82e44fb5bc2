#include "proto/chunk.h"

#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "proto/crc32c.h"
#include "proto/trace.pb.h"

namespace correlate {
namespace {

// Protobuf's tags: field number << 3 | wire type.
constexpr char kChunkTag = 1 << 3 | 2;  // Trace.chunk
constexpr char kSyncTag = 1 << 3 | 1;   // Chunk.sync, fixed64
constexpr char kCrcTag = 2 << 3 | 5;    // Chunk.crc32c, fixed32
constexpr size_t kLengthBytes = 5;
constexpr size_t kBodyOffset = 1 + kLengthBytes;
constexpr size_t kSyncOffset = kBodyOffset + 1;
constexpr size_t kCrcOffset = kSyncOffset + 8 + 1;
static_assert(kCrcOffset + 4 == kChunkHeadBytes);
constexpr int kCompressionLevel = 1;

template <typename T>
T LoadLittleEndian(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

uint32_t CrcOf(absl::string_view chunk) {
  const uint32_t head = ExtendCrc32c(0, chunk.substr(0, kCrcOffset));
  return ExtendCrc32c(head, chunk.substr(kChunkHeadBytes));
}

bool IsPlausibleExpansion(uint64_t payload_bytes, size_t compressed_bytes) {
  return payload_bytes <= kFreePayloadBytes || payload_bytes / kMostExpansion <= compressed_bytes;
}

absl::Status Decompress(const pb::Chunk& chunk, std::string* payload) {
  if (chunk.payload_bytes() > kMostChunkBytes) {
    return absl::DataLossError(absl::StrCat("a payload of ", chunk.payload_bytes(),
                                            " bytes is more than a chunk may hold"));
  }
  if (!IsPlausibleExpansion(chunk.payload_bytes(), chunk.payload().size())) {
    return absl::DataLossError(absl::StrCat("a payload of ", chunk.payload_bytes(), " bytes from ",
                                            chunk.payload().size(), " is no trace"));
  }
  if (chunk.codec() == pb::CODEC_NONE) {
    *payload = chunk.payload();
  } else if (chunk.codec() == pb::CODEC_ZSTD) {
    payload->resize(chunk.payload_bytes());
    const size_t size = ZSTD_decompress(payload->data(), payload->size(), chunk.payload().data(),
                                        chunk.payload().size());
    if (ZSTD_isError(size)) {
      return absl::DataLossError(absl::StrCat("zstd: ", ZSTD_getErrorName(size)));
    }
    payload->resize(size);
  } else {
    return absl::DataLossError(
        absl::StrCat("codec ", chunk.codec(), " is not known to this version"));
  }
  if (payload->size() != chunk.payload_bytes()) {
    return absl::DataLossError("the payload is not as long as the chunk says");
  }
  return absl::OkStatus();
}

}  // namespace

struct PayloadPacker::Context {
  Context() : zstd(ZSTD_createCCtx()) {}
  ~Context() { ZSTD_freeCCtx(zstd); }
  ZSTD_CCtx* const zstd;
};

PayloadPacker::PayloadPacker() : context_(std::make_unique<Context>()) {}
PayloadPacker::~PayloadPacker() = default;

absl::StatusOr<PackedPayload> PayloadPacker::Pack(absl::string_view payload,
                                                  Compression compression) {
  if (payload.size() > kMostChunkBytes) {
    return absl::ResourceExhaustedError(absl::StrCat("a chunk would hold ", payload.size(),
                                                     " bytes, and readers take ", kMostChunkBytes,
                                                     "; record fewer events at once"));
  }
  PackedPayload packed = {.compression = compression, .payload_bytes = payload.size()};
  if (compression == Compression::kZstd) {
    const size_t bound = ZSTD_compressBound(payload.size());
    if (bound > compressed_capacity_) {
      compressed_ = std::make_unique_for_overwrite<char[]>(bound);
      compressed_capacity_ = bound;
    }
    const size_t size = ZSTD_compressCCtx(context_->zstd, compressed_.get(), bound, payload.data(),
                                          payload.size(), kCompressionLevel);
    if (ZSTD_isError(size))
      return absl::InternalError(absl::StrCat("zstd: ", ZSTD_getErrorName(size)));
    // Whatever compresses better than a reader believes in stands as it is.
    if (IsPlausibleExpansion(payload.size(), size)) {
      packed.bytes.assign(compressed_.get(), size);
      return packed;
    }
    packed.compression = Compression::kNone;
  }
  packed.bytes.assign(payload.data(), payload.size());
  return packed;
}

absl::StatusOr<std::string> EncodeChunk(const ChunkHeader& header, absl::string_view payload,
                                        Compression compression) {
  ASSIGN_OR_RETURN(const PackedPayload packed, PayloadPacker().Pack(payload, compression));
  return EncodeChunk(header, packed);
}

absl::StatusOr<std::string> EncodeChunk(const ChunkHeader& header, const PackedPayload& payload) {
  if (header.recording_id.size() != kRecordingIdBytes) {
    return absl::InternalError("a recording's id has 16 bytes");
  }
  pb::Chunk rest;  // everything after the fixed head
  rest.set_recording_id(header.recording_id);
  rest.set_sequence(header.sequence);
  rest.set_codec(payload.compression == Compression::kZstd ? pb::CODEC_ZSTD : pb::CODEC_NONE);
  rest.set_payload_bytes(payload.payload_bytes);
  rest.set_has_tables(header.has_tables);
  rest.set_last(header.last);
  rest.set_payload(payload.bytes);

  std::string bytes(kChunkHeadBytes, '\0');
  if (!rest.AppendToString(&bytes)) return absl::InternalError("a chunk does not serialize");
  if (bytes.size() > kMostChunkBytes) return absl::InternalError("a chunk is too large");
  bytes[0] = kChunkTag;
  uint64_t length = bytes.size() - kBodyOffset;
  for (size_t i = 0; i < kLengthBytes; ++i, length >>= 7) {
    bytes[1 + i] = static_cast<char>((length & 0x7f) | (i + 1 < kLengthBytes ? 0x80 : 0));
  }
  bytes[kBodyOffset] = kSyncTag;
  std::memcpy(&bytes[kSyncOffset], &kChunkSync, sizeof kChunkSync);
  bytes[kCrcOffset - 1] = kCrcTag;
  const uint32_t crc = CrcOf(bytes);
  std::memcpy(&bytes[kCrcOffset], &crc, sizeof crc);
  return bytes;
}

absl::StatusOr<size_t> ChunkBytes(absl::string_view bytes) {
  if (bytes.size() < kChunkHeadBytes || bytes[0] != kChunkTag || bytes[kBodyOffset] != kSyncTag ||
      LoadLittleEndian<uint64_t>(bytes.data() + kSyncOffset) != kChunkSync ||
      bytes[kCrcOffset - 1] != kCrcTag) {
    return absl::DataLossError("no chunk begins here");
  }
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    const auto byte = static_cast<uint8_t>(bytes[1 + i]);
    const bool more = byte & 0x80;
    if (more != (i + 1 < kLengthBytes)) return absl::DataLossError("a chunk's length is damaged");
    length |= uint64_t{byte & 0x7fu} << (7 * i);
  }
  const uint64_t size = kBodyOffset + length;
  if (size < kChunkHeadBytes || size > kMostChunkBytes) {
    return absl::DataLossError(absl::StrCat("a chunk says that it has ", size, " bytes"));
  }
  return size;
}

absl::Status DecodeChunk(absl::string_view bytes, ChunkHeader* header, std::string* payload) {
  const auto size = ChunkBytes(bytes);
  if (!size.ok()) return size.status();
  if (*size != bytes.size()) return absl::DataLossError("a chunk is cut short");
  if (CrcOf(bytes) != LoadLittleEndian<uint32_t>(bytes.data() + kCrcOffset)) {
    return absl::DataLossError("a chunk's checksum does not fit");
  }
  pb::Chunk chunk;
  if (!chunk.ParseFromArray(bytes.data() + kBodyOffset,
                            static_cast<int>(bytes.size() - kBodyOffset))) {
    return absl::DataLossError("a chunk is no protobuf message");
  }
  if (chunk.recording_id().size() != kRecordingIdBytes) {
    return absl::DataLossError("a recording's id has not 16 bytes");
  }
  header->recording_id = chunk.recording_id();
  header->sequence = chunk.sequence();
  header->has_tables = chunk.has_tables();
  header->last = chunk.last();
  return Decompress(chunk, payload);
}

bool LooksLikeChunk(absl::string_view bytes) {
  std::string fixed(kChunkHeadBytes, '\0');
  fixed[0] = kChunkTag;
  fixed[kBodyOffset] = kSyncTag;
  std::memcpy(&fixed[kSyncOffset], &kChunkSync, sizeof kChunkSync);
  fixed[kCrcOffset - 1] = kCrcTag;
  size_t seen = 0;
  size_t wrong = 0;
  for (size_t i = 0; i < std::min(bytes.size(), kCrcOffset); ++i) {
    ++seen;
    if (i == 0 || i >= kBodyOffset) {
      wrong += bytes[i] != fixed[i];
    } else {  // of the length, only the continuation bits are known
      wrong += ((bytes[i] & 0x80) != 0) != (i < kLengthBytes);
    }
  }
  return seen > 0 && wrong * 4 <= seen;
}

size_t FindChunk(absl::string_view bytes, size_t from) {
  const absl::string_view sync(reinterpret_cast<const char*>(&kChunkSync), sizeof kChunkSync);
  for (size_t at = bytes.find(sync, from + kSyncOffset); at != absl::string_view::npos;
       at = bytes.find(sync, at + 1)) {
    const size_t begin = at - kSyncOffset;
    if (bytes[begin] == kChunkTag && bytes[begin + kBodyOffset] == kSyncTag) return begin;
  }
  return absl::string_view::npos;
}

}  // namespace correlate
