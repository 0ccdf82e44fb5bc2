#include "proto/test_recording.h"

#include <sys/mman.h>
#include <unistd.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proto/program_values.h"
#include "proto/test_chunks.h"
#include "proto/values.h"

namespace correlate {
namespace {

template <typename Message, typename Value>
std::string Line(const char* call, const Value& value) {
  Message message;
  ToProto(value, &message);
  return absl::StrCat(call, " ", message.ShortDebugString());
}

std::string FrameText(const Frame* frame) {
  return absl::StrCat(" ", absl::Hex(frame->address), "=", absl::CEscape(frame->symbol), "+",
                      frame->offset, "/", FrameKindName(frame->kind), "/", frame->module, "/",
                      frame->program_id, "/", frame->function, "/", frame->file, ":", frame->line);
}

}  // namespace

void CallLog::OnRecording(const RecordingFacts& facts) {
  lines.push_back(Line<pb::Recording>("recording", facts));
}
void CallLog::OnClocks(const ClockReading& clocks) {
  lines.push_back(Line<pb::ClockReading>("clocks", clocks));
}
void CallLog::OnFormat(const EventFormat& format) {
  lines.push_back(Line<pb::Format>("format", format));
}
void CallLog::OnProgram(const ProgramInfo& program) {
  lines.push_back(Line<pb::Program>("program", program));
}
void CallLog::OnAttachment(const Attachment& attachment) {
  lines.push_back(Line<pb::Attachment>("attachment", attachment));
}
void CallLog::OnNetns(const Netns& netns) { lines.push_back(Line<pb::Netns>("netns", netns)); }
void CallLog::OnDevice(const Device& device) {
  lines.push_back(Line<pb::Device>("device", device));
}
void CallLog::OnLoss(const Loss& loss) { lines.push_back(Line<pb::Loss>("loss", loss)); }
void CallLog::OnCounts(const EventCounts& counts) {
  lines.push_back(Line<pb::EventCounts>("counts", counts));
}
void CallLog::OnNote(const Note& note) { lines.push_back(Line<pb::Note>("note", note)); }
void CallLog::OnEnd(const RecordingEnd& end) { lines.push_back(Line<pb::End>("end", end)); }

void CallLog::OnEvent(const CorrelatedEvent& event) {
  std::string line = absl::StrCat(
      "event ", event.format->FullName(), " ", event.format->id, " at ", event.time_ns, " cpu ",
      event.cpu, " pid ", event.pid, " tid ", event.tid, " comm ", absl::CEscape(event.comm),
      " raw ",
      absl::BytesToHexString({reinterpret_cast<const char*>(event.raw.data()), event.raw.size()}));
  if (event.stack != nullptr) {
    absl::StrAppend(&line, " stack");
    for (const Frame* frame : event.stack->frames) absl::StrAppend(&line, FrameText(frame));
  }
  for (const CodePointer& pointer : event.code_pointers) {
    absl::StrAppend(&line, " ", pointer.field, ":", FrameText(pointer.frame));
  }
  if (event.attribution != nullptr) {
    absl::StrAppend(&line, " ", EvidenceName(event.attribution->evidence), " ",
                    event.attribution->verdict, " because ", event.attribution->why);
    for (const BlamedProgram& program : event.attribution->programs) {
      absl::StrAppend(&line, " ", Line<pb::BlamedProgram>("blames", program));
    }
  }
  lines.push_back(line);
}

std::vector<std::string> LinesOf(absl::string_view bytes, ReadSummary* summary) {
  CallLog log;
  const ReadSummary read = ReadTraceBytes(bytes, log);
  if (summary != nullptr) *summary = read;
  return log.lines;
}

std::string WriteTrace(const std::function<void(TraceWriter&)>& feed,
                       const std::string& recording_id) {
  const int fd = memfd_create("trace", MFD_CLOEXEC);
  EXPECT_GE(fd, 0);
  const ScopedFd kept(dup(fd));
  const auto writer = TraceWriter::FromFd(ScopedFd(fd), "memory", recording_id);
  feed(*writer);
  EXPECT_TRUE(writer->Close().ok()) << writer->status();
  std::string bytes(writer->bytes_written(), '\0');
  EXPECT_EQ(pread(kept.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  return bytes;
}

void FeedRecording(TraceSink& sink, const std::function<void()>& flush) {
  RecordingFacts facts;
  facts.hostname = "edge\xff";
  facts.kernel_release = "6.18.44";
  facts.command_line = {"record", "-o", "\xc3("};
  sink.OnRecording(facts);
  sink.OnClocks(
      {.monotonic_ns = 1'000, .realtime_ns = 1'763'753'461'000'000'000, .boottime_ns = 9});
  EventFormat drop;
  drop.system = "skb";
  drop.name = "kfree_skb";
  drop.text = "name: kfree_skb\n";
  drop.fields = {{.name = "reason", .offset = 0, .size = 4, .names = {{2, "NOT_SPECIFIED"}}}};
  drop.print = {{.literal = "reason: "}, {.field = "reason", .conversion = "%s"}};
  EventFormat exception;
  exception.id = 1;
  exception.system = "xdp";
  exception.name = "xdp_exception";
  sink.OnFormat(drop);
  flush();

  Frame leaf = {.id = 1, .address = 0xffffffff81e64b01, .symbol = "udp_rcv", .offset = 47};
  leaf.kind = FrameKind::kKernel;
  Frame bpf = {.id = 2, .address = 0xffffffffc0025b94, .symbol = "bpf_prog_54_x\xfe", .offset = 12};
  bpf.kind = FrameKind::kBpf;
  bpf.program_id = 90;
  bpf.function = "x";
  bpf.file = "x.c";
  bpf.line = 41;
  const Stack stack = {.id = 1, .frames = {&leaf, &bpf, &leaf}};
  const std::vector<CodePointer> pointers = {{"location", &leaf}};
  const Attribution nobody = {.id = 1, .why = "nobody is on the callchain"};
  const Attribution freed = {
      .id = 2,
      .evidence = Evidence::kStack,
      .verdict = "NOT_SPECIFIED",
      .why = "freed inside",
      .programs = {{.id = 90, .name = "tc\xff", .tag = "9ad5a9dc21a38da7", .line = 41}}};
  const std::vector<uint8_t> raw = {2, 0, 0, 0};
  CorrelatedEvent event;
  event.time_ns = 2'000'000;
  event.cpu = 1;
  event.pid = event.tid = 77;
  event.comm = "ping\xc3";
  event.format = &drop;
  event.raw = raw;
  event.stack = &stack;
  event.code_pointers = pointers;
  event.attribution = &nobody;
  sink.OnEvent(event);
  flush();
  sink.OnFormat(exception);
  ProgramInfo program;
  program.id = 90;
  program.name = "tc\xff";
  sink.OnProgram(program);
  sink.OnAttachment({.hook = "tc", .direction = "ingress", .program_id = 90, .netns_name = "\xff"});
  sink.OnNetns({.id = {4026531840, 1}, .name = "blue"});
  sink.OnDevice({.netns = {4026531840, 1}, .ifindex = 2, .ifname = "eth\xff"});
  flush();
  event.time_ns = 3'000'000;
  event.format = &exception;
  event.stack = nullptr;
  event.code_pointers = {};
  event.attribution = &freed;
  sink.OnEvent(event);
  event.time_ns = 3'000'001;
  event.attribution = nullptr;
  event.comm = "";
  sink.OnEvent(event);
  flush();
  sink.OnLoss({.from_ns = 5, .to_ns = 6, .cpu = 1, .source = "skb:kfree_skb", .count = 5});
  sink.OnCounts({.format_id = 0, .cpu = 1, .counted = 9, .written = 3, .lost = 5, .missed = 1});
  sink.OnNote({.time_ns = 7, .text = "something is missing"});
  sink.OnEnd({.time_ns = 8, .events = 3, .lost = 5, .missed = 1, .reason = "signal"});
}

std::string FiveChunks(std::vector<size_t>* begins, const std::string& recording_id) {
  const std::string trace = WriteTrace(
      [](TraceWriter& writer) {
        FeedRecording(writer, [&writer] { EXPECT_TRUE(writer.Flush().ok()); });
      },
      recording_id);
  const std::vector<size_t> found = ChunkBegins(trace);
  EXPECT_EQ(found.size(), 6u);
  if (begins != nullptr) *begins = found;
  return trace;
}

std::vector<size_t> ChunkBegins(absl::string_view trace) {
  std::vector<size_t> begins = {0};
  for (const absl::string_view chunk : ChunksOf(trace)) {
    begins.push_back(begins.back() + chunk.size());
  }
  EXPECT_EQ(begins.back(), trace.size());
  return begins;
}

}  // namespace correlate
