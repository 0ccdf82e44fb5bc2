#include "export/redaction.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "render/event_fields.h"
#include "symbolize/raw_fields.h"

namespace correlate {
namespace {

constexpr char kRedacted[] = "[redacted]";
// Where stand-ins for code and for data are; symbols of code get a MiB each.
constexpr uint64_t kCodeBase = 0xffff'8000'0000'0000;
constexpr uint64_t kCodeStep = 1 << 20;
constexpr uint64_t kPointerBase = 0xffff'0000'0000'0000;
constexpr uint64_t kPointerStep = 256;
constexpr size_t kMostRemembered = 65536;

}  // namespace

absl::StatusOr<Redaction> Redaction::Parse(absl::string_view list) {
  Redaction redaction;
  for (const absl::string_view word : absl::StrSplit(list, ',', absl::SkipEmpty())) {
    if (word == "addresses") {
      redaction.addresses = true;
    } else if (word == "names") {
      redaction.names = true;
    } else if (word == "keys") {
      redaction.keys = true;
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("'", word, "' is none of addresses, names, keys"));
    }
  }
  return redaction;
}

std::string RedactingSink::Name(const char* kind, const std::string& name) {
  if (!redaction_.names || name.empty()) return name;
  std::string& stand_in = names_[{kind, name}];
  if (stand_in.empty()) stand_in = absl::StrCat(kind, "-", ++name_counts_[kind]);
  return stand_in;
}

uint64_t RedactingSink::Code(uint64_t address, uint64_t offset) {
  if (!redaction_.addresses || address == 0) return address;
  const auto [begin, is_new] = code_.try_emplace(address - offset);
  if (is_new) begin->second = kCodeBase + kCodeStep * code_.size();
  return begin->second + offset % kCodeStep;
}

uint64_t RedactingSink::Pointer(uint64_t address) {
  if (!redaction_.addresses || address == 0) return address;
  // Addresses of packets are used again and again; where they are not, equal ones lie close
  // together.
  if (pointers_.size() >= kMostRemembered) pointers_.clear();
  const auto [pointer, is_new] = pointers_.try_emplace(address);
  if (is_new) pointer->second = kPointerBase + kPointerStep * pointers_.size();
  return pointer->second;
}

void RedactingSink::Hide(PacketHeaders* headers) {
  if (!redaction_.addresses || headers->family == IpFamily::kNone) return;
  for (auto* address : {&headers->src, &headers->dst}) {
    const auto [host, is_new] =
        hosts_.try_emplace({headers->family, *address}, static_cast<uint32_t>(hosts_.size() + 1));
    const uint32_t number = host->second;
    const std::array<uint8_t, 3> low = {static_cast<uint8_t>(number >> 16),
                                        static_cast<uint8_t>(number >> 8),
                                        static_cast<uint8_t>(number)};
    *address = {};
    if (headers->family == IpFamily::kIpv4) {
      *address = {240, low[0], low[1], low[2]};  // reserved (RFC 1112): no host has one
    } else {
      (*address)[0] = 0xfd;
      std::copy(low.begin(), low.end(), address->end() - 3);
    }
  }
}

void RedactingSink::OnRecording(const RecordingFacts& facts) {
  RecordingFacts hidden = facts;
  hidden.hostname = Name("host", facts.hostname);
  if (redaction_.names) {
    hidden.boot_id = Name("boot", facts.boot_id);
    hidden.command_line = {kRedacted};
    for (std::string& filter : hidden.filters) filter = kRedacted;
  }
  ForwardingSink::OnRecording(hidden);
}

