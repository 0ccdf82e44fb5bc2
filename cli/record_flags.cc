#include "cli/record_flags.h"

#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/common_flags.h"
#include "collector/bpf_call_record.h"
#include "collector/enricher.h"
#include "collector/perf_source.h"
#include "render/units.h"

namespace correlate {
namespace {

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

void AddOutputOptions(CLI::App& command, RecordFlags* flags) {
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

void AddRecordFlags(CLI::App& command, RecordFlags* flags) {
  command.add_option("-o,--output", flags->output, "The trace; - is stdout")->capture_default_str();
  command
      .add_option(
          "-e,--event", flags->events,
          "GROUP:NAME of a tracepoint, globs allowed; may be repeated. With a filter of the\n"
          "kernel's over its fields: 'xdp:xdp_bulk_tx/drops > 0/'\n"
          "(default: skb:kfree_skb, xdp:xdp_exception, program loads and unloads).\n"
          "bpf:*, made of calls of bpf(2), slows every system call of the host a little:\n"
          "by some 50 ns, and calls of bpf(2) by 2 us")
      ->type_name("GROUP:NAME")
      ->allow_extra_args(false);
  command
      .add_option("--stacks", flags->stacks,
                  "Kernel callchains: all, none, or adaptive: with every drop and XDP exception\n"
                  "up to --stack-rate, then with those of new and rare kinds")
      ->check(CLI::IsMember({"all", "adaptive", "none"}))
      ->capture_default_str();
  command
      .add_option("--stack-rate", flags->stack_rate,
                  "Callchains a second and CPU in all, of --stacks adaptive")
      ->check(CLI::Range(uint32_t{0}, Enricher::Limits::kNone - 1))
      ->capture_default_str();
  command
      .add_option("--max-rate", flags->max_rate,
                  "Drops and XDP exceptions a second and CPU that are written whole, new and rare\n"
                  "kinds first (0: none); all others are still counted exactly (default: no limit)")
      ->check(CLI::Range(uint32_t{0}, Enricher::Limits::kNone - 1));
  command
      .add_option("--snaplen", flags->snaplen,
                  "Keep so many bytes of each dropped packet, for export --format pcapng: what\n"
                  "people sent is then in the trace (0: none)")
      ->type_name("BYTES")
      ->check(CLI::Range(uint32_t{0}, Enricher::kMostPacketBytes))
      ->capture_default_str();
  command
      .add_option("--images", flags->images,
                  "Keep the code of programs, for annotate: of those that events name, of all\n"
                  "that are or get loaded, or of none")
      ->check(CLI::IsMember({"named", "all", "none"}))
      ->capture_default_str();
  command
      .add_option("--snapshot-map", flags->snapshot_maps,
                  "Keep what this map holds: at the start, at the end, and on the first drop of a\n"
                  "program that uses it; may be repeated")
      ->type_name("ID|NAME")
      ->allow_extra_args(false);
  command
      .add_option("--value-bytes", flags->value_bytes,
                  "Of keys and values of maps, and of paths, in events bpf:*")
      ->check(CLI::Range(8, int{BPF_CALL_MOST_BYTES}))
      ->capture_default_str();
  command.add_option("--max-stack", flags->max_stack, "Frames of a callchain")
      ->check(CLI::Range(1, 65535))
      ->capture_default_str();
  command
      .add_option("--max-cpu", flags->max_cpu,
                  "Percent of all CPUs together that this process and its BPF programs may use:\n"
                  "lowers callchains, then whole events, and says so; counts stay exact")
      ->type_name("PCT")
      ->check(CLI::Range(0.01, 100.0));
  command
      .add_option("--attribution", flags->attribution,
                  "Who dropped it: auto looks at the hook when a packet is dropped;\n"
                  "verdict also tells which of several programs did, which costs something\n"
                  "for every packet received; off looks at nothing")
      ->check(CLI::IsMember({"auto", "verdict", "off"}))
      ->capture_default_str();
  command.add_flag("--no-enrich", flags->no_enrich, "Plain tracepoints only: load no BPF program");
  AddFilterOptions(command, &flags->filter);
  command
      .add_option("-m,--ring-size", flags->ring_size,
                  "Ring buffers for each CPU, like 8M: one for drops without a callchain, one\n"
                  "for the rest (default: 64M shared out, 256K to 8M; twice that for the former)")
      ->type_name("SIZE");
  AddDurationOption(command, &flags->duration);
  command
      .add_option("--max-size", flags->max_size,
                  "Stop well once the trace has this size, like 500M")
      ->type_name("SIZE");
  AddOutputOptions(command, flags);
  AddReadyFdOption(command, "recorded", &flags->ready_fd);
  command.add_option("CMD", flags->command, "-- CMD [ARG...]: record until it ends");
  command.positionals_at_end();
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

}  // namespace correlate
