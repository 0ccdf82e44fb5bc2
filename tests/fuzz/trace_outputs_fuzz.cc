// Any bytes as a trace file, on their way into all that is made of traces: reports, the page, each
// export. Whatever numbers, names and references a trace holds, it becomes text.
#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "export/export_format.h"
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
#include "symbolize/aligned_clocks.h"
#include "symbolize/forwarding_sink.h"
#include "tests/fuzz/planted_bug.h"
#include "tests/fuzz/trace_mutator.h"

namespace {

using namespace correlate;

const std::vector<EventKey>& Keys() {
  static const std::vector<EventKey>& keys =
      *new std::vector<EventKey>(ParseEventKeys("program,attachment,location,src,cgroup").value());
  return keys;
}

class Counts : public TraceSink {
 public:
  void OnCounts(const EventCounts& counts) override {
    PlantedBug(counts.missed > uint64_t{1} << 40);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ReportTables tables({});
  ReportTables by_keys(Keys());
  Surroundings around("bpf:*", 1'000'000'000);
  CounterComparison counters;
  PageFacts facts({});
  PagePrograms programs;
  Counts counts;
  std::vector<TraceSink*> sinks = {&counts,   &tables, &by_keys, &around,
                                   &counters, &facts,  &programs};
  std::ostringstream out;
  std::vector<std::unique_ptr<SummaryExport>> summaries;
  std::vector<std::unique_ptr<TraceSink>> rows;
  for (const ExportFormat& format : ExportFormats()) {
    if (format.summary != nullptr) {
      summaries.push_back(format.summary({}, out));
      sinks.push_back(summaries.back().get());
    } else {
      rows.push_back(format.rows({}, out));
      sinks.push_back(rows.back().get());
    }
  }
  ForwardingSink all(sinks);
  AlignedClocks aligned(&all);
  ReadTraceBytes({reinterpret_cast<const char*>(data), size}, aligned);
  tables.Finish();
  by_keys.Finish();
  around.Finish();
  facts.Finish();
  for (const auto& summary : summaries) summary->Finish();
  RenderReport(by_keys, "trace", "trace");
  RenderReportJson(tables);
  around.Text();
  counters.Text();
  counters.ToJson();
  const std::string report = RenderReport(tables, "trace", "trace");
  // Most of the page is always the same, and large.
  if (size % 32 == 0) RenderHtmlPage(tables, facts, programs, {});
  // Nothing that a terminal would obey.
  for (const char c : report) {
    if (static_cast<unsigned char>(c) < ' ' && c != '\n') __builtin_trap();
  }
  return 0;
}
