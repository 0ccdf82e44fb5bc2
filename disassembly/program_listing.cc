#include "disassembly/program_listing.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "disassembly/bpf_instruction.h"

namespace correlate {
namespace {

using Function = ProgramListing::Function;
using Translated = ProgramListing::Translated;
using Native = ProgramListing::Native;

bpf_insn InstructionAt(const ProgramImage& image, size_t place) {
  bpf_insn instruction = {};
  if ((place + 1) * sizeof instruction <= image.xlated.size()) {
    std::memcpy(&instruction, image.xlated.data() + place * sizeof instruction, sizeof instruction);
  }
  return instruction;
}

class Lister {
 public:
  Lister(const ProgramImage& image, const MachineCode* machine, const EventsByAddress& events)
      : image_(image), machine_(machine), events_(events) {
    for (const ProgramImage::Line& line : image.lines) {
      by_place_.emplace(line.instruction, &line);
      if (line.address != 0) by_address_[line.address] = &line;  // the last one emitted code
    }
    for (const ProgramImage::Call& call : image.calls) {
      calls_[call.instruction] = &call.target;
      if (call.address != 0) symbols_[call.address] = &call.target;
    }
    for (const ProgramImage::Function& function : image.functions) {
      if (function.address != 0) symbols_[function.address] = &function.symbol;
    }
  }

  ProgramListing Make() {
    ProgramListing listing;
    const size_t count = image_.xlated.size() / sizeof(bpf_insn);
    std::vector<ProgramImage::Function> functions = image_.functions;
    if (functions.empty()) functions.emplace_back();
    size_t code_at = 0;
    for (size_t i = 0; i < functions.size(); ++i) {
      const ProgramImage::Function& from = functions[i];
      Function& to = listing.functions.emplace_back();
      to.prototype = from.prototype;
      to.symbol = from.symbol;
      to.address = from.address;
      const size_t begin = std::min<size_t>(from.instruction, count);
      // Without BTF the kernel tells no function's beginning but the first one's.
      size_t end = i + 1 < functions.size() ? functions[i + 1].instruction : count;
      if (end <= begin) end = i == 0 ? count : begin;
      Translate(begin, std::min(end, count), &to);
      size_t length = from.length_bytes;
      if (functions.size() == 1 && length == 0) length = image_.jited.size();
      length = std::min(length, image_.jited.size() - code_at);
      listing.events += Decode(code_at, length, from.address, &to);
      code_at += length;
    }
    return listing;
  }

 private:
  const ProgramImage::Line* LineAtPlace(size_t place) const {
    const auto line = by_place_.find(static_cast<uint32_t>(place));
    return line == by_place_.end() ? nullptr : line->second;
  }

  std::string CallTarget(const bpf_insn& instruction, size_t place) const {
    if (instruction.src_reg != BPF_PSEUDO_CALL) {
      const auto call = calls_.find(static_cast<uint32_t>(place));
      return call == calls_.end() ? "" : *call->second;
    }
    // JITed, the number is that of the function; else the distance to it.
    std::string target = absl::StrFormat("%+d", instruction.off);
    const auto callee = static_cast<uint32_t>(instruction.imm);
    if (callee < image_.functions.size() && image_.functions[callee].address != 0) {
      absl::StrAppend(&target, "#", image_.functions[callee].symbol);
    }
    return target;
  }

  void Translate(size_t begin, size_t end, Function* function) const {
    for (size_t place = begin; place < end; ++place) {
      Translated& to = function->translated.emplace_back();
      to.place = static_cast<uint32_t>(place);
      to.line = LineAtPlace(place);
      to.instruction = InstructionAt(image_, place);
      to.wide = IsWide(to.instruction);
      to.next = InstructionAt(image_, place + 1);
      to.text = BpfInstructionText(to.instruction, to.next, CallTarget(to.instruction, place));
      if (to.wide) ++place;
    }
  }

  // Within the function as an offset, else as an address and whose it is.
  std::string JumpText(const MachineCode::Instruction& decoded, uint64_t begin, size_t size) const {
    if (decoded.target >= begin && decoded.target - begin < size) {
      return absl::StrFormat("%s 0x%x", decoded.mnemonic, decoded.target - begin);
    }
    if (begin == 0) return decoded.text;  // nobody knows where this stood
    const auto symbol = symbols_.find(decoded.target);
    return absl::StrFormat(
        "%s 0x%x%s", decoded.mnemonic, decoded.target,
        symbol == symbols_.end() ? "" : absl::StrCat(" <", *symbol->second, ">"));
  }

