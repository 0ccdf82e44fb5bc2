#include "proto/chunk.h"

#include <cstring>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/crc32c.h"
#include "proto/trace.pb.h"

namespace correlate {
namespace {

using ::testing::HasSubstr;

ChunkHeader Header() {
  return {.recording_id = "0123456789abcdef", .sequence = 7, .has_tables = true, .last = true};
}

// Puts the checksum right again after somebody changed a byte on purpose.
void Sign(std::string* chunk) {
  constexpr size_t kCrcOffset = kChunkHeadBytes - 4;
  const absl::string_view bytes(*chunk);
  const uint32_t crc =
      ExtendCrc32c(ExtendCrc32c(0, bytes.substr(0, kCrcOffset)), bytes.substr(kChunkHeadBytes));
  std::memcpy(chunk->data() + kCrcOffset, &crc, sizeof crc);
}

// A chunk whose message part is `rest`, signed.
std::string ChunkOf(pb::Chunk rest) {
  rest.set_recording_id(Header().recording_id);
  std::string bytes = *EncodeChunk(Header(), "x");
  bytes.resize(kChunkHeadBytes);
  rest.AppendToString(&bytes);
  size_t length = bytes.size() - 6;
  for (int i = 0; i < 5; ++i, length >>= 7) {
    bytes[1 + i] = static_cast<char>((length & 0x7f) | (i < 4 ? 0x80 : 0));
  }
  Sign(&bytes);
  return bytes;
}

TEST(Chunk, ComesBack) {
  const std::string payload(100'000, 'p');
  const auto bytes = EncodeChunk(Header(), payload);
  ASSERT_TRUE(bytes.ok());
  EXPECT_LT(bytes->size(), payload.size() / 10);
  EXPECT_EQ(*ChunkBytes(*bytes), bytes->size());
  ChunkHeader header;
  std::string read;
  ASSERT_TRUE(DecodeChunk(*bytes, &header, &read).ok());
  EXPECT_EQ(read, payload);
  EXPECT_EQ(header.recording_id, Header().recording_id);
  EXPECT_EQ(header.sequence, 7u);
  EXPECT_TRUE(header.has_tables);
  EXPECT_TRUE(header.last);
}

TEST(Chunk, ARunOfChunksIsATrace) {
  const std::string file = *EncodeChunk(Header(), "one") + *EncodeChunk(Header(), "two");
  pb::Trace trace;
  ASSERT_TRUE(trace.ParseFromString(file));
  ASSERT_EQ(trace.chunk_size(), 2);
  EXPECT_EQ(trace.chunk(1).sync(), kChunkSync);
  EXPECT_EQ(trace.chunk(1).sequence(), 7u);
  EXPECT_EQ(trace.chunk(1).payload_bytes(), 3u);
}

TEST(Chunk, EveryFlippedBitIsSeen) {
  const std::string good = *EncodeChunk(Header(), "a payload");
  ChunkHeader header;
  std::string payload;
  for (size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      EXPECT_FALSE(DecodeChunk(bad, &header, &payload).ok()) << at << ", bit " << bit;
    }
  }
}

TEST(Chunk, EveryCutIsSeen) {
  const std::string good = *EncodeChunk(Header(), "a payload");
  ChunkHeader header;
  std::string payload;
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(DecodeChunk(absl::string_view(good).substr(0, size), &header, &payload).ok());
  }
}

TEST(Chunk, LengthsThatCannotBeTakeNoMemory) {
  pb::Chunk rest;
  rest.set_codec(pb::CODEC_ZSTD);
  rest.set_payload_bytes(uint64_t{1} << 60);
  rest.set_payload("x");
  ChunkHeader header;
  std::string payload;
  EXPECT_THAT(std::string(DecodeChunk(ChunkOf(rest), &header, &payload).message()),
              HasSubstr("more than a chunk may hold"));

  rest.set_payload_bytes(5);  // fits, but is not what zstd finds
  EXPECT_FALSE(DecodeChunk(ChunkOf(rest), &header, &payload).ok());

  rest.set_codec(pb::CODEC_NONE);
  rest.set_payload("four");
  EXPECT_THAT(std::string(DecodeChunk(ChunkOf(rest), &header, &payload).message()),
              HasSubstr("not as long as"));

  // The outer length: a head that promises more than a chunk may have.
  std::string head = *EncodeChunk(Header(), "x");
  head[1] = head[2] = head[3] = head[4] = '\xff';
  head[5] = '\x7f';
  EXPECT_FALSE(ChunkBytes(head).ok());
}

TEST(Chunk, ACodecOfALaterVersionIsNamed) {
  pb::Chunk rest;
  rest.set_codec(static_cast<pb::Codec>(9));
  ChunkHeader header;
  std::string payload;
  EXPECT_THAT(std::string(DecodeChunk(ChunkOf(rest), &header, &payload).message()),
              HasSubstr("codec 9"));
}

TEST(Chunk, UncompressedPayloadsAreRead) {
  pb::Chunk rest;
  rest.set_codec(pb::CODEC_NONE);
  rest.set_payload("four");
  rest.set_payload_bytes(4);
  ChunkHeader header;
  std::string payload;
  ASSERT_TRUE(DecodeChunk(ChunkOf(rest), &header, &payload).ok());
  EXPECT_EQ(payload, "four");
}

TEST(Chunk, IsFoundInTheMiddle) {
  const std::string chunk = *EncodeChunk(Header(), "x");
  const std::string bytes = "rubbish" + chunk;
  EXPECT_EQ(FindChunk(bytes, 0), 7u);
  EXPECT_EQ(FindChunk(bytes, 7), 7u);
  EXPECT_EQ(FindChunk(bytes, 8), absl::string_view::npos);
}

}  // namespace
}  // namespace correlate