void RedactingSink::OnProgram(const ProgramInfo& program) {
  ProgramInfo hidden = program;
  hidden.name = Name("program", program.name);
  hidden.loader_comm = Name("command", program.loader_comm);
  hidden.loader_cgroup = Name("cgroup", program.loader_cgroup);
  for (std::string& pin : hidden.pins) pin = Name("path", pin);
  for (ProgramLine& line : hidden.lines) {
    // Counted from the function that it is in.
    for (const ProgramFunction& function : program.functions) {
      if (line.address < function.address ||
          line.address - function.address >= function.length_bytes) {
        continue;
      }
      line.address = Code(line.address, line.address - function.address);
      break;
    }
    line.file = Name("file", line.file);
  }
  for (ProgramFunction& function : hidden.functions) {
    function.address = Code(function.address, 0);
    function.name = Name("function", function.name);
  }
  ForwardingSink::OnProgram(hidden);
}

void RedactingSink::OnMap(const MapInfo& map) {
  MapInfo hidden = map;
  hidden.name = Name("map", map.name);
  for (std::string& pin : hidden.pins) pin = Name("path", pin);
  ForwardingSink::OnMap(hidden);
}

void RedactingSink::OnMapSnapshot(const MapSnapshot& snapshot) {
  if (!redaction_.keys) ForwardingSink::OnMapSnapshot(snapshot);
}

void RedactingSink::OnProgramImage(const ProgramImage& image) {
  ProgramImage hidden = image;
  if (redaction_.addresses) hidden.jited.clear();
  for (ProgramImage::Line& line : hidden.lines) {
    if (redaction_.addresses) line.address = 0;
    line.file = Name("file", line.file);
    if (redaction_.names && !line.text.empty()) line.text = kRedacted;
  }
  for (ProgramImage::Function& function : hidden.functions) {
    if (redaction_.addresses) function.address = 0;
    function.prototype = Name("function", function.prototype);
    function.symbol = Name("symbol", function.symbol);
  }
  for (ProgramImage::Call& call : hidden.calls) {
    if (!redaction_.addresses) continue;
    call.address = 0;
    if (absl::StartsWith(call.target, "0x")) call.target = kRedacted;
  }
  ForwardingSink::OnProgramImage(hidden);
}

void RedactingSink::OnBtf(const BtfImage& btf) {
  // Names of all types and fields.
  if (!redaction_.names) ForwardingSink::OnBtf(btf);
}

Attachment RedactingSink::Hidden(Attachment attachment) {
  attachment.netns_name = Name("netns", attachment.netns_name);
  attachment.ifname = Name("device", attachment.ifname);
  attachment.cgroup = Name("cgroup", attachment.cgroup);
  return attachment;
}

void RedactingSink::OnAttachment(const Attachment& attachment) {
  ForwardingSink::OnAttachment(Hidden(attachment));
}

void RedactingSink::OnNetns(const Netns& netns) {
  Netns hidden = netns;
  hidden.name = Name("netns", netns.name);
  ForwardingSink::OnNetns(hidden);
}

void RedactingSink::OnDevice(const Device& device) {
  Device hidden = device;
  hidden.ifname = Name("device", device.ifname);
  ForwardingSink::OnDevice(hidden);
}

const Frame* RedactingSink::Hidden(const Frame* frame) {
  if (frame == nullptr) return nullptr;
  const auto [known, is_new] = frames_.try_emplace(frame->id, *frame);
  Frame& hidden = known->second;
  if (!is_new) return &hidden;
  hidden.address = Code(frame->address, frame->symbol.empty() ? 0 : frame->offset);
  if (frame->kind == FrameKind::kBpf) hidden.symbol = Name("symbol", frame->symbol);
  hidden.function = Name("function", frame->function);
  hidden.file = Name("file", frame->file);
  return &hidden;
}

const Stack* RedactingSink::Hidden(const Stack* stack) {
  if (stack == nullptr) return nullptr;
  const auto [known, is_new] = stacks_.try_emplace(stack->id);
  Stack& hidden = known->second;
  if (!is_new) return &hidden;
  hidden.id = stack->id;
  for (const Frame* frame : stack->frames) hidden.frames.push_back(Hidden(frame));
  return &hidden;
}

