#include "cli/report_command.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/whole_file.h"
#include "cli/exit_codes.h"
#include "cli/pager.h"
#include "query/selection.h"
#include "render/units.h"
#include "report/counter_comparison.h"
#include "report/html_page.h"
#include "report/page_facts.h"
#include "report/page_programs.h"
#include "report/report_json.h"
#include "report/report_tables.h"
#include "report/report_text.h"
#include "report/surroundings.h"
#include "symbolize/aligned_clocks.h"
#include "symbolize/forwarding_sink.h"

namespace correlate {

namespace {

class Notes : public TraceSink {
 public:
  void OnNote(const Note& note) override {
    constexpr size_t kMost = 1000;
    if (all.size() < kMost) all.push_back(note.text);
  }
  std::vector<std::string> all;
};

// The file is there whole, or not at all.
absl::Status WriteWhole(const std::string& path, const std::string& text) {
  if (path != "-") return WriteWholeFile(path, text);
  std::cout << text << std::flush;
  return std::cout.good() ? absl::OkStatus() : absl::UnknownError("cannot write to stdout");
}

// Without events, which are many.
class TablesOnly : public ForwardingSink {
 public:
  explicit TablesOnly(TraceSink* next) : ForwardingSink({next}) {}
  void OnEvent(const CorrelatedEvent&) override {}
};

int RunHtml(const ReportRequest& request, const Selection& selection) {
  ReportTables tables({}, selection);
  PageFacts facts(selection);
  PagePrograms programs;
  Notes notes;
  ForwardingSink all({&tables, &facts, &programs, &notes});
  AlignedClocks aligned(&all);
  const Pager pager;
  const int status = ReadTraceInput(request.input, "report", aligned);
  if (status == kExitFailure) return status;
  if (status == kExitDamaged) tables.SetIncomplete();
  tables.Finish();
  facts.Finish();
  const std::string page = RenderHtmlPage(tables, facts, programs, notes.all);
  const absl::Status written = WriteWhole(request.html, page);
  if (!written.ok()) {
    std::cerr << "bpftrace-correlate report: " << written.message() << "\n";
    return kExitFailure;
  }
  std::cerr << "[ bpftrace-correlate report: " << FormatMegabytes(page.size()) << " -> "
            << request.html << " ]\n";
  return status;
}

}  // namespace

int RunReport(const ReportRequest& request) {
  const auto refuse = [](absl::string_view option, const absl::Status& status) {
    std::cerr << "bpftrace-correlate report: " << option << status.message() << "\n";
    return kExitUsage;
  };
  const auto by = ParseEventKeys(request.by);
  if (!by.ok()) return refuse("--by: ", by.status());
  const auto window_ns = ParseDuration(request.window);
  if (!window_ns.ok()) return refuse("--window: ", window_ns.status());
  const auto selection = Selection::Parse(request.selection.time, request.selection.filter);
  if (!selection.ok()) return refuse("", selection.status());
  if (!request.html.empty()) {
    if (!by->empty() || !request.around.empty() || request.counters || request.json) {
      return refuse("--html: ", absl::InvalidArgumentError(
                                    "not with --by, --around, --counters or --json: the page "
                                    "has all of it but what --around and --counters list"));
    }
    return RunHtml(request, *selection);
  }
  if (request.counters && !selection->everything()) {
    return refuse("--counters: ", absl::InvalidArgumentError(
                                      "not with --time or --filter: what the kernel counts by "
                                      "itself is of the whole recording"));
  }
  ReportTables tables(*by, *selection);
  Surroundings around(request.around, *window_ns);
  CounterComparison counters;
  const bool looks_around = !request.around.empty();
  TablesOnly hint(&counters);
  std::vector<TraceSink*> sinks = {&tables,
                                   request.counters ? &counters : static_cast<TraceSink*>(&hint)};
  if (looks_around) sinks.push_back(&around);
  ForwardingSink all(std::move(sinks));
  AlignedClocks aligned(&all);
  const int status = ReadTraceInput(request.input, "report", aligned);
  if (status == kExitFailure) return status;
  if (status == kExitDamaged) tables.SetIncomplete();
  tables.Finish();
  around.Finish();
  if (request.json) {
    Json sections = Json::object();
    if (looks_around) sections["around"] = around.ToJson();
    if (request.counters) sections["counters"] = counters.ToJson();
    std::cout << RenderReportJson(tables, sections);
  } else {
    std::cout << RenderReport(tables, request.input.path, request.input.path);
    if (looks_around) std::cout << "\n" << around.Text();
    if (request.counters) {
      std::cout << "\n" << counters.Text();
    } else if (const std::string text = counters.Hint(); !text.empty()) {
      std::cout << "\n" << text;
    }
  }
  std::cout << std::flush;
  return status;
}

void AddReportCommand(CLI::App& app, int* exit_code) {
  auto request = std::make_shared<ReportRequest>();
  CLI::App* command = app.add_subcommand("report", "Who dropped how much, where and why");
  AddTraceInput(command, &request->input);
  AddSelection(command, &request->selection);
  command
      ->add_option(
          "--by", request->by,
          absl::StrCat("Counts by these keys instead: ", absl::StrJoin(ShortEventKeys(), ", "),
                       ",\nand those of --json, like packet.length or fields.protocol"))
      ->type_name("KEY,...");
  command
      ->add_option("--around", request->around,
                   "Also each of these events, like bpf:bpf_map_update_elem or 'bpf:*', and what\n"
                   "was dropped before it and after")
      ->type_name("EVENT");
  command->add_option("--window", request->window, "How long before and after, like 1 or 200ms")
      ->type_name("TIME")
      ->capture_default_str();
  command->add_flag(
      "--counters", request->counters,
      "Also what the kernel and drivers counted by themselves, beside the drops seen\n"
      "there: losses that no tracepoint tells");
  command
      ->add_option("--html", request->html,
                   "One page that opens offline, with a timeline, callchains and code; - is stdout")
      ->type_name("FILE");
  command->add_flag("--json", request->json, "One JSON object");
  command->callback([request, exit_code] { *exit_code = RunReport(*request); });
}

}  // namespace correlate
