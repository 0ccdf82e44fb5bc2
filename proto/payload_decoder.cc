#include "proto/payload_decoder.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstddef>

#include "absl/strings/string_view.h"
#include "proto/interned.h"
#include "proto/packet_values.h"
#include "proto/program_values.h"
#include "proto/values.h"

namespace correlate {
namespace {

// What an event's format is called while it is not known.
constexpr char kUnknown[] = "unknown";

// The writer closes a chunk at a quarter of this, so only long tables are counted.
constexpr size_t kCountedFromBytes = 1 << 20;
// A million small messages take some 200 MB; the formats of every tracepoint of a host are 50,000.
constexpr size_t kMostMessages = 1 << 20;

// False: not well-formed, or *left came to 0. Depth is that of the schema, whose messages do not
// nest in themselves.
bool CountMessages(const google::protobuf::Descriptor& type,
                   google::protobuf::io::CodedInputStream* input, size_t* left) {
  using google::protobuf::FieldDescriptor;
  using google::protobuf::internal::WireFormatLite;
  if (--*left == 0) return false;
  for (;;) {
    const uint32_t tag = input->ReadTag();
    if (tag == 0) return input->ConsumedEntireMessage();
    const FieldDescriptor* field = type.FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
    const bool is_message =
        field != nullptr && field->type() == FieldDescriptor::TYPE_MESSAGE &&
        WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
    if (is_message) {
      uint32_t size;
      if (!input->ReadVarint32(&size) || size > INT32_MAX) return false;
      const auto limit = input->PushLimit(static_cast<int>(size));
      if (!CountMessages(*field->message_type(), input, left)) return false;
      input->PopLimit(limit);
    } else if (field != nullptr && field->is_repeated()) {
      if (--*left == 0) return false;
      if (!WireFormatLite::SkipField(input, tag)) return false;
    } else if (!WireFormatLite::SkipField(input, tag)) {
      return false;
    }
  }
}

}  // namespace

absl::Status CheckMessageCount(absl::string_view payload) {
  if (payload.size() <= kCountedFromBytes) return absl::OkStatus();
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(payload.data()),
                                               static_cast<int>(payload.size()));
  size_t left = kMostMessages;
  if (!CountMessages(*pb::Payload::descriptor(), &input, &left)) {
    return absl::DataLossError(left == 0 ? "a payload holds more than a chunk may"
                                         : "a payload is no protobuf message");
  }
  return absl::OkStatus();
}

absl::Status CheckPayload(const pb::Payload& payload) {
  const pb::Interned& interned = payload.interned();
  const int strings = interned.strings_size();
  for (const pb::Frame& frame : interned.frames()) {
    if (!InRange(frame.symbol(), strings) || !InRange(frame.module(), strings) ||
        !InRange(frame.function(), strings) || !InRange(frame.file(), strings)) {
      return absl::DataLossError("a frame names a string that is not there");
    }
  }
  for (const pb::Stack& stack : interned.stacks()) {
    for (const uint32_t frame : stack.frames()) {
      if (frame == 0 || !InRange(frame, interned.frames_size())) {
        return absl::DataLossError("a stack names a frame that is not there");
      }
    }
  }
  for (const pb::Attribution& attribution : interned.attributions()) {
    if (!InRange(attribution.verdict(), strings) || !InRange(attribution.why(), strings)) {
      return absl::DataLossError("an attribution names a string that is not there");
    }
  }
  for (const pb::HookLook& look : interned.looks()) {
    bool in_range = InRange(look.ifname(), strings);
    for (const pb::HookEntry& entry : look.entries()) {
      in_range &= InRange(entry.classifier(), strings);
    }
    if (!in_range) return absl::DataLossError("a look at a hook names a string that is not there");
  }
  for (const pb::Format& format : payload.formats()) {
    if (format.id() >= kMostFormats) return absl::DataLossError("a format's number is too large");
  }
  for (const pb::EventShape& shape : payload.events().shapes()) {
    if (shape.format() >= kMostFormats) {
      return absl::DataLossError("the number of an event's format is too large");
    }
  }
  if (absl::Status events = CheckEventColumns(payload.events(), interned); !events.ok()) {
    return events;
  }
  for (const pb::KindCount& kind : payload.kinds()) {
    if (kind.format() >= kMostFormats || !InRange(kind.location(), interned.frames_size())) {
      return absl::DataLossError("a count names something that is not there");
    }
  }
  return absl::OkStatus();
}

void PayloadDecoder::Decode(const pb::Payload& payload, RecordingTables* tables, TraceSink& sink) {
  DecodeTables(payload, tables, sink);
  DecodeInterned(payload.interned());
  DecodeEvents(payload, tables, sink);
  for (const pb::Loss& loss : payload.losses()) sink.OnLoss(FromProto(loss));
  for (const pb::EventCounts& counts : payload.counts()) sink.OnCounts(FromProto(counts));
  DecodeKinds(payload, tables, sink);
  for (const pb::XdpActionCounts& counts : payload.xdp_actions()) {
    sink.OnXdpActions(FromProto(counts));
  }
  for (const pb::HostCounters& counters : payload.host_counters()) {
    sink.OnHostCounters(FromProto(counters));
  }
  for (const pb::Note& note : payload.notes()) sink.OnNote(FromProto(note));
  if (payload.has_end()) sink.OnEnd(FromProto(payload.end()));
}

