#include "top/row_details.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "render/event_fields.h"
#include "render/text.h"

namespace correlate {
namespace {

std::string Text(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

void AppendLine(const char* name, const std::string& value, std::string* text) {
  if (!value.empty()) absl::StrAppend(text, name, Printable(value), "\n");
}

std::string PacketText(const Json& packet) {
  const auto end = [&packet](const char* address, const char* port) {
    const std::string number = Text(packet, port);
    return absl::StrCat(Text(packet, address), number.empty() ? "" : ":", number);
  };
  std::string text = absl::StrCat(end("src", "sport"), " -> ", end("dst", "dport"));
  if (text == " -> ") text = "";
  for (const char* key : {"l4", "length", "ifname"}) {
    const std::string value = Text(packet, key);
    if (value.empty()) continue;
    absl::StrAppend(&text, text.empty() ? "" : "  ", key, " ", value);
  }
  return text;
}

std::string AttachmentText(const Json& attachment) {
  std::string text;
  for (const char* key : {"hook", "direction", "mode", "ifname", "netns_name", "cgroup"}) {
    const std::string value = Text(attachment, key);
    if (!value.empty()) absl::StrAppend(&text, text.empty() ? "" : " ", value);
  }
  return text;
}

void AppendAttribution(const Json& attribution, std::string* text) {
  AppendLine("evidence   ", Text(attribution, "evidence"), text);
  AppendLine("verdict    ", Text(attribution, "verdict"), text);
  AppendLine("why        ", Text(attribution, "why"), text);
  for (const Json& program : attribution.value("programs", Json::array())) {
    std::string line = absl::StrCat(Text(program, "name"), " #", Text(program, "id"));
    const std::string tag = Text(program, "tag");
    if (!tag.empty()) absl::StrAppend(&line, ", tag ", tag);
    const std::string function = Text(program, "function");
    if (!function.empty()) absl::StrAppend(&line, ", in ", function);
    const std::string file = Text(program, "file");
    if (!file.empty()) absl::StrAppend(&line, " (", file, ":", Text(program, "line"), ")");
    AppendLine("program    ", line, text);
    for (const Json& attachment : program.value("attachments", Json::array())) {
      AppendLine("attached   ", AttachmentText(attachment), text);
    }
  }
}

void AppendStack(const Json& stack, std::string* text) {
  absl::StrAppend(text, "\nSTACK\n");
  for (const Json& frame : stack) {
    std::string line = Text(frame, "symbol");
    if (line.empty()) line = Text(frame, "function");
    if (line.empty()) line = Text(frame, "address");
    const std::string offset = Text(frame, "offset");
    if (!offset.empty()) absl::StrAppend(&line, "+", offset);
    const std::string file = Text(frame, "file");
    if (!file.empty()) absl::StrAppend(&line, "  ", file, ":", Text(frame, "line"));
    AppendLine("  ", line, text);
  }
}

}  // namespace

void RowDetails::OnProgramImage(const ProgramImage& image) {
  images_[image.program_id] = image;
  if (images_.size() <= kMostImages) return;
  events_.erase(images_.begin()->first);  // ids grow
  images_.erase(images_.begin());
}

void RowDetails::OnEvent(const CorrelatedEvent& event) {
  if (event.stack == nullptr) return;
  for (const Frame* frame : event.stack->frames) {
    if (frame->program_id != 0 && images_.count(frame->program_id) > 0) {
      ++events_[frame->program_id][frame->address];
    }
  }
}

std::string RowDetails::CodeOf(uint32_t program_id) {
  const auto image = images_.find(program_id);
  if (image == images_.end()) return "its code was not read\n";
  if (disassembler_ == nullptr) {
    auto opened = MachineCode::Open(machine_);
    if (opened.ok()) disassembler_ = std::move(opened).value();
  }
  const ProgramListing listing =
      MakeListing(image->second, disassembler_.get(), events_[program_id]);
  return PrintableLines(JoinedText(listing, {.line_numbers = true}));
}

std::string RowDetails::TextOf(const LiveTable::Row& row) {
  if (row.last_event.empty()) {
    return "None of these events was looked at whole: they were only counted. (--max-rate)\n";
  }
  const Json event = Json::parse(row.last_event, nullptr, /*allow_exceptions=*/false);
  if (!event.is_object()) return "";
  std::string text = "THE LAST ONE\n";
  AppendLine("event      ", Text(event, "event"), &text);
  AppendLine("time       ", Text(event, "time"), &text);
  if (event.contains("fields")) AppendLine("reason     ", Text(event["fields"], "reason"), &text);
  if (event.contains("packet")) AppendLine("packet     ", PacketText(event["packet"]), &text);
  uint64_t program_id = 0;
  if (event.contains("attribution")) {
    const Json& attribution = event["attribution"];
    AppendAttribution(attribution, &text);
    const Json programs = attribution.value("programs", Json::array());
    if (programs.size() == 1) program_id = programs.front().value("id", uint64_t{0});
  }
  if (event.contains("stack") && !event["stack"].empty()) {
    AppendStack(event["stack"], &text);
  } else {
    absl::StrAppend(&text, "\nno stack was taken with it\n");
  }
  if (program_id != 0) {
    absl::StrAppend(&text, "\nCODE of program ", program_id, "\n",
                    CodeOf(static_cast<uint32_t>(program_id)));
  }
  return text;
}

}  // namespace correlate
