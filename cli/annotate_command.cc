#include "cli/annotate_command.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/files.h"
#include "cli/exit_codes.h"
#include "cli/trace_input.h"
#include "collector/program_symbol.h"
#include "disassembly/jit_log.h"
#include "disassembly/machine_code.h"
#include "disassembly/program_listing.h"
#include "render/event_fields.h"
#include "render/text.h"

namespace correlate {
namespace {

struct Flags {
  TraceInput input;
  std::string program;
  std::string code = "both";
  std::string format = "text";
  std::string jit_log;
  bool opcodes = false;
  bool line_numbers = false;
  bool json = false;
};

void Say(absl::string_view text) { std::cerr << "bpftrace-correlate annotate: " << text << "\n"; }

// The code of all programs of a trace, and where in it events stand.
class Images : public TraceSink {
 public:
  using Key = std::pair<uint32_t, uint64_t>;  // id and load time

  void OnRecording(const RecordingFacts& facts) override { machine_ = facts.machine; }
  void OnProgram(const ProgramInfo& program) override {
    programs_[{program.id, program.load_time_ns}] = program;
  }
  void OnProgramImage(const ProgramImage& image) override {
    images_[{image.program_id, image.load_time_ns}] = image;
  }
  void OnMap(const MapInfo& map) override { maps_[map.id] = map; }
  void OnEvent(const CorrelatedEvent& event) override {
    if (event.stack == nullptr) return;
    for (const Frame* frame : event.stack->frames) {
      if (frame->program_id != 0) ++events_[frame->program_id][frame->address];
    }
  }

  const std::string& machine() const { return machine_; }
  const std::map<Key, ProgramImage>& images() const { return images_; }
  // Those of that id, name or tag.
  std::vector<const ProgramInfo*> Find(const std::string& wanted) const {
    std::vector<const ProgramInfo*> found;
    uint32_t id = 0;
    const bool is_id = absl::SimpleAtoi(wanted, &id);
    for (const auto& [key, program] : programs_) {
      if ((is_id && program.id == id) || program.name == wanted ||
          TagToHex(program.tag) == wanted) {
        found.push_back(&program);
      }
    }
    return found;
  }
  const ProgramInfo* ProgramOf(const Key& key) const {
    const auto program = programs_.find(key);
    return program == programs_.end() ? nullptr : &program->second;
  }
  const EventsByAddress& EventsOf(uint32_t program_id) const {
    static const EventsByAddress& none = *new EventsByAddress;
    const auto events = events_.find(program_id);
    return events == events_.end() ? none : events->second;
  }
  // "map[id:7]" is all that an instruction tells.
  std::string MapText(uint32_t id) const {
    const auto map = maps_.find(id);
    if (map == maps_.end()) return absl::StrCat("map ", id, ": unknown");
    const MapInfo& m = map->second;
    return absl::StrCat("map ", id, ": ", Printable(m.type_name), " ",
                        m.name.empty() ? "(no name)" : Printable(m.name), ", key ", m.key_size,
                        " B, value ", m.value_size, " B, ", m.max_entries, " entries");
  }

