#include "cli/script_command.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/exit_codes.h"
#include "cli/pager.h"
#include "cli/trace_input.h"
#include "query/selection.h"
#include "render/event_text.h"
#include "render/json_event.h"
#include "render/packet_text.h"
#include "render/text.h"
#include "render/text_by_id.h"
#include "render/wording.h"
#include "symbolize/netns_names.h"

namespace correlate {
namespace {

std::string FrameText(const Frame& frame) {
  std::string text = absl::StrFormat("\t%16x ", frame.address);
  if (frame.symbol.empty()) {
    text += "[unknown]";
  } else {
    absl::StrAppend(&text, Printable(frame.symbol), "+", HexString(frame.offset));
  }
  switch (frame.kind) {
    case FrameKind::kKernel:
      return text + " ([kernel.kallsyms])";
    case FrameKind::kModule:
      return absl::StrCat(text, " ([", Printable(frame.module), "])");
    case FrameKind::kBpf:
      absl::StrAppend(&text, " (bpf");
      if (frame.program_id != 0) absl::StrAppend(&text, " program ", frame.program_id);
      if (!frame.file.empty()) absl::StrAppend(&text, " ", Printable(frame.file), ":", frame.line);
      return text + ")";
    default:
      return absl::StrCat(text, " (", FrameKindName(frame.kind), ")");
  }
}

std::string StackText(const Stack& stack) {
  std::string text;
  for (const Frame* frame : stack.frames) absl::StrAppend(&text, FrameText(*frame), "\n");
  return text;
}

class TextPrinter : public TraceSink {
 public:
  explicit TextPrinter(std::ostream& out) : out_(out) {}

  void OnFormat(const EventFormat& format) override { texts_.OnFormat(format); }
  void OnNetns(const Netns& netns) override { netns_names_.Add(netns); }
  void OnEvent(const CorrelatedEvent& event) override {
    // Millions of these are printed: into one buffer, and without printf.
    text_.clear();
    if (event.comm.empty()) {
      absl::StrAppend(&text_, ":", event.tid);
    } else {
      AppendPrintable(event.comm, &text_);
    }
    const uint64_t us = event.time_ns / 1'000;
    absl::StrAppend(&text_, " ", absl::Dec(event.tid, absl::kSpacePad6), " [",
                    absl::Dec(event.cpu, absl::kZeroPad3), "] ",
                    absl::Dec(us / 1'000'000, absl::kSpacePad5), ".",
                    absl::Dec(us % 1'000'000, absl::kZeroPad6), ": ");
    AppendPrintable(event.format->system, &text_);
    text_ += ':';
    AppendPrintable(event.format->name, &text_);
    text_ += ": ";
    AppendPrintable(texts_.Of(event), &text_);
    text_ += '\n';
    if (event.packet != nullptr) {
      text_ += '\t';
      const size_t before = text_.size();
      AppendPacket(*event.packet, netns_names_, &text_);
      if (text_.size() > before) {
        text_ += '\n';
      } else {
        text_.pop_back();
      }
    }
    if (event.stack != nullptr) {
      text_ += stacks_.Get(event.stack->id, [&] { return StackText(*event.stack); });
    }
    if (event.attribution != nullptr) {
      text_ += attributions_.Get(event.attribution->id, [&] {
        return absl::StrCat("\t=> ", DescribeAttribution(*event.attribution), "\n");
      });
    }
    if (event.stack != nullptr || event.attribution != nullptr) text_ += "\n";
    out_.write(text_.data(), static_cast<std::streamsize>(text_.size()));
  }

  void OnLoss(const Loss& loss) override {
    out_ << absl::StrFormat("LOST %d of %s on CPU %d between %d.%06d and %d.%06d\n", loss.count,
                            Printable(loss.source), loss.cpu, loss.from_ns / 1'000'000'000,
                            loss.from_ns / 1'000 % 1'000'000, loss.to_ns / 1'000'000'000,
                            loss.to_ns / 1'000 % 1'000'000);
  }
  bool WantsMore() const override { return out_.good(); }

 private:
  std::ostream& out_;
  NetnsNames netns_names_;
  EventTexts texts_;
  std::string text_;  // of the event in hand
  TextById stacks_;
  TextById attributions_;
};

}  // namespace

std::unique_ptr<TraceSink> MakeScriptPrinter(std::ostream& out, bool json) {
  if (json) return MakeJsonPrinter(out);
  return std::make_unique<TextPrinter>(out);
}

void AddScriptCommand(CLI::App& app, int* exit_code) {
  struct Flags {
    TraceInput input;
    SelectionFlags selection;
    bool json = false;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("script", "Print one event after the other");
  AddTraceInput(command, &flags->input);
  AddSelection(command, &flags->selection);
  command->add_flag("--json", flags->json, "One JSON object a line");
  command->callback([flags, exit_code] {
    const auto selection = Selection::Parse(flags->selection.time, flags->selection.filter);
    if (!selection.ok()) {
      std::cerr << "bpftrace-correlate script: " << selection.status().message() << "\n";
      *exit_code = kExitUsage;
      return;
    }
    const Pager pager;
    *exit_code = PrintTraceInput(flags->input, "script", [&](std::ostream& out) {
      return Selected(*selection, MakeScriptPrinter(out, flags->json));
    });
  });
}

}  // namespace correlate
