#include "tests/fakes/transcript.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "proto/packet_values.h"
#include "proto/program_values.h"
#include "proto/values.h"

namespace correlate {
namespace {

// Messages have a text form; that values become messages whole is proto/values_test's matter.
template <typename Message, typename Value>
std::string Text(absl::string_view what, const Value& value) {
  Message message;
  ToProto(value, &message);
  return absl::StrCat(what, " ", message.ShortDebugString());
}

// In place of a number, so that the text shows the string itself.
std::string TextOfFrame(const Frame& frame) {
  return absl::StrCat(absl::Hex(frame.address), " ", absl::CEscape(frame.symbol), "+", frame.offset,
                      " ", FrameKindName(frame.kind), " ", frame.module, " ", frame.program_id, " ",
                      frame.function, " ", frame.file, ":", frame.line);
}

}  // namespace

void Transcript::OnRecording(const RecordingFacts& facts) {
  lines_.push_back(Text<pb::Recording>("recording", facts));
}
void Transcript::OnClocks(const ClockReading& clocks) {
  lines_.push_back(Text<pb::ClockReading>("clocks", clocks));
}
void Transcript::OnFormat(const EventFormat& format) {
  lines_.push_back(Text<pb::Format>("format", format));
}
void Transcript::OnProgram(const ProgramInfo& program) {
  lines_.push_back(Text<pb::Program>("program", program));
}
void Transcript::OnAttachment(const Attachment& attachment) {
  lines_.push_back(Text<pb::Attachment>("attachment", attachment));
}
void Transcript::OnNetns(const Netns& netns) { lines_.push_back(Text<pb::Netns>("netns", netns)); }
void Transcript::OnDevice(const Device& device) {
  lines_.push_back(Text<pb::Device>("device", device));
}
void Transcript::OnLoss(const Loss& loss) { lines_.push_back(Text<pb::Loss>("loss", loss)); }
void Transcript::OnCounts(const EventCounts& counts) {
  lines_.push_back(Text<pb::EventCounts>("counts", counts));
}
void Transcript::OnMap(const MapInfo& map) { lines_.push_back(Text<pb::Map>("map", map)); }

void Transcript::OnMapSnapshot(const MapSnapshot& snapshot) {
  lines_.push_back(Text<pb::MapSnapshot>("map snapshot", snapshot));
}

void Transcript::OnProgramImage(const ProgramImage& image) {
  lines_.push_back(Text<pb::ProgramImage>("image", image));
}

void Transcript::OnBtf(const BtfImage& btf) { lines_.push_back(Text<pb::Btf>("btf", btf)); }

void Transcript::OnXdpActions(const XdpActionCounts& counts) {
  lines_.push_back(Text<pb::XdpActionCounts>("xdp actions", counts));
}
void Transcript::OnHostCounters(const HostCounters& counters) {
  lines_.push_back(Text<pb::HostCounters>("host counters", counters));
}
void Transcript::OnNote(const Note& note) { lines_.push_back(Text<pb::Note>("note", note)); }
void Transcript::OnEnd(const RecordingEnd& end) { lines_.push_back(Text<pb::End>("end", end)); }

void Transcript::OnEvent(const CorrelatedEvent& event) {
  ++events_;
  std::string line =
      absl::StrCat("event ", event.time_ns, " ", event.cpu, " ", event.pid, " ", event.tid, " ",
                   absl::CEscape(event.comm), " ", event.format->FullName(), " ",
                   absl::BytesToHexString(absl::string_view(
                       reinterpret_cast<const char*>(event.raw.data()), event.raw.size())),
                   " context ", static_cast<int>(event.context));
  // Strings have no numbers here: each is written out where it is first asked for.
  const auto number = [&line](absl::string_view text) -> uint32_t {
    absl::StrAppend(&line, " \"", absl::CEscape(text), "\"");
    return 0;
  };
  if (event.packet != nullptr) {
    pb::Packet message;
    ToProto(*event.packet, number, &message);
    absl::StrAppend(&line, " packet ", message.ShortDebugString());
  }
  if (event.captured.link != CapturedPacket::Link::kNone) {
    absl::StrAppend(&line, " captured ", static_cast<int>(event.captured.link), " ",
                    event.captured.wire_bytes, " ",
                    absl::BytesToHexString(absl::string_view(
                        reinterpret_cast<const char*>(event.captured.bytes.data()),
                        event.captured.bytes.size())));
  }
  if (event.look != nullptr) {
    pb::HookLook message;
    ToProto(*event.look, number, &message);
    absl::StrAppend(&line, " look ", message.ShortDebugString());
  }
  if (event.stack != nullptr) {
    for (const Frame* frame : event.stack->frames) {
      absl::StrAppend(&line, "\n  ", TextOfFrame(*frame));
    }
  }
  for (const CodePointer& pointer : event.code_pointers) {
    absl::StrAppend(&line, "\n  ", pointer.field, " = ", TextOfFrame(*pointer.frame));
  }
  if (event.attribution != nullptr) {
    absl::StrAppend(&line, "\n  ", EvidenceName(event.attribution->evidence), " ",
                    event.attribution->verdict, " ", event.attribution->why, " ",
                    event.attribution->follows_exception);
    for (const BlamedProgram& program : event.attribution->programs) {
      absl::StrAppend(&line, "\n    ", Text<pb::BlamedProgram>("program", program));
    }
  }
  lines_.push_back(std::move(line));
}

}  // namespace correlate
