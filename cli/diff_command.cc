#include "cli/diff_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>

#include "cli/exit_codes.h"
#include "cli/pager.h"
#include "cli/trace_input.h"
#include "report/trace_diff.h"
#include "symbolize/aligned_clocks.h"

namespace correlate {
namespace {

struct Flags {
  TraceInput before;
  TraceInput after;
  SelectionFlags selection;
  bool json = false;
  bool exit_code = false;
};

int RunDiff(const Flags& flags) {
  int status = kExitSuccess;
  std::unique_ptr<DiffSide> sides[2];
  const Pager pager;
  const TraceInput* const inputs[2] = {&flags.before, &flags.after};
  for (int i = 0; i < 2; ++i) {
    auto side = DiffSide::Create(flags.selection.time, flags.selection.filter);
    if (!side.ok()) {
      std::cerr << "bpftrace-correlate diff: " << side.status().message() << "\n";
      return kExitUsage;
    }
    sides[i] = *std::move(side);
    AlignedClocks aligned(&sides[i]->tables());
    const int read = ReadTraceInput(*inputs[i], "diff", aligned);
    if (read == kExitFailure) return read;
    if (read == kExitDamaged) {
      sides[i]->tables().SetIncomplete();
      status = read;
    }
    sides[i]->tables().Finish();
  }
  const TraceDiff diff = CompareTraces(*sides[0], *sides[1]);
  if (flags.json) {
    std::cout << DiffToJson(*sides[0], *sides[1], diff).dump() << "\n";
  } else {
    std::cout << RenderDiff(*sides[0], *sides[1], diff, flags.before.path, flags.after.path);
  }
  std::cout << std::flush;
  if (status != kExitSuccess) return status;
  return flags.exit_code && diff.findings > 0 ? kExitFindings : kExitSuccess;
}

}  // namespace

void AddDiffCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand(
      "diff",
      "What changed between two traces: rates by culprit, reason, location and program tag");
  command->add_option("BEFORE", flags->before.path, "A trace")->required();
  command->add_option("AFTER", flags->after.path, "A later one")->required();
  AddSelection(command, &flags->selection);
  command->add_flag("--json", flags->json, "One JSON object");
  command->add_flag("--exit-code", flags->exit_code, "Ends with 3 if anything changed");
  command->callback([flags, exit_code] { *exit_code = RunDiff(*flags); });
}

}  // namespace correlate
