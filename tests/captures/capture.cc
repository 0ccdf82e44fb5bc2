#include "tests/captures/capture.h"

#include <zstd.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "collector/perf_data_source.h"
#include "collector/tracepoint_format.h"
#include "symbolize/correlator.h"

namespace correlate {
namespace {

constexpr unsigned long long kMostBytes = 64 << 20;

}  // namespace

absl::StatusOr<std::string> ReadCaptureFile(const std::string& name) {
  ASSIGN_OR_RETURN(std::string bytes, ReadFile("tests/captures/" + name));
  if (!absl::EndsWith(name, ".zst")) return bytes;
  const unsigned long long size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  if (size > kMostBytes) return absl::DataLossError(name + " does not tell a sane size");
  std::string unpacked(size, '\0');
  const size_t got = ZSTD_decompress(unpacked.data(), size, bytes.data(), bytes.size());
  if (ZSTD_isError(got) || got != size) {
    return absl::DataLossError(absl::StrCat(name, " cannot be unpacked"));
  }
  return unpacked;
}

absl::StatusOr<ReplaySummary> ReplayCapture(const std::string& name, TraceSink& sink) {
  ASSIGN_OR_RETURN(const std::string perf_data, ReadCaptureFile(name + ".perf.data.zst"));
  ASSIGN_OR_RETURN(const std::string kallsyms, ReadCaptureFile(name + ".kallsyms"));
  ASSIGN_OR_RETURN(const auto source, PerfDataSource::Parse(perf_data));

  RecordingFacts facts;
  facts.hostname = "capture";
  facts.command_line = {"replay", name};
  sink.OnRecording(facts);
  Correlator correlator(&sink);
  for (const PerfDataSource::FormatText& format : source->formats()) {
    ASSIGN_OR_RETURN(EventFormat parsed, ParseEventFormat(format.system, format.text));
    correlator.AddFormat(std::move(parsed));
  }
  ASSIGN_OR_RETURN(KernelSymbols symbols, KernelSymbols::Parse(kallsyms));
  correlator.SetKernelSymbols(std::move(symbols));
  RETURN_IF_ERROR(source->Finish(correlator));
  for (const ProgramInfo* program : correlator.programs()) sink.OnProgram(*program);

  RecordingEnd end;
  end.events = correlator.events();
  end.lost = correlator.lost();
  end.out_of_order = source->out_of_order();
  end.reason = "end of capture";
  sink.OnEnd(end);
  return ReplaySummary{correlator.events(), source->malformed(), source->out_of_order()};
}

}  // namespace correlate
