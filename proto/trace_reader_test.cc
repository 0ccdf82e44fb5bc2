// What the reader makes of whole, cut, damaged, joined and hostile traces.
#include "proto/trace_reader.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proto/chunk.h"
#include "proto/test_recording.h"
#include "proto/trace.pb.h"

namespace correlate {
namespace {

constexpr char kOtherId[] = "another-id-16-by";

TEST(TraceReader, Whole) {
  const std::string trace = FiveChunks();
  ReadSummary summary;
  EXPECT_EQ(LinesOf(trace, &summary).size(), 15u);
  EXPECT_FALSE(summary.damaged());
  EXPECT_EQ(summary.Describe(), "");
  EXPECT_EQ(summary.bytes, trace.size());
  EXPECT_EQ(summary.chunks, 5u);
  EXPECT_EQ(summary.recordings, 1u);
}

TEST(TraceReader, CutAtEveryByte) {
  std::vector<size_t> begins;
  const std::string trace = FiveChunks(&begins);
  std::vector<std::vector<std::string>> whole;  // of the first n chunks
  for (const size_t begin : begins)
    whole.push_back(LinesOf(absl::string_view(trace).substr(0, begin)));
  size_t chunks = 0;
  for (size_t size = 0; size < trace.size(); ++size) {
    if (size == begins[chunks + 1]) ++chunks;
    ReadSummary summary;
    const auto lines = LinesOf(absl::string_view(trace).substr(0, size), &summary);
    ASSERT_EQ(lines, whole[chunks]) << size;
    ASSERT_TRUE(summary.damaged()) << size;
    ASSERT_EQ(summary.saw_chunk, size > 0) << size;
    ASSERT_EQ(summary.chunks, chunks) << size;
    ASSERT_EQ(summary.skipped_bytes, size - begins[chunks]) << size;
    ASSERT_EQ(summary.bytes, size);
    ASSERT_TRUE(absl::StrContains(summary.Describe(), "the trace was cut short"));
    if (size > begins[chunks]) {
      ASSERT_TRUE(absl::StartsWith(summary.Describe(),
                                   absl::StrCat(size - begins[chunks], " of ", size, " bytes")))
          << summary.Describe();
    }
  }
}

TEST(TraceReader, EveryByteFlipped) {
  std::vector<size_t> begins;
  const std::string trace = FiveChunks(&begins);
  for (size_t chunk = 0; chunk + 1 < begins.size(); ++chunk) {
    const size_t chunk_bytes = begins[chunk + 1] - begins[chunk];
    std::string without = trace;
    without.erase(begins[chunk], chunk_bytes);
    const auto expected = LinesOf(without);
    for (size_t at = begins[chunk]; at < begins[chunk + 1]; ++at) {
      for (const char pattern : {'\x01', '\x20', '\x80', '\xff'}) {
        std::string damaged = trace;
        damaged[at] ^= pattern;
        ReadSummary summary;
        ASSERT_EQ(LinesOf(damaged, &summary), expected) << at << " " << int{pattern};
        ASSERT_TRUE(summary.damaged());
        ASSERT_TRUE(summary.saw_chunk);
        ASSERT_EQ(summary.chunks, 4u);
        ASSERT_EQ(summary.skipped_bytes, chunk_bytes) << at << " " << int{pattern};
        ASSERT_TRUE(absl::StartsWith(summary.Describe(), absl::StrCat(chunk_bytes, " of ")));
      }
    }
  }
}

TEST(TraceReader, OneChunkAndThatDamaged) {
  const std::string trace = WriteTrace([](TraceWriter& writer) { FeedRecording(writer); });
  ASSERT_EQ(ChunkBegins(trace).size(), 2u);
  for (size_t at = 0; at < trace.size(); ++at) {
    std::string damaged = trace;
    damaged[at] ^= '\x10';
    ReadSummary summary;
    ASSERT_TRUE(LinesOf(damaged, &summary).empty());
    ASSERT_TRUE(summary.saw_chunk) << at;
    ASSERT_TRUE(summary.damaged());
    ASSERT_EQ(summary.skipped_bytes, trace.size());
  }
}

TEST(TraceReader, AMissingChunkIsCounted) {
  std::vector<size_t> begins;
  const std::string trace = FiveChunks(&begins);
  for (size_t from = 0; from < 5; ++from) {
    for (size_t to = from + 1; to < 5; ++to) {  // the last chunk stays
      std::string without = trace;
      without.erase(begins[from], begins[to] - begins[from]);
      ReadSummary summary;
      LinesOf(without, &summary);
      EXPECT_EQ(summary.missing_chunks, to - from);
      EXPECT_TRUE(summary.damaged());
      EXPECT_EQ(summary.skipped_bytes, 0u);
      EXPECT_TRUE(absl::StrContains(summary.Describe(), "missing")) << summary.Describe();
    }
  }
}

TEST(TraceReader, JoinedTraces) {
  const std::string one = FiveChunks();
  const std::string other = FiveChunks(nullptr, kOtherId);
  const std::vector<std::string> once = LinesOf(one);
  std::vector<std::string> twice = once;
  twice.insert(twice.end(), once.begin(), once.end());
  ReadSummary summary;
  EXPECT_EQ(LinesOf(one + other, &summary), twice);
  EXPECT_FALSE(summary.damaged()) << summary.Describe();
  EXPECT_EQ(summary.recordings, 2u);

  // Chunks that take turns: numbers count within their recording.
  std::vector<size_t> a;
  std::vector<size_t> b;
  FiveChunks(&a);
  FiveChunks(&b, kOtherId);
  std::string mixed;
  for (int i = 0; i < 5; ++i) {
    mixed += one.substr(a[i], a[i + 1] - a[i]) + other.substr(b[i], b[i + 1] - b[i]);
  }
  EXPECT_EQ(LinesOf(mixed, &summary).size(), 30u);
  EXPECT_FALSE(summary.damaged());

  // The first has no end: so the whole has none.
  LinesOf(one.substr(0, a[4]) + other, &summary);
  EXPECT_TRUE(summary.damaged());
  EXPECT_EQ(summary.Describe(), "the trace was cut short");
}

// What a newer version adds is passed over, and told.
TEST(TraceReader, EntriesOfKindsThatNobodyKnows) {
  std::string trace;
  std::vector<size_t> begins;
  const std::string known = FiveChunks(&begins);
  for (size_t i = 0; i + 1 < begins.size(); ++i) {
    ChunkHeader header;
    std::string payload;
    ASSERT_TRUE(
        DecodeChunk(known.substr(begins[i], begins[i + 1] - begins[i]), &header, &payload).ok());
    // Two fields 1000 of a length, as a repeated message is.
    for (int twice = 0; twice < 2; ++twice) payload += std::string("\xc2\x3e\x03\x08\x01\x10", 6);
    const auto chunk = EncodeChunk(header, payload, Compression::kNone);
    ASSERT_TRUE(chunk.ok()) << chunk.status();
    trace += *chunk;
  }
  ReadSummary summary;
  EXPECT_EQ(LinesOf(trace, &summary), LinesOf(known));
  EXPECT_FALSE(summary.damaged());
  EXPECT_EQ(summary.unknown_entries, 10u);
  EXPECT_TRUE(absl::StartsWith(summary.DescribeUnknown(), "10 entries are of kinds"));
}

// Format 0 stands in chunk 0 and, with tables, in the last one alone.
TEST(TraceReader, AFormatIsFoundAhead) {
  std::vector<size_t> begins;
  const std::string trace = FiveChunks(&begins);
  const auto lines = LinesOf(trace.substr(begins[1]));
  ASSERT_FALSE(lines.empty());
  EXPECT_TRUE(absl::StartsWith(lines[0], "format ")) << lines[0];
  int drops = 0;
  for (const std::string& line : lines) {
    EXPECT_FALSE(absl::StrContains(line, "unknown:unknown")) << line;
    drops += absl::StartsWith(line, "event skb:kfree_skb");
  }
  EXPECT_EQ(drops, 1);
}

// Format 1 comes in chunk 2, when the first chunk with tables has been written: those do not hold
// it.
TEST(TraceReader, AFormatIsFoundAheadBehindOlderTables) {
  std::vector<size_t> begins;
  std::string trace = FiveChunks(&begins);
  trace.erase(begins[2], begins[3] - begins[2]);
  int exceptions = 0;
  int formats = 0;
  for (const std::string& line : LinesOf(trace)) {
    EXPECT_FALSE(absl::StrContains(line, "unknown:unknown")) << line;
    exceptions += absl::StartsWith(line, "event xdp:xdp_exception");
    formats += absl::StartsWith(line, "format ");
  }
  EXPECT_EQ(exceptions, 2);
  EXPECT_EQ(formats, 2);
}

TEST(TraceReader, AFormatThatIsNowhere) {
  std::vector<size_t> begins;
  const std::string trace = FiveChunks(&begins);
  const auto lines = LinesOf(trace.substr(begins[1], begins[2] - begins[1]));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(absl::StartsWith(lines[0], "event unknown:unknown 0")) << lines[0];
  EXPECT_TRUE(absl::StrContains(lines[0], "raw 02000000")) << lines[0];
}

class TraceFile : public testing::Test {
 protected:
  TraceFile()
      : path_(testing::TempDir() + "/" +
              testing::UnitTest::GetInstance()->current_test_info()->name()) {}
  ~TraceFile() override { unlink(path_.c_str()); }
  absl::StatusOr<ReadSummary> Read(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary) << bytes;
    log_.lines.clear();
    return ReadTraceFile(path_, log_);
  }
  const std::string path_;
  CallLog log_;
};

TEST_F(TraceFile, AsFromMemory) {
  std::vector<size_t> begins;
  const std::string trace = FiveChunks(&begins);
  ASSERT_TRUE(Read(trace).ok());
  EXPECT_EQ(log_.lines, LinesOf(trace));
  ASSERT_TRUE(Read(trace.substr(begins[1])).ok());  // looks ahead in the file
  EXPECT_EQ(log_.lines, LinesOf(trace.substr(begins[1])));
}

TEST_F(TraceFile, WhatIsNoTraceIsAnError) {
  EXPECT_EQ(Read("").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Read("PERFILE2 and more").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Read(std::string(3'000'000, '\0')).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(ReadTraceFile(path_ + ".none", log_).ok());
  EXPECT_FALSE(ReadTraceFile(testing::TempDir(), log_).ok());
}

TEST_F(TraceFile, ATraceWithoutAWholeChunkIsDamaged) {
  const std::string trace = FiveChunks();
  for (const size_t size : {1, 5, 19, 20, 30}) {
    const auto summary = Read(trace.substr(0, size));
    ASSERT_TRUE(summary.ok()) << size << ": " << summary.status();
    EXPECT_TRUE(summary->damaged());
  }
}

TEST(TraceReader, StopsWhenTheSinkWantsNoMore) {
  class Two : public CallLog {
   public:
    bool WantsMore() const override { return lines.size() < 4; }
  } two;
  const ReadSummary summary = ReadTraceBytes(FiveChunks(), two);
  EXPECT_EQ(two.lines.size(), 4u);
  EXPECT_TRUE(summary.stopped_early);
  EXPECT_FALSE(summary.damaged());
}

// ---- Hostile files: everything below is sealed with a checksum that fits.

std::string Sealed(const pb::Payload& payload, uint64_t sequence,
                   const std::string& id = "recording-id-16b", bool last = false) {
  return *EncodeChunk({.recording_id = id, .sequence = sequence, .last = last},
                      payload.SerializeAsString(), Compression::kNone);
}

TEST(TraceReader, PayloadsThatMakeNoSenseAreSkippedBytes) {
  const std::string good = FiveChunks();
  pb::Payload bad;
  bad.mutable_events()->add_shapes()->set_stack(7);
  const std::string chunk = Sealed(bad, 0, kOtherId);
  const std::string no_message = *EncodeChunk({.recording_id = kOtherId}, "\xff\xff\xff");
  ReadSummary summary;
  EXPECT_EQ(LinesOf(chunk + good + no_message, &summary), LinesOf(good));
  EXPECT_EQ(summary.skipped_bytes, chunk.size() + no_message.size());
  EXPECT_EQ(summary.recordings, 1u);
  ASSERT_EQ(summary.problems.size(), 2u);
  EXPECT_EQ(summary.problems[0], "at byte 0: an event names something that is not there");
  EXPECT_EQ(summary.problems[1], absl::StrCat("at byte ", chunk.size() + good.size(),
                                              ": a payload is no protobuf message"));
}

// The gaps must not add up to 2^64, which is 0.
TEST(TraceReader, AbsurdNumbersOfChunks) {
  const pb::Payload empty;
  std::string trace = Sealed(empty, UINT64_MAX - 1, "recording-id-16b", true);
  trace += Sealed(empty, 2, kOtherId, true);
  ReadSummary summary;
  LinesOf(trace, &summary);
  EXPECT_EQ(summary.missing_chunks, UINT64_MAX);
  EXPECT_TRUE(summary.damaged());
  LinesOf(Sealed(empty, UINT64_MAX, "recording-id-16b", true), &summary);
  EXPECT_EQ(summary.chunks, 0u);
  EXPECT_GT(summary.skipped_bytes, 0u);
}

double SecondsToRead(const std::string& bytes) {
  TraceSink nobody;
  const auto begin = std::chrono::steady_clock::now();
  ReadTraceBytes(bytes, nobody);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Each has an event whose format is nowhere: to look for it in all of the file each time is
// quadratic.
TEST(TraceReader, ManyRecordingsWithoutFormats) {
  pb::Payload payload;
  payload.mutable_events()->add_shapes()->set_format(3);
  std::string trace;
  for (int i = 0; i < 20'000; ++i)
    trace += Sealed(payload, 0, absl::StrCat(1'000'000'000'000'000 + i));
  EXPECT_LT(SecondsToRead(trace), 20);
}

long PeakKilobytes() {
  struct rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST(TraceReader, BombsTakeNeitherTimeNorMemory) {
  std::string events;
  while (events.size() < kMostChunkBytes - 4098)
    events += std::string("\x7a\0", 2);  // counts of kinds
  const ChunkHeader header = {.recording_id = "recording-id-16b"};
  const std::string chunk = *EncodeChunk(header, events, Compression::kNone);
  const long before = PeakKilobytes();
  TraceSink nobody;
  const ReadSummary summary = ReadTraceBytes(chunk, nobody);
  EXPECT_EQ(summary.skipped_bytes, chunk.size());
  // 8 million messages would be more than a gigabyte.
  EXPECT_LT(PeakKilobytes() - before, 150'000);
}

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kAddressSanitizer = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kAddressSanitizer = true;
#else
constexpr bool kAddressSanitizer = false;
#endif
#else
constexpr bool kAddressSanitizer = false;
#endif

// Every recording of a file keeps its tables and nothing of its last chunk.
TEST(TraceReader, MemoryDoesNotGrowWithRecordings) {
  if (kAddressSanitizer) GTEST_SKIP() << "AddressSanitizer keeps freed memory for a while";
  std::string trace;
  pb::Payload payload;
  payload.mutable_interned()->add_strings("");
  payload.mutable_interned()->add_strings(std::string(1'000, 's'));
  for (int i = 0; i < 1'000; ++i) payload.mutable_interned()->add_frames()->set_symbol(i > 0);
  for (int i = 0; i < 300; ++i) {  // a megabyte of frames each
    trace += *EncodeChunk({.recording_id = absl::StrCat(1'000'000'000'000'000 + i)},
                          payload.SerializeAsString());
  }
  const long before = PeakKilobytes();
  TraceSink nobody;
  EXPECT_EQ(ReadTraceBytes(trace, nobody).recordings, 300u);
  EXPECT_LT(PeakKilobytes() - before, 60'000);
}

}  // namespace
}  // namespace correlate
