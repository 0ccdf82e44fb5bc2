// A trace printed on several threads is printed as by one.
#include "proto/printing_lanes.h"

#include <unistd.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/test_recording.h"
#include "proto/trace_reader.h"

namespace correlate {
namespace {

using ::testing::HasSubstr;

// A line for each event, with what only tables of earlier chunks tell.
class Printer : public TraceSink {
 public:
  explicit Printer(std::ostream& out) : out_(out) {}
  void OnNetns(const Netns& netns) override { known_ += netns.name; }
  void OnProgram(const ProgramInfo& program) override { absl::StrAppend(&known_, program.id, ","); }
  void OnEvent(const CorrelatedEvent& event) override {
    out_ << event.time_ns << " " << event.format->FullName() << " " << event.comm << " " << known_
         << "\n";
  }
  void OnLoss(const Loss& loss) override { out_ << "lost " << loss.count << "\n"; }

 private:
  std::ostream& out_;
  std::string known_;
};

class PrintingLanesTest : public ::testing::Test {
 protected:
  PrintingLanesTest() : path_(absl::StrCat(testing::TempDir(), "/lanes.", getpid(), ".pb")) {}
  ~PrintingLanesTest() override { unlink(path_.c_str()); }

  // What all lanes print of these bytes, beside what one printer does.
  void Compare(const std::string& trace) {
    std::ofstream(path_, std::ios::binary) << trace;
    std::ostringstream one;
    Printer printer(one);
    const ReadSummary expected = ReadTraceBytes(trace, printer);
    std::ostringstream many;
    const auto summary = PrintTraceFile(
        path_, [](std::ostream& out) { return std::make_unique<Printer>(out); }, many);
    ASSERT_TRUE(summary.ok()) << summary.status();
    EXPECT_EQ(many.str(), one.str());
    EXPECT_EQ(summary->Describe(), expected.Describe());
    EXPECT_EQ(summary->chunks, expected.chunks);
    EXPECT_EQ(summary->recordings, expected.recordings);
  }
  const std::string path_;
};

TEST_F(PrintingLanesTest, OneRecording) { Compare(FiveChunks()); }

TEST_F(PrintingLanesTest, RecordingsOneBehindTheOther) {
  std::string all;
  for (int i = 0; i < 20; ++i) all += FiveChunks(nullptr, absl::StrCat("recording-id-", 100 + i));
  Compare(all);
}

TEST_F(PrintingLanesTest, AChunkLess) {
  std::vector<size_t> begins;
  const std::string trace = FiveChunks(&begins);
  for (size_t i = 0; i + 1 < begins.size(); ++i) {
    std::string damaged = trace;
    damaged.erase(begins[i], begins[i + 1] - begins[i]);
    Compare(damaged);
    damaged = trace;
    damaged[begins[i] + 40] ^= 1;
    Compare(damaged);
  }
}

TEST_F(PrintingLanesTest, CutShort) {
  const std::string trace = FiveChunks();
  for (const size_t size : {trace.size() - 1, trace.size() / 2, trace.size() / 4}) {
    Compare(trace.substr(0, size));
  }
}

TEST_F(PrintingLanesTest, NoTrace) {
  std::ofstream(path_) << "a letter";
  std::ostringstream out;
  const auto summary = PrintTraceFile(
      path_, [](std::ostream& o) { return std::make_unique<Printer>(o); }, out);
  EXPECT_THAT(std::string(summary.status().message()), HasSubstr("no readable part"));
}

TEST_F(PrintingLanesTest, AnOutputThatTakesNoMore) {
  std::string all;
  for (int i = 0; i < 50; ++i) all += FiveChunks(nullptr, absl::StrCat("recording-id-", 100 + i));
  std::ofstream(path_, std::ios::binary) << all;
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  const auto summary = PrintTraceFile(
      path_, [](std::ostream& o) { return std::make_unique<Printer>(o); }, out);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_TRUE(summary->stopped_early);
  EXPECT_FALSE(summary->damaged());
}

}  // namespace
}  // namespace correlate
