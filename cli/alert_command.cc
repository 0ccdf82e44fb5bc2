#include "cli/alert_command.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "alert/alert_text.h"
#include "alert/alert_watch.h"
#include "alert/metrics_endpoint.h"
#include "alert/texts.h"
#include "base/status_macros.h"
#include "cli/alert_service.h"
#include "cli/common_flags.h"
#include "cli/config_file.h"
#include "cli/exit_codes.h"
#include "cli/trace_input.h"
#include "render/units.h"
#include "symbolize/aligned_clocks.h"

namespace correlate {
namespace {

struct Flags {
  std::string config;
  std::string rules;
  std::string from;
  WatchFlags watch = {.max_rate = 200};
  std::string listen;
  size_t max_series = MetricsEndpoint::kMostSeries;
  int ready_fd = -1;
  bool json = false;
  bool exit_code = false;
  bool check = false;
  bool print_schema = false;
  bool print_example = false;
  bool print_prometheus_rules = false;
};

// A damaged trace goes before findings.
int ExitCode(const Flags& flags, int status, uint64_t fired) {
  return status == kExitSuccess && flags.exit_code && fired > 0 ? kExitFindings : status;
}

int RunBacktest(const Flags& flags, std::vector<AlertRule> rules) {
  std::optional<AlertWatch> watch;
  watch.emplace(std::move(rules), [&](const Alert& alert) {
    const AlertContext context = watch->Context(flags.from);
    if (flags.json) {
      std::cout << AlertToJson(alert, context).dump() << "\n";
    } else {
      std::cout << AlertLine(alert, context) << "\n";
    }
  });
  AlignedClocks aligned(&*watch);
  const int status = ReadTraceInput({.path = flags.from}, "alert", aligned);
  if (status == kExitFailure) return status;
  watch->engine().Finish();
  std::cout << std::flush;
  const AlertEngine& engine = watch->engine();
  std::string said = absl::StrCat(FormatCount(engine.fired()), " alerts fired");
  if (engine.silenced() > 0) {
    absl::StrAppend(&said, ", ", FormatCount(engine.silenced()), " more were silenced");
  }
  if (engine.undecided() > 0) {
    absl::StrAppend(&said, "; ", FormatCount(engine.undecided()),
                    " events were only counted and do not tell whether a rule takes them");
  }
  SayOfAlert(said);
  return ExitCode(flags, status, engine.fired());
}

// Few events are written, so that a month needs no large rings.
constexpr uint32_t kFewEvents = 10'000;
constexpr size_t kSmallRingBytes = 1 << 20;

absl::StatusOr<AlertServiceOptions> ServiceOptions(const Flags& flags) {
  AlertServiceOptions options;
  options.recording = WatchedRecording(flags.watch);
  if (flags.watch.max_rate <= kFewEvents) options.recording.ring_bytes = kSmallRingBytes;
  options.recording.images = RecordingOptions::Images::kNone;
  options.rules = flags.rules;
  options.listen = flags.listen;
  options.most_series = flags.max_series;
  options.ready_fd = flags.ready_fd;
  if (!flags.watch.duration.empty()) {
    ASSIGN_OR_RETURN(options.duration_ns, ParseDuration(flags.watch.duration));
  }
  return options;
}

int Fail(const absl::Status& status) {
  SayOfAlert(status.message());
  return absl::IsInvalidArgument(status) ? kExitUsage : kExitFailure;
}

int RunAlert(const Flags& flags) {
  if (flags.print_schema || flags.print_example || flags.print_prometheus_rules) {
    std::cout << (flags.print_schema    ? AlertSchema()
                  : flags.print_example ? AlertExample()
                                        : PrometheusRules())
              << std::flush;
    return kExitSuccess;
  }
  auto rules = ReadAlertRules(flags.rules);
  if (!rules.ok()) return Fail(rules.status());
  if (flags.check) {
    SayOfAlert(absl::StrCat(rules->size(), " rules, nothing wrong"));
    return kExitSuccess;
  }
  if (!flags.from.empty()) return RunBacktest(flags, *std::move(rules));
  const auto options = ServiceOptions(flags);
  if (!options.ok()) return Fail(options.status());
  const auto fired = RunAlertService(*options, *std::move(rules));
  if (!fired.ok()) return Fail(fired.status());
  return ExitCode(flags, kExitSuccess, *fired);
}

}  // namespace

void AddAlertCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      app.add_subcommand("alert", "Tells when drops and XDP exceptions become too many");
  command
      ->add_option(
          "--rules", flags->rules,
          "What is too many, and what is to be done then (--print-example, --print-schema);\n"
          "without: what --print-example prints")
      ->type_name("FILE");
  command
      ->add_option("--from", flags->from,
                   "What would have fired over this trace, and when; nothing is done")
      ->type_name("TRACE");
  AddWatchFlags(*command, &flags->watch);
  command
      ->add_option("--listen", flags->listen,
                   "Serve /metrics for Prometheus, /healthz and /readyz there, like\n"
                   "127.0.0.1:9435; anybody who reaches it may read")
      ->type_name("ADDRESS:PORT");
  command
      ->add_option(
          "--max-series", flags->max_series,
          "Of --listen: the most series of events; what is more is counted with \"other\"\n"
          "for its device and namespace, then for all but its event")
      ->check(CLI::Range(size_t{10}, size_t{1'000'000}))
      ->capture_default_str();
  AddReadyFdOption(*command, "watched", &flags->ready_fd);
  AddConfigOption(*command, &flags->config);
  command->add_flag("--json", flags->json, "With --from: one JSON object a line");
  command->add_flag("--exit-code", flags->exit_code, "Ends with 3 if anything fired");
  command->add_flag("--check", flags->check, "Only says whether the rules are right");
  command->add_flag("--print-schema", flags->print_schema, "The language of rules");
  command->add_flag("--print-rules", flags->print_prometheus_rules,
                    "Rules for Prometheus, over what --listen serves");
  command->add_flag("--print-example", flags->print_example, "A file of rules to begin with");
  command->callback([flags, command, exit_code] {
    ReadConfigFile(*command, flags->config);
    *exit_code = RunAlert(*flags);
  });
}

}  // namespace correlate
