// A recording through the writer and the reader: what comes out is what went in; and what is left
// of it after every kind of damage.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/chunk.h"
#include "proto/trace.pb.h"
#include "proto/trace_reader.h"
#include "proto/trace_writer.h"
#include "tests/fakes/recording.h"
#include "tests/fakes/transcript.h"

namespace correlate {
namespace {

using ::testing::HasSubstr;

// Events of a recording with a chunk for each of them.
constexpr size_t kMany = 70;  // more than lie between two copies of the tables
constexpr size_t kFew = 8;

class MemoryFile {
 public:
  MemoryFile() : fd_(memfd_create("trace", MFD_CLOEXEC)) {}
  ~MemoryFile() { close(fd_); }
  ScopedFd Duplicate() const { return ScopedFd(dup(fd_)); }
  std::string Bytes() const {
    std::string bytes(static_cast<size_t>(lseek(fd_, 0, SEEK_END)), '\0');
    EXPECT_EQ(pread(fd_, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    return bytes;
  }

 private:
  const int fd_;
};

// As a trace of one chunk.
std::string SmallTrace() {
  const MemoryFile file;
  const auto writer = TraceWriter::FromFd(file.Duplicate(), "memory");
  FeedTestRecording(*writer);
  EXPECT_TRUE(writer->Close().ok());
  return file.Bytes();
}

std::vector<std::string> Chunks(const std::string& trace) {
  std::vector<std::string> chunks;
  for (size_t at = 0; at < trace.size();) {
    const size_t size = *ChunkBytes(absl::string_view(trace).substr(at));
    chunks.push_back(trace.substr(at, size));
    at += size;
  }
  return chunks;
}

// The recording's tables, then chunks with an event each, then the last chunk.
std::string LongTrace(size_t events) {
  const MemoryFile file;
  const auto writer = TraceWriter::FromFd(file.Duplicate(), "memory");
  writer->OnRecording({.hostname = "edge-7", .kernel_release = "6.18.44"});
  EventFormat format;
  format.system = "skb";
  format.name = "kfree_skb";
  format.text = "name: kfree_skb\n";
  writer->OnFormat(format);
  EXPECT_TRUE(writer->Flush().ok());
  for (size_t i = 0; i < events; ++i) {
    CorrelatedEvent event;
    event.time_ns = 1000 + i;
    event.comm = "ping";
    event.format = &format;
    writer->OnEvent(event);
    EXPECT_TRUE(writer->Flush().ok());
  }
  writer->OnEnd({.time_ns = 5000, .events = events, .reason = "signal"});
  EXPECT_TRUE(writer->Close().ok());
  return file.Bytes();
}

std::vector<std::string> Told(const std::string& trace) {
  Transcript transcript;
  ReadTraceBytes(trace, transcript);
  return transcript.lines();
}

TEST(TraceFile, WhatComesOutIsWhatWentIn) {
  Transcript in;
  FeedTestRecording(in);
  Transcript out;
  const ReadSummary summary = ReadTraceBytes(SmallTrace(), out);
  EXPECT_FALSE(summary.damaged()) << summary.Describe();
  EXPECT_EQ(summary.chunks, 1u);
  EXPECT_EQ(summary.skipped_bytes, 0u);
  // Tables come first within a chunk, whatever their order was.
  EXPECT_THAT(out.lines(), ::testing::UnorderedElementsAreArray(in.lines()));
  EXPECT_EQ(out.events(), 4u);
}

TEST(TraceFile, ProgramsOfOtherPeopleCanReadIt) {
  pb::Trace trace;
  ASSERT_TRUE(trace.ParseFromString(LongTrace(kMany)));
  ASSERT_EQ(trace.chunk_size(), static_cast<int>(kMany + 2));
  for (int i = 0; i < trace.chunk_size(); ++i) {
    EXPECT_EQ(trace.chunk(i).sequence(), static_cast<uint64_t>(i));
    EXPECT_EQ(trace.chunk(i).last(), i + 1 == trace.chunk_size());
    EXPECT_EQ(trace.chunk(i).recording_id(), trace.chunk(0).recording_id());
  }
}

TEST(TraceFile, CutAtEveryByteReadsUpToThere) {
  const std::string small = SmallTrace();
  const std::string whole = small + LongTrace(kFew);
  const auto all = Told(whole);
  std::vector<size_t> ends;  // of whole chunks
  for (const std::string& chunk : Chunks(whole)) {
    ends.push_back((ends.empty() ? 0 : ends.back()) + chunk.size());
  }
  for (size_t size = 1; size < whole.size(); ++size) {
    Transcript transcript;
    const ReadSummary summary = ReadTraceBytes(whole.substr(0, size), transcript);
    // Between the two recordings nothing is missing: a whole trace ends there.
    ASSERT_EQ(summary.damaged(), size != small.size()) << size;
    const auto whole_chunks = std::upper_bound(ends.begin(), ends.end(), size) - ends.begin();
    ASSERT_EQ(summary.chunks, static_cast<uint64_t>(whole_chunks)) << size;
    ASSERT_EQ(summary.skipped_bytes, size - (whole_chunks > 0 ? ends[whole_chunks - 1] : 0))
        << size;
    const auto& lines = transcript.lines();
    ASSERT_LE(lines.size(), all.size()) << size;
    ASSERT_TRUE(std::equal(lines.begin(), lines.end(), all.begin())) << size;
    ASSERT_EQ(transcript.events(),
              whole_chunks == 0 ? 0u : 4 + std::max<size_t>(whole_chunks, 2) - 2)
        << size;
  }
}

TEST(TraceFile, AFlippedByteCostsItsChunk) {
  const std::string whole = LongTrace(kFew);
  const auto all = Told(whole);
  for (const char flip : {'\x01', '\x80', '\xff'}) {
    for (size_t at = 0; at < whole.size(); ++at) {
      std::string bad = whole;
      bad[at] = static_cast<char>(bad[at] ^ flip);
      Transcript transcript;
      const ReadSummary summary = ReadTraceBytes(bad, transcript);
      ASSERT_TRUE(summary.damaged()) << at;
      ASSERT_GT(summary.skipped_bytes, 0u) << at;
      ASSERT_FALSE(summary.problems.empty()) << at;
      ASSERT_GE(transcript.events(), kFew - 1) << at;
      ASSERT_THAT(summary.Describe(), HasSubstr("damaged and were skipped")) << at;
      // What is left is as it was; only the name of the format may be missing until a later chunk.
      ASSERT_LE(transcript.lines().size(), all.size()) << at;
    }
  }
}

TEST(TraceFile, FormatsThatWereLostComeFromALaterChunk) {
  auto chunks = Chunks(LongTrace(kMany));
  std::string without_first;
  for (size_t i = 1; i < chunks.size(); ++i) without_first += chunks[i];
  Transcript transcript;
  const ReadSummary summary = ReadTraceBytes(without_first, transcript);
  EXPECT_EQ(summary.missing_chunks, 1u);
  EXPECT_TRUE(summary.damaged());
  EXPECT_EQ(transcript.events(), kMany);
  size_t named = 0;
  for (const std::string& line : transcript.lines()) {
    named += line.find("skb:kfree_skb") != std::string::npos;
  }
  EXPECT_EQ(named, kMany);
}

TEST(TraceFile, MissingChunksAreCounted) {
  const auto chunks = Chunks(LongTrace(kMany));
  std::string gap;
  for (size_t i = 0; i < chunks.size(); ++i) {
    if (i < 10 || i >= 15) gap += chunks[i];
  }
  Transcript transcript;
  const ReadSummary summary = ReadTraceBytes(gap, transcript);
  EXPECT_EQ(summary.missing_chunks, 5u);
  EXPECT_EQ(summary.skipped_bytes, 0u);
  EXPECT_TRUE(summary.damaged());
  EXPECT_THAT(summary.Describe(), HasSubstr("5 chunks are missing"));
}

TEST(TraceFile, WithoutTheLastChunkItWasCutShort) {
  const auto chunks = Chunks(LongTrace(kMany));
  std::string cut;
  for (size_t i = 0; i + 1 < chunks.size(); ++i) cut += chunks[i];
  Transcript transcript;
  const ReadSummary summary = ReadTraceBytes(cut, transcript);
  EXPECT_EQ(summary.skipped_bytes, 0u);
  EXPECT_EQ(summary.missing_chunks, 0u);
  EXPECT_FALSE(summary.ended);
  EXPECT_TRUE(summary.damaged());
  EXPECT_THAT(summary.Describe(), HasSubstr("cut short"));
  EXPECT_EQ(transcript.events(), kMany);
}

TEST(TraceFile, TracesPutTogetherReadOneAfterTheOther) {
  Transcript transcript;
  const ReadSummary summary =
      ReadTraceBytes(SmallTrace() + LongTrace(kMany) + SmallTrace(), transcript);
  EXPECT_FALSE(summary.damaged()) << summary.Describe();
  EXPECT_EQ(summary.recordings, 3u);
  EXPECT_EQ(transcript.events(), 4 + kMany + 4);
}

TEST(TraceFile, RubbishBeforeAndBetweenIsSkipped) {
  Transcript transcript;
  const std::string rubbish(3000, '\x0a');
  const ReadSummary summary =
      ReadTraceBytes(rubbish + SmallTrace() + rubbish + SmallTrace(), transcript);
  EXPECT_EQ(summary.skipped_bytes, 2 * rubbish.size());
  EXPECT_EQ(summary.recordings, 2u);
  EXPECT_EQ(transcript.events(), 8u);
}

TEST(TraceFile, APayloadThatPointsNowhereIsNotUsed) {
  pb::Payload payload;
  payload.mutable_interned()->add_strings();
  payload.mutable_events()->add_shapes()->set_comm(7);
  const std::string chunk =
      *EncodeChunk({.recording_id = "0123456789abcdef", .last = true}, payload.SerializeAsString());
  Transcript transcript;
  const ReadSummary summary = ReadTraceBytes(chunk, transcript);
  EXPECT_TRUE(transcript.lines().empty());
  EXPECT_EQ(summary.skipped_bytes, chunk.size());
  EXPECT_EQ(summary.chunks, 0u);
}

class TraceOnDisk : public ::testing::Test {
 protected:
  TraceOnDisk() {
    const char* folder = std::getenv("TEST_TMPDIR");
    path_ = std::string(folder != nullptr ? folder : "/tmp") + "/trace.pb";
    unlink(path_.c_str());
  }
  ~TraceOnDisk() override { unlink(path_.c_str()); }

  std::string path_;
};

TEST_F(TraceOnDisk, IsForItsOwnerAlone) {
  const mode_t before = umask(0);
  ASSERT_TRUE(TraceWriter::Create(path_).ok());
  umask(before);
  struct stat info = {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  // Also where an older file was open to everybody.
  ASSERT_EQ(chmod(path_.c_str(), 0666), 0);
  ASSERT_TRUE(TraceWriter::Create(path_).ok());
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(TraceOnDisk, AFullDiskEndsIt) {
  const auto writer =
      TraceWriter::FromFd(ScopedFd(open("/dev/full", O_WRONLY | O_CLOEXEC)), "/dev/full");
  FeedTestRecording(*writer);
  EXPECT_FALSE(writer->Close().ok());
  EXPECT_THAT(std::string(writer->status().message()), HasSubstr("/dev/full"));
  EXPECT_FALSE(writer->WantsMore());
}

TEST_F(TraceOnDisk, WhatIsNoTraceIsAnError) {
  Transcript nobody;
  EXPECT_FALSE(ReadTraceFile(path_, nobody).ok());  // is not there
  for (const std::string& content : {std::string(), std::string("PERFILE2 or something")}) {
    const int fd = open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ASSERT_EQ(write(fd, content.data(), content.size()), static_cast<ssize_t>(content.size()));
    close(fd);
    const auto read = ReadTraceFile(path_, nobody);
    ASSERT_FALSE(read.ok());
    EXPECT_THAT(std::string(read.status().message()), HasSubstr("bpftrace-correlate record"));
  }
}

}  // namespace
}  // namespace correlate
