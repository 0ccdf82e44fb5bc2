// From perf's bytes through correlation and a trace file to the report, compared event for event
// with how perf itself read the same file.
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "proto/trace_reader.h"
#include "proto/trace_writer.h"
#include "render/event_text.h"
#include "report/report_tables.h"
#include "report/report_text.h"
#include "tests/captures/capture.h"

namespace correlate {
namespace {

// One event a string: CPU, time, event, text, the callchain's addresses.
class EventLines : public TraceSink {
 public:
  void OnEvent(const CorrelatedEvent& event) override {
    std::string line = absl::StrFormat("[%03d] %d.%09d %s:%s %s", event.cpu,
                                       event.time_ns / 1'000'000'000, event.time_ns % 1'000'000'000,
                                       event.format->system, event.format->name, texts_.Of(event));
    for (const Frame* frame : event.stack->frames)
      absl::StrAppendFormat(&line, " %x", frame->address);
    lines.push_back(line);
  }
  std::vector<std::string> lines;

 private:
  EventTexts texts_;
};

// The same of `perf script -F cpu,time,event,ip,trace`: a line, its addresses below, a blank line.
std::vector<std::string> PerfLines(const std::string& text) {
  std::vector<std::string> lines;
  for (absl::string_view block : absl::StrSplit(text, "\n\n", absl::SkipWhitespace())) {
    std::vector<absl::string_view> words =
        absl::StrSplit(block, absl::ByAnyChar(" \n\t"), absl::SkipEmpty());
    words[1] = absl::StripSuffix(words[1], ":");
    words[2] = absl::StripSuffix(words[2], ":");
    lines.push_back(absl::StrJoin(words, " "));
  }
  return lines;
}

class Replay : public testing::Test {
 protected:
  // The demo's capture, as a trace.
  static void SetUpTestSuite() {
    path_ = testing::TempDir() + "/replay.pb";
    unlink(path_.c_str());
    auto writer = TraceWriter::Create(path_);
    ASSERT_TRUE(writer.ok()) << writer.status();
    const auto summary = ReplayCapture("demo", **writer);
    ASSERT_TRUE(summary.ok()) << summary.status();
    EXPECT_EQ(summary->malformed, 0u);
    EXPECT_EQ(summary->out_of_order, 0u);
    ASSERT_TRUE((*writer)->Close().ok());
  }

  static void ReadInto(TraceSink& sink) {
    const auto read = ReadTraceFile(path_, sink);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->Describe(), "");
  }

  static std::string path_;
};

std::string Replay::path_;

TEST_F(Replay, EventForEventAsPerfReadsIt) {
  EventLines ours;
  ReadInto(ours);
  const auto oracle = ReadCaptureFile("demo.perf-script.zst");
  ASSERT_TRUE(oracle.ok()) << oracle.status();
  const std::vector<std::string> perf = PerfLines(*oracle);
  ASSERT_GE(perf.size(), 1000u);
  ASSERT_EQ(ours.lines.size(), perf.size());
  for (size_t i = 0; i < perf.size(); ++i) ASSERT_EQ(ours.lines[i], perf[i]) << "event " << i;
}

// perf's header tells the types of programs, which side-band records do not: one that stands in the
// stack of a drop is blamed for it because it is none that only observes.
TEST_F(Replay, BlamesByTheStackAProgramWhoseTypeTheHeaderTells) {
  class Mirrored : public TraceSink {
   public:
    void OnEvent(const CorrelatedEvent& event) override {
      for (const Frame* frame : event.stack->frames) {
        if (frame->kind != FrameKind::kBpf || frame->function != "tc_mirror") continue;
        ++frames;
        EXPECT_NE(frame->program_id, 0u);
        EXPECT_EQ(event.attribution->evidence, Evidence::kStack);
        EXPECT_EQ(event.attribution->programs.at(0).type_name, "sched_cls");
      }
    }
    int frames = 0;
  } mirrored;
  ReadInto(mirrored);
  EXPECT_EQ(mirrored.frames, 250);

  ReportTables tables({});
  ReadInto(tables);
  ASSERT_EQ(tables.Culprits().size(), 2u);
  for (const CulpritGroup* group : tables.Culprits()) {
    const bool mirror = group->evidence == Evidence::kStack;
    EXPECT_EQ(group->programs.at(0).name, mirror ? "tc_mirror" : "xdp_abort");
    EXPECT_EQ(group->events, 250u);
  }
}

TEST_F(Replay, Report) {
  ReportTables tables({});
  ReadInto(tables);
  tables.Finish();
  const std::string text = RenderReport(tables, "demo");
  const std::string path = "tests/captures/demo.report.txt";
  if (const char* root = std::getenv("UPDATE_GOLDEN_IN"); root != nullptr) {
    std::ofstream(std::string(root) + "/" + path) << text;
    return;
  }
  const auto golden = ReadCaptureFile("demo.report.txt");
  ASSERT_TRUE(golden.ok()) << golden.status();
  EXPECT_EQ(text, *golden);
}

}  // namespace
}  // namespace correlate
