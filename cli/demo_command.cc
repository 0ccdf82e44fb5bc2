#include "cli/demo_command.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clocks.h"
#include "base/status_macros.h"
#include "cli/blocked_signals.h"
#include "cli/demo/private_netns_names.h"
#include "cli/demo/scenario.h"
#include "cli/exit_codes.h"
#include "cli/recording.h"
#include "proto/trace_writer.h"
#include "render/units.h"
#include "report/report_tables.h"
#include "report/report_text.h"
#include "symbolize/forwarding_sink.h"

namespace correlate {
namespace {

constexpr int kRounds = 250;
constexpr uint64_t kRoundNs = 2'000'000;

void Say(absl::string_view text) { std::cerr << "bpftrace-correlate demo: " << text << "\n"; }

void SayActs(const DemoScenario& scenario) {
  Say("two network namespaces, blue and red, joined by veth; in them");
  for (const DemoAct& act : scenario.acts()) {
    Say(absl::StrCat("  ", act.program, " #", act.program_id, ", ", act.where, ": ", act.does));
  }
}

// A file made for a recording that never began is no trace: nobody should find it.
class UnlessKept {
 public:
  explicit UnlessKept(std::string path) : path_(std::move(path)) {}
  ~UnlessKept() {
    if (!path_.empty() && path_ != "-") unlink(path_.c_str());
  }
  void Keep() { path_.clear(); }

 private:
  std::string path_;
};

class Demo {
 public:
  explicit Demo(DemoRequest request) : request_(std::move(request)) {}

  absl::Status Run() {
    ASSIGN_OR_RETURN(const BlockedSignals signals, BlockedSignals::ThatStop());
    // First, as it says best which privilege is missing. The side-band is heard from here on.
    ASSIGN_OR_RETURN(recording_, Recording::Open(RecordingOptions()));
    // Before the names are covered: the trace may lie below.
    if (!request_.output.empty()) {
      ASSIGN_OR_RETURN(writer_, TraceWriter::Create(request_.output));
    }
    UnlessKept trace(writer_ != nullptr ? request_.output : "");
    RETURN_IF_ERROR(CoverNetnsNames());
    ASSIGN_OR_RETURN(const std::unique_ptr<DemoScenario> scenario, DemoScenario::Build());
    SayActs(*scenario);

    ForwardingSink both({&tables_, writer_.get()});
    RETURN_IF_ERROR(
        recording_->Start(writer_ != nullptr ? static_cast<TraceSink*>(&both) : &tables_));
    trace.Keep();
    SayNotes();
    const absl::StatusOr<int> rounds = SendAndRecord(signals, *scenario);
    const absl::Status finished = Finish(rounds);
    if (!rounds.ok()) return rounds.status();
    RETURN_IF_ERROR(finished);
    Say(absl::StrCat(*rounds, " packets of each of 4 kinds sent, ", scenario->arrived(),
                     " packets arrived", *rounds < kRounds ? "; interrupted" : ""));
    return absl::OkStatus();
  }

 private:
  // How many rounds were sent: fewer than kRounds after a signal.
  absl::StatusOr<int> SendAndRecord(const BlockedSignals& signals, DemoScenario& scenario) {
    Say("sending and recording ...");
    for (int round = 0; round < kRounds; ++round) {
      if (signals.Came()) return round;
      RETURN_IF_ERROR(scenario.SendRound());
      RETURN_IF_ERROR(recording_->Step({signals.fd()}, MonotonicNs() + kRoundNs));
      if (writer_ != nullptr) {
        writer_->Tick(MonotonicNs());
        RETURN_IF_ERROR(writer_->status());
      }
      SayNotes();
    }
    return kRounds;
  }

  absl::Status Finish(const absl::StatusOr<int>& rounds) {
    std::string reason = "all packets sent";
    if (!rounds.ok()) {
      reason = std::string(rounds.status().message());
    } else if (*rounds < kRounds) {
      reason = "signal";
    }
    const auto summary = recording_->Finish(reason);
    SayNotes();
    if (writer_ != nullptr) RETURN_IF_ERROR(writer_->Close());
    RETURN_IF_ERROR(summary.status());
    if (writer_ != nullptr) {
      Say(absl::StrCat(FormatCount(summary->events), " events, ",
                       FormatMegabytes(writer_->bytes_written()), " -> ",
                       request_.output == "-" ? "stdout" : request_.output));
    }
    std::ostream& out = request_.output == "-" ? std::cerr : std::cout;
    tables_.Finish();
    out << RenderReport(tables_, request_.output.empty() ? "demo" : request_.output,
                        request_.output)
        << std::flush;
    return absl::OkStatus();
  }

  void SayNotes() {
    for (; notes_said_ < recording_->notes().size(); ++notes_said_) {
      Say(recording_->notes()[notes_said_]);
    }
  }

  const DemoRequest request_;
  ReportTables tables_{{}};
  std::unique_ptr<Recording> recording_;
  std::unique_ptr<TraceWriter> writer_;
  size_t notes_said_ = 0;
};

}  // namespace

int RunDemo(const DemoRequest& request) {
  // What the demo made goes with the objects inside.
  const absl::Status status = Demo(request).Run();
  if (!status.ok()) {
    Say(status.message());
    return kExitFailure;
  }
  return kExitSuccess;
}

void AddDemoCommand(CLI::App& app, int* exit_code) {
  auto request = std::make_shared<DemoRequest>();
  CLI::App* command = app.add_subcommand(
      "demo", "Make drops and XDP exceptions in namespaces of its own, record and report them");
  command->add_option("-o,--output", request->output, "Keep the trace; - is stdout")
      ->type_name("FILE");
  command->callback([request, exit_code] { *exit_code = RunDemo(*request); });
}

}  // namespace correlate