  // The number of events that stand here.
  uint64_t Decode(size_t code_at, size_t length, uint64_t address, Function* function) const {
    if (machine_ == nullptr) return 0;
    uint64_t events = 0;
    const absl::string_view code = absl::string_view(image_.jited).substr(code_at, length);
    const ProgramImage::Line* last = nullptr;
    for (size_t at = 0; at < code.size();) {
      const MachineCode::Instruction decoded = machine_->Next(code.substr(at), address + at);
      Native& to = function->native.emplace_back();
      to.offset = at;
      to.bytes = std::string(code.substr(at, decoded.bytes));
      to.text = decoded.target == 0 ? decoded.text : JumpText(decoded, address, code.size());
      if (address != 0) {
        const auto line = by_address_.find(address + at);
        if (line != by_address_.end() && line->second != last) to.line = last = line->second;
        // A frame's address is where a call returns to: that of the next instruction.
        const auto first = events_.upper_bound(address + at);
        const auto end = events_.upper_bound(address + at + decoded.bytes);
        for (auto event = first; event != end; ++event) to.events += event->second;
      }
      events += to.events;
      at += decoded.bytes;
    }
    return events;
  }

  const ProgramImage& image_;
  const MachineCode* const machine_;
  const EventsByAddress& events_;
  std::map<uint32_t, const ProgramImage::Line*> by_place_;
  std::map<uint64_t, const ProgramImage::Line*> by_address_;
  std::map<uint32_t, const std::string*> calls_;    // by place
  std::map<uint64_t, const std::string*> symbols_;  // by address
};

// One line, whatever a program's BTF calls one.
std::string OneLine(absl::string_view text) {
  std::string line(absl::StripLeadingAsciiWhitespace(text));
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return line;
}

void AppendLine(const ProgramImage::Line* line, const ListingOptions& options, std::string* text) {
  if (line == nullptr) return;
  absl::StrAppend(text, "; ", OneLine(line->text));
  if (options.line_numbers) {
    absl::StrAppend(text, " [file:", OneLine(line->file), " line_num:", line->line,
                    " line_col:", line->column, "]");
  }
  *text += '\n';
}

void AppendBytes(absl::string_view bytes, std::string* text) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    absl::StrAppendFormat(text, "%s%02x", i > 0 ? " " : "", static_cast<uint8_t>(bytes[i]));
  }
}

absl::string_view BytesOf(const bpf_insn& instruction) {
  return {reinterpret_cast<const char*>(&instruction), sizeof instruction};
}

void AppendTranslated(const Translated& from, const ListingOptions& options, std::string* text) {
  absl::StrAppendFormat(text, "%4d: %s\n", from.place, from.text);
  if (!options.opcodes) return;
  *text += "       ";
  AppendBytes(BytesOf(from.instruction), text);
  if (from.wide) {
    *text += ' ';
    AppendBytes(BytesOf(from.next), text);
  }
  *text += '\n';
}

void AppendNative(const Native& from, const ListingOptions& options, std::string* text) {
  absl::StrAppendFormat(text, "%4x:\t%s", from.offset, from.text);
  if (from.events > 0) {
    absl::StrAppend(text, "\t<-- ", from.events, from.events == 1 ? " event" : " events");
  }
  if (options.opcodes) {
    *text += "\n\t";
    AppendBytes(from.bytes, text);
  }
  *text += '\n';
}

void AppendHeader(const Function& function, bool with_symbol, std::string* text) {
  if (!function.prototype.empty()) absl::StrAppend(text, function.prototype, ":\n");
  if (with_symbol && !function.symbol.empty()) absl::StrAppend(text, function.symbol, ":\n");
}

// ---- The graph

std::string Escaped(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '{' || c == '}' || c == '<' || c == '>' || c == '|') {
      escaped += '\\';
    }
    escaped += absl::ascii_iscntrl(static_cast<unsigned char>(c)) ? ' ' : c;
  }
  return escaped;
}