 private:
  std::string machine_;
  std::map<Key, ProgramInfo> programs_;
  std::map<Key, ProgramImage> images_;
  std::map<uint32_t, MapInfo> maps_;
  std::map<uint32_t, EventsByAddress> events_;
};

std::string ListOfImages(const Images& images) {
  std::string text;
  for (const auto& [key, image] : images.images()) {
    const ProgramInfo* program = images.ProgramOf(key);
    absl::StrAppend(&text, image.program_id, ": ",
                    program == nullptr ? "" : Printable(program->type_name), "  name ",
                    program == nullptr ? "" : Printable(program->name), "  ",
                    image.xlated.size() / sizeof(bpf_insn), " instructions, ", image.jited.size(),
                    " bytes of machine code\n");
  }
  return text;
}

Json LineToJson(const ProgramImage::Line& line) {
  Json json;
  json["file"] = ValidUtf8(line.file);
  json["line"] = line.line;
  json["column"] = line.column;
  json["text"] = ValidUtf8(line.text);
  return json;
}

Json ListingToJson(const ProgramListing& listing, uint32_t id) {
  Json json;
  json["program_id"] = id;
  json["events"] = absl::StrCat(listing.events);
  json["functions"] = Json::array();
  for (const ProgramListing::Function& function : listing.functions) {
    Json entry;
    if (!function.prototype.empty()) entry["prototype"] = ValidUtf8(function.prototype);
    entry["symbol"] = ValidUtf8(function.symbol);
    if (function.address != 0) entry["address"] = HexString(function.address);
    entry["xlated"] = Json::array();
    for (const auto& from : function.translated) {
      Json instruction;
      instruction["place"] = from.place;
      instruction["text"] = ValidUtf8(from.text);
      if (from.line != nullptr) instruction["source"] = LineToJson(*from.line);
      entry["xlated"].push_back(std::move(instruction));
    }
    entry["jited"] = Json::array();
    for (const auto& from : function.native) {
      Json instruction;
      instruction["offset"] = from.offset;
      instruction["bytes"] = absl::BytesToHexString(from.bytes);
      instruction["text"] = ValidUtf8(from.text);
      if (from.events > 0) instruction["events"] = absl::StrCat(from.events);
      if (from.line != nullptr) instruction["source"] = LineToJson(*from.line);
      entry["jited"].push_back(std::move(instruction));
    }
    json["functions"].push_back(std::move(entry));
  }
  return json;
}

int PrintProgram(const Flags& flags, const Images& images, const ProgramInfo& program,
                 const ProgramImage& image) {
  const ListingOptions options = {.opcodes = flags.opcodes, .line_numbers = flags.line_numbers};
  std::unique_ptr<MachineCode> machine;
  if (flags.code != "xlated" && flags.format != "dot" && !image.jited.empty()) {
    auto opened = MachineCode::Open(images.machine());
    if (opened.ok()) {
      machine = std::move(opened).value();
    } else {
      Say(opened.status().message());
      if (flags.code == "jited") return kExitFailure;
    }
  }
  if (image.jited.empty() && flags.code == "jited") {
    Say(absl::StrCat("program ", image.program_id,
                     ": its machine code is not in the trace: the kernel did not compile it "
                     "(net.core.bpf_jit_enable), or hid it (kernel.kptr_restrict)"));
    return kExitFailure;
  }
  const ProgramListing listing =
      MakeListing(image, machine.get(), images.EventsOf(image.program_id));
  if (flags.json) {
    std::cout << ListingToJson(listing, image.program_id).dump() << "\n";
  } else if (flags.format == "dot") {
    std::cout << FlowGraph(listing, program.name);
  } else if (flags.code == "xlated") {
    std::cout << PrintableLines(TranslatedText(listing, options));
  } else if (flags.code == "jited") {
    std::cout << PrintableLines(NativeText(listing, options));
  } else {
    std::cout << absl::StrCat("program ", program.id, ": ", Printable(program.type_name), " ",
                              Printable(program.name), ", ", listing.events,
                              " events stand at its code\n");
    for (const uint32_t id : program.map_ids) std::cout << images.MapText(id) << "\n";
    std::cout << "\n" << PrintableLines(JoinedText(listing, options));
  }
  return kExitSuccess;
}

int Annotate(const Flags& flags) {
  Images images;
  const int read = ReadTraceInput(flags.input, "annotate", images);
  if (read == kExitFailure) return read;
  if (flags.program.empty()) {
    if (images.images().empty()) {
      Say("the trace holds no code: no event names a program; `record --images all` keeps that of "
          "all");
      return kExitFailure;
    }
    std::cout << ListOfImages(images);
    return read;
  }
  const std::vector<const ProgramInfo*> found = images.Find(flags.program);
  if (found.empty()) {
    Say(absl::StrCat("the trace knows no program ", flags.program,
                     "; `bpftrace-correlate programs ", flags.input.path, "` lists them"));
    return kExitFailure;
  }
  int status = kExitFailure;
  for (const ProgramInfo* program : found) {
    const auto image = images.images().find({program->id, program->load_time_ns});
    if (image == images.images().end()) continue;
    status = PrintProgram(flags, images, *program, image->second);
    if (status != kExitSuccess) return status;
  }
  if (status != kExitSuccess) {
    Say(absl::StrCat("the trace holds no code of program ", flags.program,
                     ": no event names it, or it was gone before it could be read; `record "
                     "--images all` keeps that of all"));
    return status;
  }
  return read;
}

// ---- The kernel's log

int PrintJitLog(const Flags& flags) {
  const auto text = flags.jit_log == "-" ? ReadFile("/dev/stdin") : ReadFile(flags.jit_log);
  if (!text.ok()) {
    Say(text.status().message());
    return kExitFailure;
  }
  const JitLog log = ParseJitLog(*text);
  for (const std::string& error : log.errors) Say(absl::StrCat(flags.jit_log, ": ", error));
  if (log.images.empty()) {
    Say(absl::StrCat(flags.jit_log,
                     ": no program's code in it; the kernel writes it to its log with "
                     "net.core.bpf_jit_enable=2"));
    return log.errors.empty() ? kExitFailure : kExitDamaged;
  }
  const auto machine = MachineCode::Open("x86_64");
  if (!machine.ok()) {
    Say(machine.status().message());
    return kExitFailure;
  }
  for (const JitLogImage& image : log.images) {
    std::cout << absl::StrFormat(
        "%d bytes emitted from JIT compiler (pass:%d, flen:%d), from %s, pid %d\n", image.bytes,
        image.pass, image.instructions, image.from.empty() ? "?" : Printable(image.from),
        image.pid);
    std::cout << (image.address == 0 ? "(address hidden)" : absl::StrCat(absl::Hex(image.address)))
              << " + <x>:\n";
    ProgramImage whole;
    whole.jited = image.code;
    whole.functions.push_back({.length_bytes = static_cast<uint32_t>(image.code.size())});
    const ProgramListing listing = MakeListing(whole, machine->get(), {});
    std::cout << NativeText(listing, {.opcodes = flags.opcodes});
    if (!image.whole()) {
      std::cout << absl::StrFormat("cut: %d of %d bytes\n\n", image.code.size(), image.bytes);
    }
  }
  return log.errors.empty() ? kExitSuccess : kExitDamaged;
}

}  // namespace

void AddAnnotateCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand(
      "annotate",
      "A program's code as it was recorded: source lines, translated and machine instructions, and "
      "where in them events stand");
  AddTraceInput(command, &flags->input);
  command
      ->add_option("--program", flags->program,
                   "Its id, name or tag (default: list those whose code is there)")
      ->type_name("ID");
  command
      ->add_option("--code", flags->code,
                   "xlated and jited print as `bpftool prog dump` does; both, line by line")
      ->check(CLI::IsMember({"both", "xlated", "jited"}))
      ->capture_default_str();
  command->add_flag("--opcodes", flags->opcodes, "The bytes of instructions too");
  command->add_flag("--linum", flags->line_numbers, "File, line and column of each source line");
  command
      ->add_option("--format", flags->format,
                   "dot: the control flow of the translated instructions, for graphviz")
      ->check(CLI::IsMember({"text", "dot"}))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "One JSON object");
  command
      ->add_option("--jit-log", flags->jit_log,
                   "Instead of a trace: what net.core.bpf_jit_enable=2 leaves in the kernel log")
      ->type_name("FILE");
  command->callback([flags, exit_code] {
    *exit_code = flags->jit_log.empty() ? Annotate(*flags) : PrintJitLog(*flags);
    std::cout << std::flush;
  });
}

}  // namespace correlate
