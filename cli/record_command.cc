#include "cli/record_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clocks.h"
#include "base/status_macros.h"
#include "cli/blocked_signals.h"
#include "cli/child_process.h"
#include "cli/exit_codes.h"
#include "cli/file_ring.h"
#include "cli/flight_recorder.h"
#include "cli/ready_notice.h"
#include "cli/record_flags.h"
#include "cli/record_request.h"
#include "cli/recording.h"
#include "cli/trace_output.h"
#include "proto/trace_writer.h"
#include "render/units.h"

namespace correlate {
namespace {

void Say(absl::string_view text) { std::cerr << "bpftrace-correlate record: " << text << "\n"; }

void SayNotes(const Recording& recording, size_t* said) {
  for (; *said < recording.notes().size(); ++*said) Say(recording.notes()[*said]);
}

std::string LastLine(const Recording::Summary& summary, uint64_t bytes, const std::string& where) {
  return absl::StrCat("[ bpftrace-correlate record: ", summary.events, " events (", summary.lost,
                      " lost, ", summary.missed, " missed, ", summary.only_counted,
                      " only counted), ", summary.programs, " programs, ", summary.attachments,
                      " attachments, ", FormatSeconds(summary.duration_ns), ", ",
                      FormatMegabytes(bytes), " -> ", where, " ]");
}

absl::StatusOr<std::unique_ptr<TraceOutput>> OpenOutput(const RecordRequest& request) {
  if (!request.snapshot_triggers.empty()) {
    return FlightRecorder::Create({.path = request.output,
                                   .keep_ns = request.snapshot_ns,
                                   .keep_bytes = request.snapshot_bytes,
                                   .most_files = request.most_files,
                                   .triggers = request.snapshot_triggers});
  }
  if (request.rotate_bytes > 0 || request.rotate_ns > 0) {
    return FileRing::Create({.path = request.output,
                             .rotate_bytes = request.rotate_bytes,
                             .rotate_ns = request.rotate_ns,
                             .most_files = request.most_files});
  }
  ASSIGN_OR_RETURN(auto writer, TraceWriter::Create(request.output));
  return std::make_unique<SingleFile>(std::move(writer),
                                      request.output == "-" ? "stdout" : request.output);
}

// Descriptors that end a wait, and what they stand for.
struct Waits {
  const BlockedSignals& stop;
  const BlockedSignals& other;  // of the output
  ChildProcess* child;          // null: none
};

// A rule about an event that is not recorded would never hold.
absl::Status CheckTriggers(const RecordRequest& request, const Recording& recording) {
  for (const SnapshotTrigger& trigger : request.snapshot_triggers) {
    const auto& counted = recording.counted_events();
    if (trigger.signal != 0 ||
        std::find(counted.begin(), counted.end(), trigger.event) != counted.end()) {
      continue;
    }
    return absl::InvalidArgumentError(absl::StrCat("--snapshot-on ", trigger.event,
                                                   ": it is not recorded; name it with --event"));
  }
  return absl::OkStatus();
}

// Runs until something says stop; why, in words for the trace.
absl::StatusOr<std::string> RunUntilStopped(const RecordRequest& request, Recording& recording,
                                            const Waits& waits, TraceOutput& output,
                                            int* child_status, size_t* notes_said) {
  ChildProcess* child = waits.child;
  const int child_fd = child != nullptr ? child->exit_fd() : -1;
  const uint64_t deadline_ns =
      request.duration_ns > 0 ? recording.started_ns() + request.duration_ns : UINT64_MAX;
  for (;;) {
    RETURN_IF_ERROR(recording.Step({waits.stop.fd(), waits.other.fd(), child_fd}, deadline_ns));
    if (const int number = waits.other.Take(); number != 0) output.OnSignal(number);
    output.Tick(MonotonicNs());
    if (output.WantsCut(MonotonicNs())) {
      const RecordingEnd totals = recording.TellTotals();
      if (output.Cut(MonotonicNs(), totals)) recording.BeginPart();
    }
    RETURN_IF_ERROR(output.status());
    SayNotes(recording, notes_said);
    for (const std::string& note : output.TakeNotes()) Say(note);
    if (waits.stop.Came()) return "signal";
    if (request.max_bytes > 0 && output.bytes_written() >= request.max_bytes) return "size";
    if (MonotonicNs() >= deadline_ns) return "duration";
    if (child != nullptr && child->Ended()) {
      *child_status = child->ExitStatus();
      return "command ended";
    }
  }
}

int RunRecord(const RecordRequest& request) {
  const bool has_command = !request.command.empty();
  const auto fail = [&](const absl::Status& status) {
    Say(status.message());
    if (has_command) return kExitRecordFailure;
    return absl::IsInvalidArgument(status) ? kExitUsage : kExitFailure;
  };
  const char* manager = std::getenv("NOTIFY_SOCKET");
  auto notice = ReadyNotice::Create(request.ready_fd, manager == nullptr ? "" : manager);
  if (!notice.ok()) {
    Say(notice.status().message());
    return kExitUsage;
  }
  const auto signals = BlockedSignals::ThatStop();
  if (!signals.ok()) return fail(signals.status());
  std::unique_ptr<ChildProcess> child;
  if (has_command) {
    auto prepared = ChildProcess::Prepare(request.command, request.output == "-");
    if (!prepared.ok()) {
      Say(prepared.status().message());
      if (absl::IsNotFound(prepared.status())) return kExitNotFound;
      return absl::IsPermissionDenied(prepared.status()) ? kExitCannotExecute : kExitRecordFailure;
    }
    child = std::move(prepared).value();
  }
  // What was asked for is checked before an older trace is overwritten.
  const auto recording = Recording::Open(request.recording);
  if (!recording.ok()) return fail(recording.status());
  const auto output = OpenOutput(request);
  if (!output.ok()) return fail(output.status());
  if (const auto heard = CheckTriggers(request, **recording); !heard.ok()) return fail(heard);
  const auto output_signals = BlockedSignals::Block((*output)->signals());
  if (!output_signals.ok()) return fail(output_signals.status());
  size_t notes_said = 0;
  if (const auto started = (*recording)->Start(&(*output)->sink()); !started.ok()) {
    return fail(started);
  }
  SayNotes(**recording, &notes_said);
  if (const auto told = notice->Ready(); !told.ok()) Say(told.message());

  int exit_code = kExitSuccess;
  absl::StatusOr<std::string> reason = std::string("the command could not be executed");
  const absl::Status executed = child != nullptr ? child->Start() : absl::OkStatus();
  if (executed.ok()) {
    reason = RunUntilStopped(request, **recording, {*signals, *output_signals, child.get()},
                             **output, &exit_code, &notes_said);
  }
  notice->Stopping().IgnoreError();  // that nobody listens was told at the start
  const auto summary =
      (*recording)->Finish(reason.ok() ? *reason : std::string(reason.status().message()));
  SayNotes(**recording, &notes_said);
  const absl::Status closed = (*output)->Close();
  if (summary.ok()) {
    std::cerr << LastLine(*summary, (*output)->bytes_written(), (*output)->Describe()) << "\n";
  }
  if (!executed.ok()) {
    Say(executed.message());
    return absl::IsNotFound(executed) ? kExitNotFound : kExitCannotExecute;
  }
  if (!closed.ok()) return fail(closed);
  if (!reason.ok()) return fail(reason.status());
  if (!summary.ok()) return fail(summary.status());
  return exit_code;
}

}  // namespace

void AddRecordCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<RecordFlags>();
  CLI::App* command = app.add_subcommand(
      "record", "Record drops, XDP exceptions and program loads into a trace file");
  AddRecordFlags(*command, flags.get());
  command->callback([flags, exit_code] {
    auto request = ToRequest(*flags);
    if (!request.ok()) {
      Say(request.status().message());
      *exit_code = kExitUsage;
      return;
    }
    *exit_code = RunRecord(*request);
  });
}

}  // namespace correlate
