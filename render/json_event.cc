#include "render/json_event.h"

#include "absl/strings/str_cat.h"
#include "render/packet_text.h"
#include "render/text.h"

namespace correlate {
namespace {

// Keys of what is unknown are absent.
void PutText(Json& object, const char* key, absl::string_view text) {
  if (!text.empty()) object[key] = ValidUtf8(text);
}

Json FrameToJson(const Frame& frame, const Disclosure& disclosure) {
  Json json;
  if (disclosure.addresses) json["address"] = HexString(frame.address);
  PutText(json, "symbol", frame.symbol);
  if (!frame.symbol.empty()) json["offset"] = frame.offset;
  json["kind"] = std::string(FrameKindName(frame.kind));
  PutText(json, "module", frame.module);
  if (frame.program_id != 0) json["program_id"] = frame.program_id;
  PutText(json, "function", frame.function);
  PutText(json, "file", frame.file);
  if (frame.line != 0) json["line"] = frame.line;
  return json;
}

Json ProgramToJson(const BlamedProgram& program) {
  Json json;
  json["id"] = program.id;
  PutText(json, "name", program.name);
  PutText(json, "tag", program.tag);
  PutText(json, "type", program.type_name);
  PutText(json, "function", program.function);
  PutText(json, "file", program.file);
  if (program.line != 0) json["line"] = program.line;
  json["attachments"] = Json::array();
  for (const Attachment& attachment : program.attachments) {
    json["attachments"].push_back(AttachmentToJson(attachment));
  }
  return json;
}

}  // namespace

Json StackToJson(const Stack& stack, const Disclosure& disclosure) {
  Json json = Json::array();
  for (const Frame* frame : stack.frames) json.push_back(FrameToJson(*frame, disclosure));
  return json;
}

Json AttachmentToJson(const Attachment& attachment) {
  Json json;
  json["hook"] = ValidUtf8(attachment.hook);
  PutText(json, "direction", attachment.direction);
  PutText(json, "mode", attachment.mode);
  PutText(json, "kind", attachment.kind);
  PutText(json, "ifname", attachment.ifname);
  if (attachment.ifindex != 0) json["ifindex"] = attachment.ifindex;
  if (attachment.netns.inode != 0) json["netns"] = absl::StrCat(attachment.netns.inode);
  PutText(json, "netns_name", attachment.netns_name);
  if (attachment.hook == "tc") {
    json["chain"] = attachment.chain;
    json["pref"] = attachment.pref;
    json["handle"] = HexString(attachment.handle);
    if (attachment.block != 0) json["block"] = attachment.block;
  }
  PutText(json, "attach_type", attachment.attach_type);
  if (attachment.cgroup_id != 0) json["cgroup_id"] = absl::StrCat(attachment.cgroup_id);
  PutText(json, "cgroup", attachment.cgroup);
  PutText(json, "family", attachment.family);
  PutText(json, "point", attachment.point);
  if (attachment.hook == "netfilter") json["priority"] = attachment.priority;
  if (attachment.position != 0) {
    json["position"] = attachment.position;
    json["positions"] = attachment.positions;
  }
  if (attachment.dispatcher_id != 0) json["dispatcher_id"] = attachment.dispatcher_id;
  if (attachment.link_id != 0) json["link_id"] = attachment.link_id;
  return json;
}

Json AttributionToJson(const Attribution& attribution) {
  Json json;
  json["evidence"] = std::string(EvidenceName(attribution.evidence));
  PutText(json, "verdict", attribution.verdict);
  PutText(json, "why", attribution.why);
  json["programs"] = Json::array();
  for (const BlamedProgram& program : attribution.programs) {
    json["programs"].push_back(ProgramToJson(program));
  }
  return json;
}

std::string JsonEventLines::Line(const CorrelatedEvent& event, const WallClock& clock) {
  Json json;
  json["time_ns"] = absl::StrCat(event.time_ns);
  if (const auto realtime = clock.RealtimeNs(event.time_ns)) {
    json["time"] = FormatRfc3339(*realtime);
  }
  json["event"] = ValidUtf8(event.format->FullName());
  json["cpu"] = event.cpu;
  json["pid"] = event.pid;
  json["tid"] = event.tid;
  PutText(json, "comm", event.comm);
  PutText(json, "context", ContextName(event.context));
  json["fields"] = FieldsToJson(event, disclosure_);
  if (event.packet != nullptr) {
    Json packet = PacketToJson(*event.packet, netns_names_);
    if (!packet.empty()) json["packet"] = std::move(packet);
  }
  std::string line = json.dump();
  line.pop_back();  // the closing brace
  if (event.stack != nullptr) {
    absl::StrAppend(&line, ",\"stack\":", stacks_.Get(event.stack->id, [&] {
      return StackToJson(*event.stack, disclosure_).dump();
    }));
  } else if (event.stack_omitted) {
    absl::StrAppend(&line, ",\"stack_omitted\":true");
  }
  if (event.attribution != nullptr) {
    absl::StrAppend(&line, ",\"attribution\":", attributions_.Get(event.attribution->id, [&] {
      return AttributionToJson(*event.attribution).dump();
    }));
  }
  return line + "}";
}

Json LossToJson(const Loss& loss) {
  Json json;
  json["lost"] = absl::StrCat(loss.count);
  json["source"] = ValidUtf8(loss.source);
  json["cpu"] = loss.cpu;
  json["from_ns"] = absl::StrCat(loss.from_ns);
  json["to_ns"] = absl::StrCat(loss.to_ns);
  return json;
}

namespace {

class JsonPrinter : public TraceSink {
 public:
  JsonPrinter(std::ostream& out, const Disclosure& disclosure) : out_(out), lines_(disclosure) {}

  void OnClocks(const ClockReading& clocks) override { clock_.Add(clocks); }
  void OnNetns(const Netns& netns) override { lines_.AddNetns(netns); }
  void OnEvent(const CorrelatedEvent& event) override {
    out_ << lines_.Line(event, clock_) << "\n";
  }
  void OnLoss(const Loss& loss) override { out_ << LossToJson(loss).dump() << "\n"; }
  bool WantsMore() const override { return out_.good(); }

 private:
  std::ostream& out_;
  WallClock clock_;
  JsonEventLines lines_;
};

}  // namespace

std::unique_ptr<TraceSink> MakeJsonPrinter(std::ostream& out, const Disclosure& disclosure) {
  return std::make_unique<JsonPrinter>(out, disclosure);
}

}  // namespace correlate
