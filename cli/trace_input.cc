#include "cli/trace_input.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/exit_codes.h"
#include "cli/progress_line.h"
#include "proto/trace_reader.h"

namespace correlate {

void AddTraceInput(CLI::App* command, TraceInput* input) {
  CLI::Option* option = command->add_option("-i,--input", input->path, "The trace; - is stdin")
                            ->capture_default_str();
  command->add_option("TRACE", input->path, "The same")->excludes(option);
}

namespace {

int Tell(const absl::StatusOr<ReadSummary>& summary, const TraceInput& input,
         const std::string& command) {
  if (!summary.ok()) {
    std::cerr << "bpftrace-correlate " << command << ": " << summary.status().message() << "\n";
    return kExitFailure;
  }
  if (!summary->damaged()) return kExitSuccess;
  std::cout.flush();
  std::cerr << "bpftrace-correlate " << command << ": " << input.path << ": " << summary->Describe()
            << "\n";
  return kExitDamaged;
}

}  // namespace

int ReadTraceInput(const TraceInput& input, const std::string& command, TraceSink& sink) {
  ProgressLine line("reading " + input.path);
  const auto summary =
      ReadTraceFile(input.path, sink, [&](uint64_t done, uint64_t all) { line.Show(done, all); });
  line.Clear();
  return Tell(summary, input, command);
}

int PrintTraceInput(const TraceInput& input, const std::string& command,
                    const PrintingLanes::MakePrinter& make) {
  ProgressLine line("reading " + input.path);
  const auto summary = PrintTraceFile(input.path, make, std::cout,
                                      [&](uint64_t done, uint64_t all) { line.Show(done, all); });
  line.Clear();
  return Tell(summary, input, command);
}

}  // namespace correlate
