#include "cli/perf_data_import.h"

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/version.h"
#include "collector/perf_data_features.h"
#include "collector/perf_data_source.h"
#include "symbolize/correlator.h"
#include "symbolize/kernel_symbols.h"

namespace correlate {
namespace {

// Where `_text` stands in kallsyms; 0: nowhere.
uint64_t TextAddress(absl::string_view kallsyms) {
  const size_t name = kallsyms.find(" T _text\n");
  if (name == absl::string_view::npos) return 0;
  const size_t line = kallsyms.rfind('\n', name) + 1;  // npos + 1 is 0
  uint64_t address = 0;
  (void)absl::SimpleHexAtoi(kallsyms.substr(line, name - line), &address);
  return address;
}

RecordingFacts FactsOf(const PerfDataSource& source, const PerfDataHost& host) {
  RecordingFacts facts;
  facts.hostname = host.hostname;
  facts.kernel_release = host.kernel_release;
  facts.machine = host.machine;
  facts.online_cpus = host.online_cpus;
  facts.memory_bytes = host.memory_bytes;
  facts.tool_version = absl::StrCat(kVersion, ", imported from perf ", host.perf_version);
  facts.command_line = host.command_line;
  for (const PerfDataEvent& event : source.file().events) {
    for (const PerfDataFormat& format : source.formats()) {
      if (format.tracepoint_id != event.config) continue;
      const size_t end = format.text.find('\n');
      facts.enabled_events.push_back(absl::StrCat(
          format.system, ":", format.text.substr(6, end == std::string::npos ? 0 : end - 6)));
    }
  }
  facts.requested_events = facts.enabled_events;
  facts.stacks = "all";
  return facts;
}

class Notes {
 public:
  explicit Notes(TraceSink& sink) : sink_(sink) {}
  void Add(std::string text) { sink_.OnNote({.time_ns = 0, .text = std::move(text)}); }

 private:
  TraceSink& sink_;
};

}  // namespace

absl::StatusOr<PerfDataImport> ImportPerfData(absl::string_view perf_data,
                                              absl::string_view kallsyms, TraceSink& sink,
                                              KnownFormats* known) {
  ASSIGN_OR_RETURN(const auto source, PerfDataSource::Parse(perf_data));
  ASSIGN_OR_RETURN(std::vector<EventFormat> formats, ParseForeignFormats(source->formats(), known));
  const PerfDataHost host = ParsePerfDataHost(source->file());
  sink.OnRecording(FactsOf(*source, host));
  if (host.clocks.has_value()) sink.OnClocks(*host.clocks);

  Correlator correlator(&sink);
  for (size_t i = 0; i < formats.size(); ++i) {
    if (source->file().foreign) source->SetFormat(static_cast<uint32_t>(i), formats[i]);
    correlator.AddFormat(std::move(formats[i]));
  }
  const PerfDataPrograms programs = ParsePerfDataPrograms(source->file());
  for (const BtfImage& btf : programs.btf) sink.OnBtf(btf);
  for (const ProgramInfo& program : programs.programs) correlator.AddProgram(program);

  PerfDataImport result;
  Notes notes(sink);
  const uint64_t there = source->FindKernelText();
  const uint64_t here = TextAddress(kallsyms);
  if (kallsyms.empty()) {
    notes.Add(
        "kernel addresses have no names: no kallsyms was given (import --kallsyms FILE, a copy of "
        "/proc/kallsyms of the recording host, of the same boot)");
  } else if (there != 0 && here != there) {
    notes.Add(
        "kernel addresses have no names: the kallsyms that was given is of another boot or host, "
        "where the kernel lies elsewhere (import --kallsyms FILE)");
  } else if (auto symbols = KernelSymbols::Parse(kallsyms); symbols.ok()) {
    correlator.SetKernelSymbols(*std::move(symbols));
    result.kernel_symbols = true;
  } else {
    notes.Add(absl::StrCat("kernel addresses have no names: ", symbols.status().message()));
  }
  notes.Add(
      "imported from a file of perf record: where programs were attached, and the devices and "
      "packets "
      "of events, are not in it and are unknown");
  if (source->clock_id() != CLOCK_MONOTONIC) {
    notes.Add(
        "times are those of perf's own clock, which no wall clock is known for (perf record -k "
        "CLOCK_MONOTONIC)");
  }

  result.damage = source->Finish(correlator);
  for (const ProgramInfo* program : correlator.programs()) sink.OnProgram(*program);
  result.events = correlator.events();
  result.lost = correlator.lost();
  result.malformed = source->malformed();
  result.out_of_order = source->out_of_order();
  result.foreign_samples = source->foreign_samples();
  if (result.foreign_samples > 0) {
    notes.Add(absl::StrCat(result.foreign_samples,
                           " samples of events that are no tracepoints were left out"));
  }
  if (result.malformed > 0) {
    notes.Add(absl::StrCat(result.malformed, " records made no sense and were left out"));
  }
  if (!result.damage.ok()) notes.Add(std::string(result.damage.message()));

  RecordingEnd end;
  end.events = result.events;
  end.lost = result.lost;
  end.out_of_order = result.out_of_order;
  end.reason =
      result.damage.ok() ? "end of the perf.data file" : "the perf.data file was cut short";
  sink.OnEnd(end);
  return result;
}

}  // namespace correlate
