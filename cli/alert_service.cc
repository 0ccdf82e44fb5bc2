#include "cli/alert_service.h"

#include <linux/capability.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "alert/alert_actions.h"
#include "alert/alert_text.h"
#include "alert/alert_watch.h"
#include "alert/http_client.h"
#include "alert/metrics_endpoint.h"
#include "alert/texts.h"
#include "base/clocks.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "cli/blocked_signals.h"
#include "cli/flight_recorder.h"
#include "cli/ready_notice.h"
#include "collector/capability_set.h"

namespace correlate {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
// Nothing that is younger is judged: what is on its way comes within this time.
constexpr uint64_t kLagNs = kSecondNs;
// What was begun may end, once we are told to.
constexpr uint64_t kPartingNs = 2 * kSecondNs;
// The loop goes round ten times a second; without a round for so long something hangs.
constexpr uint64_t kHangsAfterNs = 15 * kSecondNs;

// What a recording needs once its rings are open: programs and links by id and namespaces
// (SYS_ADMIN), events of CPUs that come later (PERFMON, BPF), devices and filters (NET_ADMIN),
// news of other namespaces (NET_BROADCAST), /proc of others (SYS_PTRACE, DAC_READ_SEARCH),
// addresses (SYSLOG), memory for more maps before Linux 5.11 (SYS_RESOURCE).
constexpr int kNeeded[] = {CAP_SYS_ADMIN,       CAP_BPF,           CAP_PERFMON,
                           CAP_NET_ADMIN,       CAP_NET_BROADCAST, CAP_SYS_PTRACE,
                           CAP_DAC_READ_SEARCH, CAP_SYSLOG,        CAP_SYS_RESOURCE};

class Service {
 public:
  Service(const AlertServiceOptions& options, std::vector<AlertRule> rules)
      : options_(options),
        metrics_(options.most_series),
        watch_(
            std::move(rules), [this](const Alert& alert) { Tell(alert); },
            [this](const CountedEvents& events) { metrics_.Add(events); }) {}

  absl::StatusOr<uint64_t> Run();

 private:
  absl::Status Listen();
  absl::Status OpenRecorder();
  absl::Status Loop(Recording& recording, const BlockedSignals& signals,
                    const BlockedSignals& reload, ReadyNotice& notice);
  void Part();
  void Tell(const Alert& alert);
  void Reload();
  void SayProblems(const Recording& recording);
  std::string Health() const;