const Attribution* RedactingSink::Hidden(const Attribution* attribution) {
  if (attribution == nullptr) return nullptr;
  const auto [known, is_new] = attributions_.try_emplace(attribution->id, *attribution);
  Attribution& hidden = known->second;
  if (!is_new) return &hidden;
  if (redaction_.names) hidden.why = kRedacted;  // a sentence that names devices and programs
  for (BlamedProgram& program : hidden.programs) {
    program.name = Name("program", program.name);
    program.function = Name("function", program.function);
    program.file = Name("file", program.file);
    for (Attachment& attachment : program.attachments) attachment = Hidden(attachment);
  }
  return &hidden;
}

void RedactingSink::HideAddress(const CorrelatedEvent& event, const FormatField& field,
                                std::vector<uint8_t>* raw) {
  const auto address = ReadInteger(field, *raw);
  if (!address || field.size != sizeof *address) return;
  uint64_t offset = 0;
  for (const CodePointer& pointer : event.code_pointers) {
    if (pointer.field == field.name && !pointer.frame->symbol.empty()) {
      offset = pointer.frame->offset;
    }
  }
  const uint64_t hidden = field.is_code ? Code(*address, offset) : Pointer(*address);
  std::memcpy(raw->data() + field.offset, &hidden, sizeof hidden);
}

std::vector<uint8_t> RedactingSink::HiddenRaw(const CorrelatedEvent& event) {
  std::vector<uint8_t> raw(event.raw.begin(), event.raw.end());
  for (const FormatField& field : event.format->fields) {
    if (redaction_.addresses && (field.is_pointer || field.is_code)) {
      HideAddress(event, field, &raw);
    }
    const bool text = redaction_.names && field.is_string;
    const bool path = event.format->system == "bpf" && field.name == "path";
    const bool key = redaction_.keys && (HoldsKeys(*event.format, field) || path);
    if (!text && !key) continue;
    if (const auto bytes = ArrayBytes(field, event.raw)) {
      const size_t at = static_cast<size_t>(bytes->data() - event.raw.data());
      for (size_t i = 0; i < bytes->size(); ++i) {
        // Of text its length stays.
        if (key || raw[at + i] != 0) raw[at + i] = key ? 0 : 'x';
      }
    }
  }
  return raw;
}

void RedactingSink::OnEvent(const CorrelatedEvent& event) {
  if (frames_.size() >= kMostRemembered) {
    frames_.clear();
    stacks_.clear();
    attributions_.clear();
  }
  CorrelatedEvent hidden = event;
  hidden.captured = {};  // anything may be in there
  const std::string comm = Name("command", std::string(event.comm));
  hidden.comm = comm;
  const std::vector<uint8_t> raw = HiddenRaw(event);
  hidden.raw = raw;
  hidden.stack = Hidden(event.stack);
  std::vector<CodePointer> pointers(event.code_pointers.begin(), event.code_pointers.end());
  for (CodePointer& pointer : pointers) pointer.frame = Hidden(pointer.frame);
  hidden.code_pointers = pointers;
  Packet packet;
  if (event.packet != nullptr) {
    packet = *event.packet;
    packet.ifname = Name("device", packet.ifname);
    Hide(&packet.outer);
    Hide(&packet.inner);
    hidden.packet = &packet;
  }
  // What was walked has names of its own, and is in the attribution as far as anybody is blamed.
  if (redaction_.names) hidden.look = nullptr;
  hidden.attribution = Hidden(event.attribution);
  ForwardingSink::OnEvent(hidden);
}

void RedactingSink::OnKindCount(const KindCount& count) {
  KindCount hidden = count;
  hidden.location = Hidden(count.location);
  if (hidden.location != nullptr) hidden.count.kind.location = hidden.location->address;
  ForwardingSink::OnKindCount(hidden);
}

void RedactingSink::OnHostCounters(const HostCounters& counters) {
  HostCounters hidden = counters;
  hidden.ifname = Name("device", counters.ifname);
  ForwardingSink::OnHostCounters(hidden);
}

void RedactingSink::OnNote(const Note& note) {
  if (redaction_.names) return;
  ForwardingSink::OnNote(note);
}

}  // namespace correlate
