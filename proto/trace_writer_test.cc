#include "proto/trace_writer.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <set>

#include "gtest/gtest.h"
#include "proto/chunk.h"
#include "proto/test_recording.h"
#include "proto/trace.pb.h"

namespace correlate {
namespace {

std::string FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

mode_t ModeOf(const std::string& path) {
  struct stat info = {};
  EXPECT_EQ(stat(path.c_str(), &info), 0);
  return info.st_mode & 07777;
}

void FeedEvent(TraceSink& sink, uint64_t time_ns, size_t raw_bytes = 4) {
  static const EventFormat format;
  const std::vector<uint8_t> raw(raw_bytes, 'r');
  CorrelatedEvent event;
  event.time_ns = time_ns;
  event.format = &format;
  event.raw = raw;
  sink.OnEvent(event);
}

class TraceWriterTest : public testing::Test {
 protected:
  TraceWriterTest()
      : path_(testing::TempDir() + "/" +
              testing::UnitTest::GetInstance()->current_test_info()->name()) {}
  ~TraceWriterTest() override { unlink(path_.c_str()); }
  const std::string path_;
};

TEST_F(TraceWriterTest, WhatIsWrittenReads) {
  CallLog expected;
  FeedRecording(expected);
  const auto writer = TraceWriter::Create(path_);
  ASSERT_TRUE(writer.ok()) << writer.status();
  FeedRecording(**writer);
  ASSERT_TRUE((*writer)->Close().ok());
  CallLog read;
  const auto summary = ReadTraceFile(path_, read);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_FALSE(summary->damaged());
  EXPECT_EQ(summary->bytes, (*writer)->bytes_written());
  // The order of kinds within one chunk is the payload's.
  EXPECT_EQ(std::multiset<std::string>(read.lines.begin(), read.lines.end()),
            std::multiset<std::string>(expected.lines.begin(), expected.lines.end()));
  // Chunk by chunk it is the recording's, besides.
  const std::string five = FiveChunks();
  const std::vector<std::string> by_chunk = LinesOf(five);
  EXPECT_EQ(std::multiset<std::string>(by_chunk.begin(), by_chunk.end()),
            std::multiset<std::string>(expected.lines.begin(), expected.lines.end()));
}

TEST_F(TraceWriterTest, ForItsOwnerAlone) {
  const mode_t before = umask(0);
  ASSERT_TRUE(TraceWriter::Create(path_).ok());
  umask(before);
  EXPECT_EQ(ModeOf(path_), 0600);
  // Also where an older file was open to everybody; what was in it is gone.
  ASSERT_EQ(chmod(path_.c_str(), 0666), 0);
  std::ofstream(path_) << "old";
  ASSERT_TRUE(TraceWriter::Create(path_).ok());
  EXPECT_EQ(ModeOf(path_), 0600);
  EXPECT_EQ(FileBytes(path_), "");
}

TEST_F(TraceWriterTest, NotToATerminal) {
  int primary = -1;
  int secondary = -1;
  char name[128];
  ASSERT_EQ(openpty(&primary, &secondary, name, nullptr, nullptr), 0);
  const ScopedFd a(primary);
  const ScopedFd b(secondary);
  const auto writer = TraceWriter::Create(name);
  EXPECT_EQ(writer.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(writer.status().message()).find("not written to a terminal"),
            std::string::npos);
}

TEST_F(TraceWriterTest, NoSuchFolder) {
  const auto writer = TraceWriter::Create("/nonexistent/folder/trace");
  EXPECT_EQ(writer.status().code(), absl::StatusCode::kNotFound) << writer.status();
}

TEST_F(TraceWriterTest, ChunksCloseByAgeAndBySize) {
  std::vector<size_t> begins;
  const std::string trace = WriteTrace([](TraceWriter& writer) {
    FeedEvent(writer, 1'000);
    writer.Tick(1'000 + kChunkAgeNs - 1);
    EXPECT_EQ(writer.bytes_written(), 0u);
    writer.Tick(1'000 + kChunkAgeNs);
    EXPECT_GT(writer.bytes_written(), 0u);
    const uint64_t first = writer.bytes_written();
    writer.Tick(1'000 + 9 * kChunkAgeNs);  // nothing to write: no chunk
    EXPECT_EQ(writer.bytes_written(), first);
    FeedEvent(writer, 2'000, kChunkBytes - 200);
    EXPECT_EQ(writer.bytes_written(), first);
    FeedEvent(writer, 2'001, 100);
    EXPECT_GT(writer.bytes_written(), first);
  });
  EXPECT_EQ(ChunkBegins(trace).size(), 4u);  // two, and the last one
}

TEST_F(TraceWriterTest, TablesStandInTheFirstEverySixtyFourthAndLastChunk) {
  const std::string trace = WriteTrace([](TraceWriter& writer) {
    RecordingFacts facts;
    facts.hostname = "h";
    writer.OnRecording(facts);
    EventFormat format;
    format.name = "f";
    writer.OnFormat(format);
    for (int i = 0; i < 130; ++i) {
      FeedEvent(writer, i);
      ASSERT_TRUE(writer.Flush().ok());
    }
  });
  const std::vector<size_t> begins = ChunkBegins(trace);
  ASSERT_EQ(begins.size(), 132u);
  for (size_t i = 0; i + 1 < begins.size(); ++i) {
    ChunkHeader header;
    std::string bytes;
    ASSERT_TRUE(DecodeChunk(absl::string_view(trace).substr(begins[i], begins[i + 1] - begins[i]),
                            &header, &bytes)
                    .ok());
    pb::Payload payload;
    ASSERT_TRUE(payload.ParseFromString(bytes));
    const bool tables = i % 64 == 0 || i == 130;
    EXPECT_EQ(header.sequence, i);
    EXPECT_EQ(header.has_tables, tables) << i;
    EXPECT_EQ(payload.has_recording(), tables) << i;
    EXPECT_EQ(payload.formats_size(), tables ? 1 : 0) << i;
    EXPECT_EQ(header.last, i == 130);
  }
}

TEST_F(TraceWriterTest, RandomIds) {
  std::set<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    ChunkHeader header;
    std::string payload;
    ASSERT_TRUE(DecodeChunk(WriteTrace([](TraceWriter&) {}, ""), &header, &payload).ok());
    ids.insert(header.recording_id);
  }
  EXPECT_EQ(ids.size(), 3u);
}

TEST_F(TraceWriterTest, FullDisk) {
  const auto writer = TraceWriter::Create("/dev/full");
  ASSERT_TRUE(writer.ok()) << writer.status();
  EXPECT_TRUE((*writer)->WantsMore());
  FeedRecording(**writer);
  const absl::Status status = (*writer)->Flush();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_NE(std::string(status.message()).find("/dev/full"), std::string::npos);
  EXPECT_FALSE((*writer)->WantsMore());
  FeedRecording(**writer);
  EXPECT_EQ((*writer)->Close(), status);
  EXPECT_EQ((*writer)->bytes_written(), 0u);
}

long PeakKilobytes() {
  struct rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST_F(TraceWriterTest, AfterAnErrorNothingPilesUp) {
  const auto writer = TraceWriter::Create("/dev/full");
  ASSERT_TRUE(writer.ok());
  FeedEvent(**writer, 1);
  ASSERT_FALSE((*writer)->Flush().ok());
  const long before = PeakKilobytes();
  const Note note = {.text = std::string(10'000, 'n')};
  for (int i = 0; i < 20'000; ++i) (*writer)->OnNote(note);  // 200 MB
  EXPECT_LT(PeakKilobytes() - before, 50'000);
}

// A file that may not grow beyond some size is a disk that fills up in the middle of a chunk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const struct rlimit limit = {bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  struct rlimit before_ = {};
};

TEST_F(TraceWriterTest, AnErrorInTheMiddleOfAChunkLeavesWholeChunks) {
  auto writer = TraceWriter::Create(path_);
  ASSERT_TRUE(writer.ok());
  FeedEvent(**writer, 1);
  ASSERT_TRUE((*writer)->Flush().ok());
  const uint64_t whole = (*writer)->bytes_written();
  {
    const FileSizeLimit limit(whole + 30);
    FeedEvent(**writer, 2);
    EXPECT_FALSE((*writer)->Flush().ok());
  }
  FeedEvent(**writer, 3);
  EXPECT_FALSE((*writer)->Close().ok());
  EXPECT_EQ(FileBytes(path_).size(), whole);
  ReadSummary summary;
  EXPECT_EQ(LinesOf(FileBytes(path_), &summary).size(), 2u);  // the recording and event 1
  EXPECT_EQ(summary.skipped_bytes, 0u);
  EXPECT_TRUE(summary.damaged());
  EXPECT_EQ(summary.Describe(), "the trace was cut short");
}

// `record -o - >> all`: what stood there before stays.
TEST_F(TraceWriterTest, AnErrorLeavesWhatWasInTheFileBefore) {
  const std::string old = FiveChunks();
  std::ofstream(path_, std::ios::binary) << old;
  const auto writer =
      TraceWriter::FromFd(ScopedFd(open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)),
                          "appended", "another-id-16-by");
  FeedEvent(*writer, 1);
  ASSERT_TRUE(writer->Flush().ok());
  const uint64_t whole = old.size() + writer->bytes_written();
  {
    const FileSizeLimit limit(whole + 30);
    FeedEvent(*writer, 2);
    EXPECT_FALSE(writer->Flush().ok());
  }
  const std::string bytes = FileBytes(path_);
  EXPECT_EQ(bytes.size(), whole);
  EXPECT_EQ(bytes.substr(0, old.size()), old);
}

}  // namespace
}  // namespace correlate