void AppendFunctionGraph(const Function& function, size_t number, std::string* text) {
  std::map<uint32_t, size_t> index;  // by place
  for (size_t i = 0; i < function.translated.size(); ++i) index[function.translated[i].place] = i;
  std::set<size_t> leaders = {0};
  const auto target_of = [&](size_t i) -> std::optional<size_t> {
    const Translated& from = function.translated[i];
    const BpfFlow flow = FlowOf(from.instruction);
    if (!flow.target.has_value()) return std::nullopt;
    const auto found = index.find(static_cast<uint32_t>(from.place + *flow.target));
    if (found == index.end()) return std::nullopt;
    return found->second;
  };
  for (size_t i = 0; i < function.translated.size(); ++i) {
    const BpfFlow flow = FlowOf(function.translated[i].instruction);
    if (const auto target = target_of(i)) leaders.insert(*target);
    if (flow.target.has_value() || !flow.falls_through) leaders.insert(i + 1);
  }
  leaders.erase(function.translated.size());
  const auto node = [&](size_t i) {
    return absl::StrCat("b", number, "_", function.translated[i].place);
  };
  absl::StrAppend(text, "  subgraph cluster_", number, " {\n    label=\"",
                  Escaped(function.prototype.empty() ? function.symbol : function.prototype),
                  "\";\n");
  std::string edges;
  for (auto leader = leaders.begin(); leader != leaders.end(); ++leader) {
    const size_t begin = *leader;
    const auto after = std::next(leader);
    const size_t end = after == leaders.end() ? function.translated.size() : *after;
    absl::StrAppend(text, "    ", node(begin), " [label=\"{");
    for (size_t i = begin; i < end; ++i) {
      const Translated& from = function.translated[i];
      if (from.line != nullptr) {
        absl::StrAppend(text, "; ", Escaped(absl::StripAsciiWhitespace(from.line->text)), "\\l");
      }
      absl::StrAppend(text, from.place, ": ", Escaped(from.text), "\\l");
    }
    *text += "}\"];\n";
    const BpfFlow flow = FlowOf(function.translated[end - 1].instruction);
    if (const auto target = target_of(end - 1)) {
      absl::StrAppend(&edges, "    ", node(begin), " -> ", node(*target),
                      flow.falls_through ? " [label=\"yes\"]" : "", ";\n");
    }
    if (flow.falls_through && end < function.translated.size()) {
      absl::StrAppend(&edges, "    ", node(begin), " -> ", node(end),
                      flow.target.has_value() ? " [label=\"no\"]" : "", ";\n");
    }
  }
  absl::StrAppend(text, edges, "  }\n");
}

}  // namespace

ProgramListing MakeListing(const ProgramImage& image, const MachineCode* machine,
                           const EventsByAddress& events) {
  return Lister(image, machine, events).Make();
}

std::string TranslatedText(const ProgramListing& listing, const ListingOptions& options) {
  std::string text;
  for (const Function& function : listing.functions) {
    AppendHeader(function, /*with_symbol=*/false, &text);
    for (const Translated& from : function.translated) {
      AppendLine(from.line, options, &text);
      AppendTranslated(from, options, &text);
    }
  }
  return text;
}

std::string NativeText(const ProgramListing& listing, const ListingOptions& options) {
  std::string text;
  for (const Function& function : listing.functions) {
    AppendHeader(function, /*with_symbol=*/true, &text);
    for (const Native& from : function.native) {
      AppendLine(from.line, options, &text);
      AppendNative(from, options, &text);
    }
    text += '\n';
  }
  return text;
}

std::string JoinedText(const ProgramListing& listing, const ListingOptions& options) {
  std::string text;
  for (const Function& function : listing.functions) {
    AppendHeader(function, /*with_symbol=*/true, &text);
    // Native code by the line that made it; what stands before the first line is the frame's.
    std::map<const ProgramImage::Line*, std::vector<const Native*>> by_line;
    const ProgramImage::Line* line = nullptr;
    for (const Native& from : function.native) {
      if (from.line != nullptr) line = from.line;
      by_line[line].push_back(&from);
    }
    const auto append_native = [&](const ProgramImage::Line* of) {
      for (const Native* from : by_line[of]) {
        std::string one;
        AppendNative(*from, options, &one);
        absl::StrAppend(&text, "\t\t", one);
      }
      by_line[of].clear();
    };
    append_native(nullptr);
    line = nullptr;
    for (const Translated& from : function.translated) {
      if (from.line != nullptr) {
        append_native(line);
        line = from.line;
        AppendLine(line, options, &text);
      }
      AppendTranslated(from, options, &text);
    }
    append_native(line);
    for (const auto& [of, rest] : by_line) {  // of lines that kept no translated instruction
      if (rest.empty()) continue;
      AppendLine(of, options, &text);
      append_native(of);
    }
    text += '\n';
  }
  return text;
}

std::string FlowGraph(const ProgramListing& listing, const std::string& name) {
  std::string text = absl::StrCat("digraph \"", Escaped(name),
                                  "\" {\n  node [shape=record, fontname=\"monospace\"];\n");
  for (size_t number = 0; number < listing.functions.size(); ++number) {
    const Function& function = listing.functions[number];
    if (!function.translated.empty()) AppendFunctionGraph(function, number, &text);
  }
  return text + "}\n";
}

}  // namespace correlate
