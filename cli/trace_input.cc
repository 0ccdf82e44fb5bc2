#include "cli/trace_input.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "base/reader_sandbox.h"
#include "cli/exit_codes.h"
#include "cli/progress_line.h"
#include "proto/trace_reader.h"

namespace correlate {

void AddTraceInput(CLI::App* command, TraceInput* input) {
  CLI::Option* option = command->add_option("-i,--input", input->path, "The trace; - is stdin")
                            ->capture_default_str();
  command->add_option("TRACE", input->path, "The same")->excludes(option);
}

void AddSelection(CLI::App* command, SelectionFlags* flags) {
  command
      ->add_option(
          "--time", flags->time,
          "Only what happened then: seconds as `script` prints them, +5s since the start,\n"
          "19:31:02 or 2026-11-21T19:31:02Z in UTC; either end may be left out")
      ->type_name("FROM,TO");
  command
      ->add_option("--filter", flags->filter,
                   "Only events like this: 'reason == TC_INGRESS && dst == 10.0.0.0/8'. Keys are\n"
                   "those of --json and of --by; == != < <= > >= ~ (regular expression) in (A, B)\n"
                   "&& || ! (docs/filter.md)")
      ->type_name("EXPR");
}

namespace {

int Tell(const absl::StatusOr<ReadSummary>& summary, const TraceInput& input,
         const std::string& command) {
  if (!summary.ok()) {
    std::cerr << "bpftrace-correlate " << command << ": " << summary.status().message() << "\n";
    return kExitFailure;
  }
  if (const std::string unknown = summary->DescribeUnknown(); !unknown.empty()) {
    std::cout.flush();
    std::cerr << "bpftrace-correlate " << command << ": " << input.path << ": " << unknown << "\n";
  }
  if (!summary->damaged()) return kExitSuccess;
  std::cout.flush();
  std::cerr << "bpftrace-correlate " << command << ": " << input.path << ": " << summary->Describe()
            << "\n";
  return kExitDamaged;
}

}  // namespace

int ReadTraceInput(const TraceInput& input, const std::string& command, TraceSink& sink) {
  EnterReaderSandbox().IgnoreError();  // where there is none, it is read without
  ProgressLine line("reading " + input.path);
  const auto summary =
      ReadTraceFile(input.path, sink, [&](uint64_t done, uint64_t all) { line.Show(done, all); });
  line.Clear();
  return Tell(summary, input, command);
}

int PrintTraceInput(const TraceInput& input, const std::string& command,
                    const PrintingLanes::MakePrinter& make, std::ostream& out) {
  EnterReaderSandbox().IgnoreError();  // where there is none, it is read without
  ProgressLine line("reading " + input.path);
  const auto summary = PrintTraceFile(input.path, make, out,
                                      [&](uint64_t done, uint64_t all) { line.Show(done, all); });
  line.Clear();
  return Tell(summary, input, command);
}

}  // namespace correlate
