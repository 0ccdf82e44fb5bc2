#include "cli/top_command.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clocks.h"
#include "base/status_macros.h"
#include "cli/blocked_signals.h"
#include "cli/common_flags.h"
#include "cli/exit_codes.h"
#include "cli/recording.h"
#include "query/filter.h"
#include "render/units.h"
#include "render/wall_clock.h"
#include "report/event_flow.h"
#include "symbolize/forwarding_sink.h"
#include "top/live_table.h"
#include "top/live_view.h"
#include "top/row_details.h"
#include "top/screen_text.h"
#include "top/terminal.h"

namespace correlate {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
// What happened before now and is yet to come: what was only counted.
constexpr uint64_t kLagNs = kSecondNs;

struct Flags {
  std::string by = "program,reason,device,evidence";
  std::string filter;
  WatchFlags watch = {.max_rate = 2000};
  std::string interval = "1";
  bool batch = false;
};

void Say(absl::string_view text) { std::cerr << "bpftrace-correlate top: " << text << "\n"; }

// The stream of a recording, as the table wants it.
class TopStream : public ForwardingSink {
 public:
  TopStream(std::vector<EventKey> keys, std::optional<Filter> filter)
      : ForwardingSink({&flow_, &details_}),
        table_(std::move(keys)),
        flow_([this](const CountedEvents& events) { table_.Add(events); }) {
    table_.SetFilter(std::move(filter));
  }

  void OnRecording(const RecordingFacts& facts) override {
    host_ = facts.hostname;
    ForwardingSink::OnRecording(facts);
  }
  void OnNetns(const Netns& netns) override {
    table_.AddNetns(netns);
    ForwardingSink::OnNetns(netns);
  }
  void OnCounts(const EventCounts& counts) override {
    counts_[{counts.format_id, counts.cpu}] = counts;
  }

  void AdvanceTo(uint64_t now_ns) {
    flow_.AdvanceTo(now_ns);
    table_.AdvanceTo(now_ns);
  }
  ScreenHead Head(uint64_t now_ns) const {
    ScreenHead head = {.host = host_};
    const auto realtime = flow_.view().clock().RealtimeNs(now_ns);
    if (realtime.has_value()) head.time = FormatUtcSeconds(*realtime);
    for (const auto& [place, counts] : counts_) {
      head.hits += counts.counted;
      head.lost += counts.lost + counts.missed;
      head.only_counted += counts.only_counted;
    }
    return head;
  }
  LiveTable& table() { return table_; }
  RowDetails& details() { return details_; }

 private:
  LiveTable table_;
  RowDetails details_;
  EventFlow flow_;
  std::string host_;
  std::map<std::pair<uint32_t, uint32_t>, EventCounts> counts_;  // by format, CPU
};

void PrintTable(const ScreenHead& head, const LiveTable& table) {
  constexpr size_t kWide = 200;
  ScreenHead shown = head;
  if (table.filter().has_value()) shown.filter = table.filter()->text();
  for (const std::string& line : HeadLines(shown, table, kWide)) std::cout << line << "\n";
  for (const std::string& line : TableLines(table, table.Rows(shown.order, false), kWide)) {
    std::cout << line << "\n";
  }
  std::cout << "\n" << std::flush;
}

class Top {
 public:
  Top(const Flags& flags, std::vector<EventKey> keys, std::optional<Filter> filter)
      : flags_(flags), stream_(std::move(keys), std::move(filter)) {}

  absl::Status Run();

 private:
  bool HandleKeys();
  void Show(uint64_t now_ns);

  const Flags& flags_;
  TopStream stream_;
  std::unique_ptr<Terminal> terminal_;  // null: --batch
  std::optional<LiveView> view_;
};

void Top::Show(uint64_t now_ns) {
  const ScreenHead head = stream_.Head(now_ns);
  if (view_.has_value()) {
    view_->Show(head);
  } else {
    PrintTable(head, stream_.table());
  }
}

bool Top::HandleKeys() {
  bool any = false;
  while (view_.has_value() && view_->OnKey(terminal_->ReadKey())) any = true;
  return any;
}

absl::Status Top::Run() {
  ASSIGN_OR_RETURN(const uint64_t interval_ns, ParseDuration(flags_.interval));
  uint64_t duration_ns = UINT64_MAX;
  if (!flags_.watch.duration.empty()) {
    ASSIGN_OR_RETURN(duration_ns, ParseDuration(flags_.watch.duration));
  }
  ASSIGN_OR_RETURN(const BlockedSignals signals, BlockedSignals::ThatStop());
  ASSIGN_OR_RETURN(const auto recording, Recording::Open(WatchedRecording(flags_.watch)));
  RETURN_IF_ERROR(recording->Start(&stream_));
  // When nothing can go wrong any more that is to be read.
  if (!flags_.batch) {
    ASSIGN_OR_RETURN(terminal_, Terminal::Open());
    view_.emplace(&stream_.table(), &stream_.details(), terminal_.get());
  }
  const uint64_t started_ns = recording->started_ns();
  const uint64_t deadline_ns =
      duration_ns < UINT64_MAX - started_ns ? started_ns + duration_ns : UINT64_MAX;
  uint64_t next_ns = flags_.batch ? started_ns + interval_ns : 0;
  absl::Status status;
  while (status.ok() && !signals.Came() && MonotonicNs() < deadline_ns) {
    status = recording->Step({signals.fd(), view_.has_value() ? terminal_->fd() : -1}, deadline_ns);
    const uint64_t now_ns = MonotonicNs();
    stream_.AdvanceTo(now_ns - kLagNs);
    const bool keys = HandleKeys();
    if (view_.has_value() && view_->done()) break;
    if (now_ns >= next_ns || keys) {
      if (now_ns >= next_ns) next_ns = now_ns + interval_ns;
      Show(now_ns);
    }
    if (!std::cout.good()) break;  // nobody listens
  }
  view_.reset();
  terminal_.reset();
  for (const std::string& note : recording->notes()) Say(note);
  RETURN_IF_ERROR(recording->Finish("signal").status());
  return status;
}

int RunTop(const Flags& flags) {
  const auto fail = [](const absl::Status& status) {
    Say(status.message());
    return absl::IsInvalidArgument(status) ? kExitUsage : kExitFailure;
  };
  auto keys = ParseEventKeys(flags.by);
  if (!keys.ok()) return fail(keys.status());
  std::optional<Filter> filter;
  if (!flags.filter.empty()) {
    auto parsed = Filter::Parse(flags.filter);
    if (!parsed.ok()) return fail(parsed.status());
    filter = *std::move(parsed);
  }
  const absl::Status ran = Top(flags, *std::move(keys), std::move(filter)).Run();
  return ran.ok() ? kExitSuccess : fail(ran);
}

}  // namespace

void AddTopCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      app.add_subcommand("top", "Shows who drops how much now, in a terminal (h for its keys)");
  command->add_option("--by", flags->by, "What makes a row, as for `report --by`")
      ->type_name("KEY,...")
      ->capture_default_str();
  command->add_option("--filter", flags->filter, "Which events, as for `report --filter`")
      ->type_name("EXPR");
  AddWatchFlags(*command, &flags->watch);
  command->add_option("-d,--interval", flags->interval, "Between two looks, like 2 or 500ms")
      ->type_name("TIME")
      ->capture_default_str();
  command->add_flag("-b,--batch", flags->batch,
                    "Print the table each time, for a file or a pipe, instead of a screen");
  command->callback([flags, exit_code] { *exit_code = RunTop(*flags); });
}

}  // namespace correlate