  const AlertServiceOptions& options_;
  // What its threads ask for.
  std::atomic<bool> ready_ = false;
  std::atomic<uint64_t> last_round_ns_ = 0;
  MetricsEndpoint metrics_;
  AlertWatch watch_;
  std::unique_ptr<AlertActions> actions_;
  std::unique_ptr<FlightRecorder> recorder_;  // null: no rule wants a snapshot
  std::optional<SnapshotSettings> recorder_settings_;
  bool recorder_failed_ = false;
  size_t notes_said_ = 0;
};

std::string Service::Health() const {
  const uint64_t since_ns = MonotonicNs() - last_round_ns_;
  if (last_round_ns_ == 0 || since_ns < kHangsAfterNs) return "";
  return absl::StrCat("events were not read for ", since_ns / kSecondNs, " s");
}

absl::Status Service::Listen() {
  if (options_.listen.empty()) return absl::OkStatus();
  const auto ready = [this]() -> std::string {
    return ready_ ? "" : "events are not recorded yet, or no more";
  };
  ASSIGN_OR_RETURN(const int port, metrics_.Listen(
                                       options_.listen, [this] { return Health(); }, ready));
  SayOfAlert(absl::StrCat("metrics on port ", port, ", path /metrics"));
  return absl::OkStatus();
}

absl::Status Service::OpenRecorder() {
  recorder_settings_ = SnapshotsOf(watch_.engine().rules());
  if (!recorder_settings_.has_value()) return absl::OkStatus();
  ASSIGN_OR_RETURN(recorder_,
                   FlightRecorder::Create({.path = recorder_settings_->file,
                                           .keep_ns = recorder_settings_->keep_ns,
                                           .most_files = recorder_settings_->most_files}));
  return absl::OkStatus();
}

void Service::Tell(const Alert& alert) {
  const AlertContext context = watch_.Context("");
  SayOfAlert(AlertLine(alert, context));
  metrics_.OnAlert(alert);
  actions_->Do(alert, context, MonotonicNs());
}

// What is wrong leaves everything as it was.
void Service::Reload() {
  auto rules = ReadAlertRules(options_.rules);
  absl::Status status = rules.status();
  if (status.ok() && SnapshotsOf(*rules).has_value() && SnapshotsOf(*rules) != recorder_settings_) {
    status = absl::FailedPreconditionError("other snapshots need another start");
  }
  if (!status.ok()) {
    return SayOfAlert(absl::StrCat("the rules stay as they are: ", status.message()));
  }
  watch_.engine().Replace(*std::move(rules));
  SayOfAlert(absl::StrCat("watching by ", watch_.engine().rules().size(), " other rules"));
}

void Service::SayProblems(const Recording& recording) {
  const std::vector<std::string>& notes = recording.notes();
  for (; notes_said_ < notes.size(); ++notes_said_) SayOfAlert(notes[notes_said_]);
  for (const std::string& problem : actions_->TakeProblems()) SayOfAlert(problem);
  if (recorder_ == nullptr) return;
  for (const std::string& note : recorder_->TakeNotes()) SayOfAlert(note);
  if (recorder_->status().ok() || recorder_failed_) return;
  recorder_failed_ = true;  // alerts go on without
  SayOfAlert(absl::StrCat("no more snapshots: ", recorder_->status().message()));
}

absl::Status Service::Loop(Recording& recording, const BlockedSignals& signals,
                           const BlockedSignals& reload, ReadyNotice& notice) {
  const uint64_t deadline_ns =
      options_.duration_ns == 0 ? UINT64_MAX : recording.started_ns() + options_.duration_ns;
  const char* const watchdog_usec = std::getenv("WATCHDOG_USEC");
  while (!signals.Came() && MonotonicNs() < deadline_ns) {
    RETURN_IF_ERROR(recording.Step({signals.fd(), reload.fd()}, deadline_ns));
    if (reload.Came()) Reload();
    const uint64_t now_ns = MonotonicNs();
    watch_.AdvanceTo(now_ns - kLagNs);
    actions_->Tick(now_ns, RealtimeNs());
    if (recorder_ != nullptr) {
      recorder_->Tick(now_ns);
      if (recorder_->WantsCut(now_ns) && recorder_->Cut(now_ns, recording.TellTotals())) {
        recording.BeginPart();
      }
    }
    SayProblems(recording);
    metrics_.Update(watch_.engine(), *actions_);
    last_round_ns_ = now_ns;
    notice.KeepAlive(watchdog_usec, now_ns);
    if (!std::cout.good()) return absl::OkStatus();  // nobody listens
  }
  return absl::OkStatus();
}

void Service::Part() {
  const uint64_t until_ns = MonotonicNs() + kPartingNs;
  do {
    actions_->Tick(MonotonicNs(), RealtimeNs());
    usleep(10'000);
  } while (!actions_->idle() && MonotonicNs() < until_ns);
  if (actions_->waiting() > 0) {
    SayOfAlert(absl::StrCat(actions_->waiting(), " alerts were not delivered"));
  }
}

absl::StatusOr<uint64_t> Service::Run() {
  ASSIGN_OR_RETURN(const BlockedSignals signals, BlockedSignals::ThatStop());
  ASSIGN_OR_RETURN(const BlockedSignals reload, BlockedSignals::Block({SIGHUP}));
  const char* manager = std::getenv("NOTIFY_SOCKET");
  ASSIGN_OR_RETURN(ReadyNotice notice,
                   ReadyNotice::Create(options_.ready_fd, manager == nullptr ? "" : manager));
  AlertActions::Outlets outlets;
  outlets.print = [](const std::string& line) { std::cout << line << "\n" << std::flush; };
  outlets.snapshot = [this](const std::string& why) { return recorder_->Ask(why, MonotonicNs()); };
  ASSIGN_OR_RETURN(actions_, AlertActions::Create(std::move(outlets)));
  RETURN_IF_ERROR(OpenRecorder());
  ASSIGN_OR_RETURN(const auto recording, Recording::Open(options_.recording));
  // While there is but this thread: capabilities are a thread's own.
  if (const absl::Status kept = CapabilitySet::KeepOnly(kNeeded); !kept.ok()) {
    SayOfAlert(absl::StrCat(kept.message(), ": all capabilities stay"));
  }
  RETURN_IF_ERROR(Listen());
  std::vector<TraceSink*> sinks = {&watch_, &metrics_.sink()};
  if (recorder_ != nullptr) sinks.push_back(&recorder_->sink());
  ForwardingSink sink(sinks);
  RETURN_IF_ERROR(recording->Start(&sink));
  if (const absl::Status told = notice.Ready(); !told.ok()) SayOfAlert(told.message());
  ready_ = true;
  SayOfAlert(absl::StrCat("watching by ", watch_.engine().rules().size(), " rules"));
  const absl::Status ran = Loop(*recording, signals, reload, notice);
  ready_ = false;
  notice.Stopping().IgnoreError();  // that nobody listens was told at the start
  RETURN_IF_ERROR(recording->Finish("signal").status());
  watch_.engine().Finish();
  Part();
  SayProblems(*recording);
  RETURN_IF_ERROR(ran);
  return watch_.engine().fired();
}

}  // namespace

void SayOfAlert(absl::string_view text) {
  std::cerr << absl::StrCat("bpftrace-correlate alert: ", text, "\n");
}

absl::StatusOr<std::vector<AlertRule>> ReadAlertRules(const std::string& path) {
  if (path.empty()) return ParseRules(std::string(AlertExample()), "the rules built in");
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  ASSIGN_OR_RETURN(std::vector<AlertRule> rules, ParseRules(text, path));
  if (CurlClient::Available()) return rules;
  for (const AlertRule& rule : rules) {
    for (const AlertAction& action : rule.actions) {
      if (action.kind != AlertAction::Kind::kWebhook &&
          action.kind != AlertAction::Kind::kAlertmanager) {
        continue;
      }
      return absl::UnimplementedError(
          absl::StrCat(path, ": rule '", rule.name, "' posts to ", action.target.url,
                       ", and the static program is built without HTTP; let `exec` run something "
                       "that posts, or build the whole one (README.md)"));
    }
  }
  return rules;
}

absl::StatusOr<uint64_t> RunAlertService(const AlertServiceOptions& options,
                                         std::vector<AlertRule> rules) {
  return Service(options, std::move(rules)).Run();
}

}  // namespace correlate