void PayloadDecoder::DecodeFormats(const pb::Payload& payload, RecordingTables* tables,
                                   TraceSink& sink) {
  for (const pb::Format& message : payload.formats()) {
    std::unique_ptr<EventFormat>& format = tables->formats[message.id()];
    if (format == nullptr) {
      format = std::make_unique<EventFormat>();
    } else if (format->system != kUnknown) {
      continue;
    }
    *format = FromProto(message);
    sink.OnFormat(*format);
  }
}

void PayloadDecoder::DecodeTables(const pb::Payload& payload, RecordingTables* tables,
                                  TraceSink& sink) {
  if (payload.has_recording() && !tables->seen_recording) {
    tables->seen_recording = true;
    sink.OnRecording(FromProto(payload.recording()));
  }
  DecodeFormats(payload, tables, sink);
  for (const pb::ClockReading& clocks : payload.clocks()) sink.OnClocks(FromProto(clocks));
  for (const pb::Netns& netns : payload.netns()) sink.OnNetns(FromProto(netns));
  for (const pb::Device& device : payload.devices()) sink.OnDevice(FromProto(device));
  for (const pb::Program& program : payload.programs()) sink.OnProgram(FromProto(program));
  for (const pb::Map& map : payload.maps()) sink.OnMap(FromProto(map));
  for (const pb::MapSnapshot& snapshot : payload.map_snapshots()) {
    sink.OnMapSnapshot(FromProto(snapshot));
  }
  for (const pb::ProgramImage& image : payload.images()) sink.OnProgramImage(FromProto(image));
  for (const pb::Btf& btf : payload.btf()) sink.OnBtf(FromProto(btf));
  for (const pb::Attachment& attachment : payload.attachments()) {
    sink.OnAttachment(FromProto(attachment));
  }
}

void PayloadDecoder::DecodeInterned(const pb::Interned& interned) {
  frames_.clear();
  frames_.reserve(interned.frames_size());
  for (const pb::Frame& message : interned.frames()) {
    Frame& frame = frames_.emplace_back();
    frame.id = next_id_++;
    frame.address = message.address();
    frame.symbol = std::string(StringAt(interned, message.symbol()));
    frame.offset = message.offset();
    frame.kind = FromProto(message.kind());
    frame.module = std::string(StringAt(interned, message.module()));
    frame.program_id = message.program_id();
    frame.function = std::string(StringAt(interned, message.function()));
    frame.file = std::string(StringAt(interned, message.file()));
    frame.line = message.line();
  }
  stacks_.clear();
  for (const pb::Stack& message : interned.stacks()) {
    Stack& stack = stacks_.emplace_back();
    stack.id = next_id_++;
    for (const uint32_t frame : message.frames()) stack.frames.push_back(&frames_[frame]);
  }
  attributions_.clear();
  for (const pb::Attribution& message : interned.attributions()) {
    Attribution& attribution = attributions_.emplace_back();
    attribution.id = next_id_++;
    attribution.evidence = FromProto(message.evidence());
    attribution.verdict = std::string(StringAt(interned, message.verdict()));
    attribution.why = std::string(StringAt(interned, message.why()));
    attribution.follows_exception = message.follows_exception();
    for (const pb::BlamedProgram& program : message.programs()) {
      attribution.programs.push_back(FromProto(program));
    }
  }
  looks_.clear();
  for (const pb::HookLook& message : interned.looks()) {
    looks_.push_back(FromProto(message, [&](uint32_t index) { return StringAt(interned, index); }));
    looks_.back().id = next_id_++;
  }
}

const EventFormat* PayloadDecoder::FormatOf(uint32_t id, RecordingTables* tables) {
  std::unique_ptr<EventFormat>& format = tables->formats[id];
  if (format == nullptr) {
    // Its chunk was damaged and no other one holds it: the raw bytes are all there is to say.
    format = std::make_unique<EventFormat>();
    format->id = id;
    format->system = kUnknown;
    format->name = kUnknown;
  }
  return format.get();
}

void PayloadDecoder::DecodeKinds(const pb::Payload& payload, RecordingTables* tables,
                                 TraceSink& sink) {
  for (const pb::KindCount& message : payload.kinds()) {
    const Frame* location = message.location() == 0 ? nullptr : &frames_[message.location()];
    sink.OnKindCount({.time_ns = message.time_ns(),
                      .format = FormatOf(message.format(), tables),
                      .location = location,
                      .count = {.kind = {.format_id = message.format(),
                                         .location = location == nullptr ? 0 : location->address,
                                         .reason = message.reason(),
                                         .netns = FromProto(message.netns()),
                                         .ifindex = message.ifindex(),
                                         .program_id = message.program_id()},
                                .other = message.other(),
                                .counted = message.counted(),
                                .last = message.last()}});
  }
}

void PayloadDecoder::DecodeEvents(const pb::Payload& payload, RecordingTables* tables,
                                  TraceSink& sink) {
  events_.Read(
      payload.events(),
      {.interned = &payload.interned(),
       .frames = frames_,
       .stacks = stacks_,
       .attributions = attributions_,
       .looks = looks_},
      [&](uint32_t id) { return FormatOf(id, tables); },
      [&](const CorrelatedEvent& event) {
        if (!sink.WantsMore()) return false;
        sink.OnEvent(event);
        return true;
      });
}

}  // namespace correlate
