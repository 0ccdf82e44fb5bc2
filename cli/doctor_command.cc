#include "cli/doctor_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "cli/exit_codes.h"
#include "collector/attribution_cost.h"
#include "collector/capabilities.h"
#include "collector/load_trials.h"
#include "render/event_fields.h"
#include "render/text.h"

namespace correlate {
namespace {

size_t Findings(const std::vector<Check>& checks) {
  return static_cast<size_t>(std::count_if(checks.begin(), checks.end(),
                                           [](const Check& check) { return check.IsFinding(); }));
}

std::string Lines(absl::string_view text) {
  std::string printable;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    absl::StrAppend(&printable, Printable(line), "\n");
  }
  return printable;
}

}  // namespace

std::string DoctorText(const std::vector<Check>& checks) {
  size_t width = 0;
  for (const Check& check : checks) width = std::max(width, check.name.size());
  constexpr size_t kStateWidth = 8;  // "degraded"
  const std::string indent(kStateWidth + 2 + width + 2, ' ');
  std::string text;
  for (const Check& check : checks) {
    absl::StrAppend(&text, absl::StrFormat("%-*s  %-*s  %s\n", kStateWidth, StateName(check.state),
                                           width, check.name, Printable(check.found)));
    if (!check.cost.empty()) absl::StrAppend(&text, indent, "costs: ", check.cost, "\n");
    if (!check.mend.empty()) absl::StrAppend(&text, indent, "mend:  ", check.mend, "\n");
  }
  return text;
}

std::string DoctorJson(const std::vector<Check>& checks) {
  Json json;
  json["findings"] = Findings(checks);
  json["checks"] = Json::array();
  for (const Check& check : checks) {
    Json entry;
    entry["name"] = check.name;
    entry["state"] = std::string(StateName(check.state));
    entry["found"] = ValidUtf8(check.found);
    if (!check.cost.empty()) entry["cost"] = check.cost;
    if (!check.mend.empty()) entry["mend"] = check.mend;
    json["checks"].push_back(std::move(entry));
  }
  return json.dump() + "\n";
}

void AddDoctorCommand(CLI::App& app, int* exit_code) {
  struct Flags {
    bool json = false;
    bool exit_code = false;
    bool load = false;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand(
      "doctor", "What this host allows, what that costs, and the command that mends it");
  command->add_flag("--json", flags->json, "One JSON object");
  command->add_flag("--exit-code", flags->exit_code, "Exit with 3 when there is a finding");
  command->add_flag("--load", flags->load,
                    "Also loads each BPF object of this program, for a moment: what this kernel's\n"
                    "verifier says of what it refuses is on stderr");
  command->callback([flags, exit_code] {
    std::vector<Check> checks = ExamineHost(ProbeCapabilities());
    checks.push_back(AttributionCheck(MeasureAttributionCost()));
    if (flags->load) {
      for (const LoadTrial& trial : TryLoads()) {
        checks.push_back(LoadCheck(trial));
        if (!trial.log.empty()) std::cerr << trial.object << ":\n" << Lines(trial.log);
      }
    }
    std::cout << (flags->json ? DoctorJson(checks) : DoctorText(checks)) << std::flush;
    const size_t findings = Findings(checks);
    std::cerr << "bpftrace-correlate doctor: "
              << (findings == 0
                      ? "nothing to mend"
                      : absl::StrCat(findings, " of ", checks.size(), " checks found something"))
              << "\n";
    *exit_code = flags->exit_code && findings > 0 ? kExitFindings : kExitSuccess;
  });
}

}  // namespace correlate
