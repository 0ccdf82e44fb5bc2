#include "cli/record_command.h"

#include <sys/stat.h>

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
#include "cli/trace_output.h"
#include "proto/trace_writer.h"
#include "render/units.h"

namespace correlate {
namespace {

void Say(absl::string_view text) { std::cerr << "bpftrace-correlate record: " << text << "\n"; }

// Ring buffers are powers of two of pages (perf_event_open(2)); a size in between is rounded up.
absl::StatusOr<size_t> RingBytes(const std::string& text) {
  if (text.empty()) return 0;
  ASSIGN_OR_RETURN(const uint64_t bytes, ParseBytes(text));
  constexpr uint64_t kLeast = 4096;
  constexpr uint64_t kMost = uint64_t{1} << 30;
  if (bytes < kLeast || bytes > kMost) {
    return absl::InvalidArgumentError("--ring-size is 4K to 1G for each CPU");
  }
  size_t rounded = kLeast;
  while (rounded < bytes) rounded *= 2;
  return rounded;
}

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

}  // namespace

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

namespace {

struct RecordFlags {
  std::string output = "bpftrace-correlate.pb";
  std::vector<std::string> events;
  std::string stacks = "adaptive";
  uint32_t stack_rate = 2000;
  uint32_t snaplen = 0;
  uint32_t max_stack = 64;
  std::string images = "named";
  std::vector<std::string> snapshot_maps;
  uint32_t value_bytes = 64;
  std::optional<uint32_t> max_rate;
  double max_cpu = 0;
  std::string attribution = "auto";
  bool no_enrich = false;
  EventFilterText filter;
  std::string ring_size;
  std::string duration;
  std::string max_size;
  std::string rotate_size;
  std::string rotate_time;
  uint32_t max_files = 0;
  std::vector<std::string> snapshot_on;
  std::string snapshot_time = "30";
  std::string snapshot_size = "32M";
  int ready_fd = -1;
  std::vector<std::string> command;
};

absl::Status ReadOutputFlags(const RecordFlags& flags, RecordRequest* request) {
  if (!flags.rotate_size.empty()) {
    ASSIGN_OR_RETURN(request->rotate_bytes, ParseBytes(flags.rotate_size));
    if (request->rotate_bytes == 0) {
      return absl::InvalidArgumentError("--rotate-size 0 leaves no room");
    }
  }
  if (!flags.rotate_time.empty()) {
    ASSIGN_OR_RETURN(request->rotate_ns, ParseDuration(flags.rotate_time));
    constexpr uint64_t kLeastNs = 1'000'000'000;
    if (request->rotate_ns < kLeastNs) {
      return absl::InvalidArgumentError("--rotate-time is a second at least");
    }
  }
  for (const std::string& text : flags.snapshot_on) {
    ASSIGN_OR_RETURN(const SnapshotTrigger trigger, ParseSnapshotTrigger(text));
    request->snapshot_triggers.push_back(trigger);
  }
  ASSIGN_OR_RETURN(request->snapshot_ns, ParseDuration(flags.snapshot_time));
  ASSIGN_OR_RETURN(request->snapshot_bytes, ParseBytes(flags.snapshot_size));
  request->most_files = flags.max_files;
  const bool ring = request->rotate_bytes > 0 || request->rotate_ns > 0;
  const bool recorder = !request->snapshot_triggers.empty();
  if (ring && recorder) {
    return absl::InvalidArgumentError(
        "--snapshot-on keeps events in memory and --rotate-size and --rotate-time write them all: "
        "one or the other");
  }
  if (!ring && !recorder && flags.max_files > 0) {
    return absl::InvalidArgumentError(
        "--max-files is for several files: with --rotate-size, --rotate-time or --snapshot-on");
  }
  if ((ring || recorder) && flags.output == "-") {
    return absl::InvalidArgumentError("several files do not go to stdout: name one with --output");
  }
  return absl::OkStatus();
}

absl::StatusOr<RecordRequest> ToRequest(const RecordFlags& flags) {
  RecordRequest request;
  request.output = flags.output;
  request.command = flags.command;
  request.recording.events = flags.events;
  using Callchains = PerfSourceSpec::Callchains;
  request.recording.callchains = flags.stacks == "all"    ? Callchains::kAll
                                 : flags.stacks == "none" ? Callchains::kNone
                                                          : Callchains::kAdaptive;
  request.recording.stack_rate = flags.stack_rate;
  if (flags.no_enrich && flags.snaplen > 0) {
    return absl::InvalidArgumentError(
        "--snaplen: the companion BPF programs read packets, so not with --no-enrich");
  }
  request.recording.snaplen = flags.snaplen;
  if (flags.no_enrich && (flags.max_rate.has_value() || flags.max_cpu > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat(flags.max_cpu > 0 ? "--max-cpu" : "--max-rate",
                     " is held by the companion BPF programs: not with --no-enrich"));
  }
  if (flags.max_rate.has_value()) request.recording.max_rate = *flags.max_rate;
  request.recording.max_cpu = flags.max_cpu / 100;
  request.recording.max_stack = flags.max_stack;
  request.recording.value_bytes = flags.value_bytes;
  request.recording.snapshot_maps = flags.snapshot_maps;
  using Images = RecordingOptions::Images;
  request.recording.images = flags.images == "all"    ? Images::kAll
                             : flags.images == "none" ? Images::kNone
                                                      : Images::kNamed;
  request.recording.enrich = !flags.no_enrich;
  using Attribution = RecordingOptions::Attribution;
  if (flags.attribution == "verdict") {
    if (flags.no_enrich) {
      return absl::InvalidArgumentError(
          "--attribution verdict is what the companion BPF programs do: not with --no-enrich");
    }
    request.recording.attribution = Attribution::kVerdict;
  } else if (flags.attribution == "off") {
    request.recording.attribution = Attribution::kOff;
  }
  request.recording.filter_text = flags.filter;
  ASSIGN_OR_RETURN(request.recording.filter, ParseEventFilter(flags.filter));
  if (!flags.filter.empty() && flags.no_enrich) {
    return absl::InvalidArgumentError(
        absl::StrCat(flags.filter.ToStrings().front(),
                     ": the companion BPF programs filter, so not with --no-enrich"));
  }
  if (!flags.filter.programs.empty() && flags.attribution == "off") {
    return absl::InvalidArgumentError(
        "--program looks at what is attached where a packet is dropped: not with --attribution "
        "off");
  }
  ASSIGN_OR_RETURN(request.recording.ring_bytes, RingBytes(flags.ring_size));
  if (!flags.duration.empty()) {
    ASSIGN_OR_RETURN(request.duration_ns, ParseDuration(flags.duration));
  }
  if (!flags.max_size.empty()) {
    ASSIGN_OR_RETURN(request.max_bytes, ParseBytes(flags.max_size));
    if (request.max_bytes == 0) return absl::InvalidArgumentError("--max-size 0 leaves no room");
  }
  RETURN_IF_ERROR(ReadOutputFlags(flags, &request));
  request.ready_fd = flags.ready_fd;
  return request;
}

void AddOutputOptions(CLI::App& command, const std::shared_ptr<RecordFlags>& flags) {
  const char* group = "Always on (files are FILE.000001, FILE.000002, ..., each a whole trace)";
  command
      .add_option("--rotate-size", flags->rotate_size,
                  "Go on in a new file at this size, like 100M")
      ->type_name("SIZE")
      ->group(group);
  command
      .add_option("--rotate-time", flags->rotate_time,
                  "Go on in a new file after this time, like 10m")
      ->type_name("TIME")
      ->group(group);
  command
      .add_option("--max-files", flags->max_files,
                  "Delete the oldest file when there are more (default: keep all)")
      ->check(CLI::Range(uint32_t{1}, uint32_t{999'999}))
      ->group(group);
  command
      .add_option(
          "--snapshot-on", flags->snapshot_on,
          "Keep the last events in memory, and write them to a file at a signal (USR1,\n"
          "USR2, HUP) or when an event came (xdp:xdp_exception) or came more often than so\n"
          "many times a second (skb:kfree_skb>10000); may be repeated")
      ->type_name("SIGNAL|RULE")
      ->allow_extra_args(false)
      ->group(group);
  command
      .add_option("--snapshot-time", flags->snapshot_time,
                  "Of --snapshot-on: how long they are kept")
      ->type_name("TIME")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--snapshot-size", flags->snapshot_size,
                  "Of --snapshot-on: the most memory for them, compressed")
      ->type_name("SIZE")
      ->capture_default_str()
      ->group(group);
}

// Every one may be repeated; values of one are alternatives, and all have to agree.
void AddFilterOptions(CLI::App& command, EventFilterText* filter) {
  const auto add = [&command](const char* name, std::vector<std::string>& values, const char* type,
                              const char* help) {
    command.add_option(name, values, help)
        ->type_name(type)
        ->allow_extra_args(false)
        ->group(
            "Filters in the kernel, of drops and XDP exceptions (each may be repeated: any of "
            "its values; all options have to agree)");
  };
  add("--ifname", filter->ifnames, "IF", "On devices of this name, in any namespace");
  add("--netns", filter->netns, "NETNS",
      "In this network namespace: a name in /run/netns, a path, or an inode number");
  add("--program", filter->programs, "ID",
      "XDP exceptions of this BPF program; drops on whose hook it is attached (whichever\n"
      "program there dropped them), and those inside of its own calls");
  add("--reason", filter->reasons, "NAME",
      "Drops for this reason, like NO_SOCKET, or its number; no XDP exceptions");
  add("--host", filter->hosts, "ADDR[/LEN]",
      "Packets from or to this address or network, also inside of a tunnel; no XDP exceptions");
  add("--port", filter->ports, "N",
      "Packets from or to this port, also inside of a tunnel; no XDP exceptions");
  add("--l4", filter->l4, "PROTO",
      "Packets of tcp, udp, icmp, icmpv6, sctp, ... or a number, also inside of a tunnel; no XDP\n"
      "exceptions");
}

}  // namespace

void AddRecordCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<RecordFlags>();
  CLI::App* command = app.add_subcommand(
      "record", "Record drops, XDP exceptions and program loads into a trace file");
  command->add_option("-o,--output", flags->output, "The trace; - is stdout")
      ->capture_default_str();
  command
      ->add_option(
          "-e,--event", flags->events,
          "GROUP:NAME of a tracepoint, globs allowed; may be repeated. With a filter of the\n"
          "kernel's over its fields: 'xdp:xdp_bulk_tx/drops > 0/'\n"
          "(default: skb:kfree_skb, xdp:xdp_exception, program loads and unloads).\n"
          "bpf:*, made of calls of bpf(2), slows every system call of the host a little:\n"
          "by some 50 ns, and calls of bpf(2) by 2 us")
      ->type_name("GROUP:NAME")
      ->allow_extra_args(false);
  command
      ->add_option("--stacks", flags->stacks,
                   "Kernel callchains: all, none, or adaptive: with every drop and XDP exception\n"
                   "up to --stack-rate, then with those of new and rare kinds")
      ->check(CLI::IsMember({"all", "adaptive", "none"}))
      ->capture_default_str();
  command
      ->add_option("--stack-rate", flags->stack_rate,
                   "Callchains a second and CPU in all, of --stacks adaptive")
      ->check(CLI::Range(uint32_t{0}, Enricher::Limits::kNone - 1))
      ->capture_default_str();
  command
      ->add_option(
          "--max-rate", flags->max_rate,
          "Drops and XDP exceptions a second and CPU that are written whole, new and rare\n"
          "kinds first (0: none); all others are still counted exactly (default: no limit)")
      ->check(CLI::Range(uint32_t{0}, Enricher::Limits::kNone - 1));
  command
      ->add_option("--snaplen", flags->snaplen,
                   "Keep so many bytes of each dropped packet, for export --format pcapng: what\n"
                   "people sent is then in the trace (0: none)")
      ->type_name("BYTES")
      ->check(CLI::Range(uint32_t{0}, Enricher::kMostPacketBytes))
      ->capture_default_str();
  command
      ->add_option("--images", flags->images,
                   "Keep the code of programs, for annotate: of those that events name, of all\n"
                   "that are or get loaded, or of none")
      ->check(CLI::IsMember({"named", "all", "none"}))
      ->capture_default_str();
  command
      ->add_option(
          "--snapshot-map", flags->snapshot_maps,
          "Keep what this map holds: at the start, at the end, and on the first drop of a\n"
          "program that uses it; may be repeated")
      ->type_name("ID|NAME")
      ->allow_extra_args(false);
  command
      ->add_option("--value-bytes", flags->value_bytes,
                   "Of keys and values of maps, and of paths, in events bpf:*")
      ->check(CLI::Range(8, int{BPF_CALL_MOST_BYTES}))
      ->capture_default_str();
  command->add_option("--max-stack", flags->max_stack, "Frames of a callchain")
      ->check(CLI::Range(1, 65535))
      ->capture_default_str();
  command
      ->add_option("--max-cpu", flags->max_cpu,
                   "Percent of all CPUs together that this process and its BPF programs may use:\n"
                   "lowers callchains, then whole events, and says so; counts stay exact")
      ->type_name("PCT")
      ->check(CLI::Range(0.01, 100.0));
  command
      ->add_option("--attribution", flags->attribution,
                   "Who dropped it: auto looks at the hook when a packet is dropped;\n"
                   "verdict also tells which of several programs did, which costs something\n"
                   "for every packet received; off looks at nothing")
      ->check(CLI::IsMember({"auto", "verdict", "off"}))
      ->capture_default_str();
  command->add_flag("--no-enrich", flags->no_enrich, "Plain tracepoints only: load no BPF program");
  AddFilterOptions(*command, &flags->filter);
  command
      ->add_option("-m,--ring-size", flags->ring_size,
                   "Ring buffers for each CPU, like 8M: one for drops without a callchain, one\n"
                   "for the rest (default: 64M shared out, 256K to 8M; twice that for the former)")
      ->type_name("SIZE");
  command->add_option("--duration", flags->duration, "Stop after this time, like 60 or 500ms")
      ->type_name("TIME");
  command
      ->add_option("--max-size", flags->max_size,
                   "Stop well once the trace has this size, like 500M")
      ->type_name("SIZE");
  AddOutputOptions(*command, flags);
  command
      ->add_option("--ready-fd", flags->ready_fd,
                   "Write a line to this descriptor, and close it, once events are recorded\n"
                   "(a service manager that set NOTIFY_SOCKET is told as well)")
      ->type_name("FD")
      ->check(CLI::NonNegativeNumber);
  command->add_option("CMD", flags->command, "-- CMD [ARG...]: record until it ends");
  command->positionals_at_end();
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
