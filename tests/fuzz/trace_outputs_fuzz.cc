// Any bytes as a trace file, on their way into all that people are shown of traces: `script`,
// reports, the page, comparisons, programs and maps, alerts. Whatever numbers, names and references
// a trace holds, it becomes text.
#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "alert/alert_text.h"
#include "alert/alert_watch.h"
#include "alert/rule.h"
#include "cli/info_tables.h"
#include "cli/map_contents.h"
#include "cli/program_tables.h"
#include "cli/script_command.h"
#include "proto/trace_reader.h"
#include "query/event_key.h"
#include "report/counter_comparison.h"
#include "report/html_page.h"
#include "report/page_facts.h"
#include "report/page_programs.h"
#include "report/report_json.h"
#include "report/report_tables.h"
#include "report/report_text.h"
#include "report/surroundings.h"
#include "report/trace_diff.h"
#include "symbolize/aligned_clocks.h"
#include "symbolize/forwarding_sink.h"
#include "tests/fuzz/planted_bug.h"
#include "tests/fuzz/trace_mutator.h"

namespace {

using namespace correlate;

const std::vector<EventKey>& Keys() {
  static const std::vector<EventKey>& keys = *new std::vector<EventKey>(
      ParseEventKeys("program,attachment,location,src,cgroup,netns,fields.reason").value());
  return keys;
}

constexpr char kRules[] = R"(
  rule { name: "all" filter: "cpu >= 0" by: "program" by: "device" window: "1s" above: 0 }
  rule { name: "rate" by: "src" window: "2s" per_second: true above: 0.5 below: 0.1
         keep: "1s" severity: "warning" summary: "many" }
)";

const std::vector<AlertRule>& Rules() {
  static const std::vector<AlertRule>& rules =
      *new std::vector<AlertRule>(ParseRules(kRules, "rules").value());
  return rules;
}

class Counts : public TraceSink {
 public:
  void OnCounts(const EventCounts& counts) override {
    PlantedBug(counts.missed > uint64_t{1} << 40);
  }
};

// Nothing that a terminal would obey.
void CheckPrintable(const std::string& text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t') __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::ostringstream script;
  const std::unique_ptr<TraceSink> printer = MakeScriptPrinter(script, false);
  ReportTables tables({});
  ReportTables by_keys(Keys());
  Surroundings around("bpf:*", 1'000'000'000);
  CounterComparison counters;
  PageFacts facts({});
  PagePrograms page_programs;
  InfoTables info;
  ProgramTables programs;
  MapContents maps("seedmap");
  const std::unique_ptr<DiffSide> before = DiffSide::Create("", "cpu == 0").value();
  const std::unique_ptr<DiffSide> after = DiffSide::Create("", "cpu != 0").value();
  std::string alerts;
  int told = 0;
  AlertWatch watch(Rules(), [&](const Alert& alert) {
    const AlertContext context = watch.Context("trace");
    alerts += AlertLine(alert, context);
    if (++told > 2) return;  // all are told alike
    AlertmanagerAlert(alert, context, AlertToJson(alert, context)).dump();
  });
  Counts counts;
  ForwardingSink all({&counts, printer.get(), &info, &tables, &by_keys, &around, &counters, &facts,
                      &page_programs, &programs, &maps, &before->tables(), &after->tables(),
                      &watch});
  AlignedClocks aligned(&all);
  ReadTraceBytes({reinterpret_cast<const char*>(data), size}, aligned);
  for (ReportTables* each : {&tables, &by_keys, &before->tables(), &after->tables()}) {
    each->Finish();
  }
  around.Finish();
  facts.Finish();
  watch.engine().Finish();
  const TraceDiff diff = CompareTraces(*before, *after);
  RenderReportJson(tables);
  DiffToJson(*before, *after, diff).dump();
  info.ToJson().dump();
  counters.ToJson().dump();
  programs.ToJson().dump();
  programs.MapsToJson().dump();
  maps.ToJson().dump();
  // Most of the page is always the same, and large.
  if (size % 32 == 0) RenderHtmlPage(tables, facts, page_programs, {});
  for (const std::string& text :
       {script.str(), RenderReport(tables, "trace", "trace"),
        RenderReport(by_keys, "trace", "trace"), info.Text("trace"), around.Text(), counters.Text(),
        programs.Text(), programs.MapsText(), maps.Text(), alerts,
        RenderDiff(*before, *after, diff, "trace", "trace")}) {
    CheckPrintable(text);
  }
  return 0;
}
