#include "report/counter_comparison.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "render/text.h"
#include "render/units.h"

namespace correlate {
namespace {

// What a counter of losses stands for.
struct Meaning {
  const char* source;  // empty: any
  const char* name;    // a part of it, in small letters
  bool untold;         // no tracepoint tells of any of it
  const char* why;
};

// The first one that fits. Documentation/networking/statistics.rst, net/sched/sch_generic.h,
// net/core/dev.c; drivers name theirs as they like.
constexpr Meaning kMeanings[] = {
    {"device", "rx_missed_errors", true, "the device had no room for them: no tracepoint tells"},
    {"device", "rx_fifo_errors", true, "the device had no room for them: no tracepoint tells"},
    {"device", "rx_over_errors", true, "the device had no room for them: no tracepoint tells"},
    {"device", "rx_crc_errors", true, "broken on the wire: no tracepoint tells"},
    {"device", "rx_frame_errors", true, "broken on the wire: no tracepoint tells"},
    {"device", "rx_length_errors", true, "broken on the wire: no tracepoint tells"},
    {"device", "rx_nohandler", false, "came in on an inactive device"},
    {"device", "rx_otherhost_dropped", false, "for another host"},
    {"device", "rx_dropped", false, "dropped by the kernel, or by the driver without an event"},
    {"device", "tx_dropped", false, "dropped by the kernel, or by the driver without an event"},
    {"device", "rx_errors", false, "all errors of receiving"},
    {"device", "tx_errors", false, "all errors of sending"},
    {"device", "err", false, "the driver could not send them"},
    {"ethtool", "xdp", false, "by XDP; a driver need not tell of an XDP_DROP"},
    {"ethtool", "", false, "as the driver calls it"},
    {"qdisc", "drops", false, "no room in the queue"},
    {"softnet", "dropped", false, "no room in the CPU's backlog"},
    {"softnet", "flow_limit", false, "one flow filled the CPU's backlog"},
    {"snmp", "", false, "by the protocol"},
};

// Names of losses; of counters that any host has, in all of its namespaces.
bool IsLoss(absl::string_view source, absl::string_view counter) {
  const std::string name = absl::AsciiStrToLower(counter);
  if (source == "softnet") return name == "dropped" || name == "flow_limit";
  if (source == "qdisc") return name == "drops";
  if (source == "ethtool" && absl::StrContains(name, "xdp")) {
    return absl::StrContains(name, "drop") || absl::StrContains(name, "err") ||
           absl::StrContains(name, "abort") || absl::StrContains(name, "full");
  }
  for (const char* word :
       {"drop", "discard", "err", "miss", "lost", "no_buf", "nobuf", "out_of_buf", "noroute",
        "nohandler", "noport", "unknownproto", "overflow", "reasmfail", "fragfail"}) {
    if (absl::StrContains(name, word)) return true;
  }
  return false;
}

const Meaning& MeaningOf(absl::string_view source, absl::string_view counter) {
  const std::string name = absl::AsciiStrToLower(counter);
  for (const Meaning& meaning : kMeanings) {
    if (source == meaning.source && absl::StrContains(name, meaning.name)) return meaning;
  }
  static constexpr Meaning kOther = {"", "", false, ""};
  return kOther;
}

}  // namespace

void CounterComparison::OnRecording(const RecordingFacts& facts) {
  host_ = &hosts_[facts.boot_id];
  host_->name = facts.hostname;
  filtered_ |= !facts.filters.empty();
  kinds_.OnRecording(facts.boot_id);
}

void CounterComparison::OnEvent(const CorrelatedEvent& event) {
  if (event.format->name != "kfree_skb") return;
  const Packet* packet = event.packet;
  ++host_->written[packet == nullptr ? Place() : Place(packet->netns, packet->ifindex)];
}

void CounterComparison::OnKindCount(const KindCount& count) {
  const uint64_t more = kinds_.OnKindCount(count);
  if (count.format->name != "kfree_skb") return;
  host_->counted[{count.count.kind.netns, count.count.kind.ifindex}] += more;
}

void CounterComparison::OnHostCounters(const HostCounters& counters) {
  Readings& readings =
      host_->subjects[{counters.source, counters.netns, counters.ifindex, counters.label}];
  const bool earliest = readings.first_ns == 0 || counters.time_ns < readings.first_ns;
  const bool latest = counters.time_ns >= readings.last_ns;
  readings.ifname = counters.ifname;
  if (earliest) {
    readings.first_ns = counters.time_ns;
    for (auto& [name, range] : readings.counters) range.first = 0;
  }
  if (latest) readings.last_ns = counters.time_ns;
  for (const HostCounters::Counter& counter : counters.counters) {
    Range& range = readings.counters[counter.name];
    if (earliest) range.first = counter.value;
    if (latest) range.last = counter.value;
  }
}

uint64_t CounterComparison::SeenAt(const Host& host, const NetnsId& netns, uint32_t ifindex) const {
  uint64_t seen = 0;
  for (const auto& [place, drops] : host.counted.empty() ? host.written : host.counted) {
    const bool there =
        netns.inode == 0 || place.first.inode == 0 ||
        (place.first == netns && (ifindex == 0 || place.second == 0 || place.second == ifindex));
    if (there) seen += drops;
  }
  return seen;
}

std::string CounterComparison::XdpProgramsOn(const Host& host, const NetnsId& netns,
                                             uint32_t ifindex) {
  std::string text;
  for (const HostTables::Suspect& suspect : host.tables.SuspectsOf("XDP")) {
    const Attachment& attachment = suspect.attachment;
    if (attachment.netns != netns || attachment.ifindex != ifindex) continue;
    absl::StrAppend(&text, text.empty() ? "" : ", ",
                    suspect.program.empty() ? "?" : suspect.program, " #", attachment.program_id);
  }
  return text;
}

void CounterComparison::AddLine(const Host& host, const Subject& subject, const Readings& readings,
                                const std::string& name, const Range& range,
                                std::vector<Line>* lines) const {
  if (range.last <= range.first) return;  // gauges may fall
  const auto& [source, netns, ifindex, label] = subject;
  const Meaning& meaning = MeaningOf(source, name);
  Line line = {.host = &host,
               .source = source,
               .ifname = readings.ifname,
               .label = label,
               .name = name,
               .increase = range.last - range.first,
               .loss = IsLoss(source, name),
               .why = meaning.why};
  if (netns.inode != 0) {
    line.netns = std::string(host.names.Find(netns));
    if (line.netns.empty()) line.netns = absl::StrCat(netns.inode);
  }
  line.seen = SeenAt(host, netns, ifindex);
  line.untold = meaning.untold;
  if (line.loss) {
    line.unseen = meaning.untold              ? line.increase
                  : line.increase > line.seen ? line.increase - line.seen
                                              : 0;
  }
  if (line.loss && absl::StrContains(name, "xdp")) {
    const std::string programs = XdpProgramsOn(host, netns, ifindex);
    if (!programs.empty()) absl::StrAppend(&line.why, "; attached there: ", programs);
  }
  lines->push_back(std::move(line));
}

bool CounterComparison::HasSeveralHosts() const {
  return std::count_if(hosts_.begin(), hosts_.end(),
                       [](const auto& host) { return !host.second.subjects.empty(); }) > 1;
}

std::vector<CounterComparison::Line> CounterComparison::Lines() const {
  std::vector<Line> lines;
  for (const auto& [boot_id, host] : hosts_) {
    for (const auto& [subject, readings] : host.subjects) {
      for (const auto& [name, range] : readings.counters) {
        AddLine(host, subject, readings, name, range, &lines);
      }
    }
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Line& a, const Line& b) { return a.unseen > b.unseen; });
  return lines;
}

std::string CounterComparison::Text() const {
  const bool any = std::any_of(hosts_.begin(), hosts_.end(),
                               [](const auto& host) { return !host.second.subjects.empty(); });
  if (!any) {
    return "COUNTERS: none are in this trace; recordings of drops have them since they are read\n";
  }
  constexpr size_t kMostLines = 100;
  const std::vector<Line> lines = Lines();
  using Align = TextTable::Align;
  TextTable table(
      {Align::kLeft, Align::kLeft, Align::kRight, Align::kRight, Align::kRight, Align::kLeft});
  table.AddRow({"COUNTERS", "", "MORE", "DROPS SEEN", "UNSEEN", ""});
  size_t losses = 0;
  for (const Line& line : lines) {
    if (!line.loss || ++losses > kMostLines) continue;
    std::string where = line.ifname;
    if (!line.label.empty()) absl::StrAppend(&where, where.empty() ? "" : " ", line.label);
    if (!line.netns.empty()) {
      where = where.empty() ? absl::StrCat("netns ", line.netns)
                            : absl::StrCat(where, " (netns ", line.netns, ")");
    }
    if (HasSeveralHosts()) absl::StrAppend(&where, " of ", line.host->name);
    table.AddRow({Printable(where), Printable(line.name), FormatCount(line.increase),
                  FormatCount(line.seen), line.unseen == 0 ? "-" : FormatCount(line.unseen),
                  Printable(line.why)});
  }
  if (losses == 0) return "COUNTERS: nothing that counts losses moved\n";
  std::string text = table.Render();
  if (losses > kMostLines) {
    absl::StrAppend(&text, "and ", losses - kMostLines, " more, which --json has\n");
  }
  absl::StrAppend(&text,
                  "DROPS SEEN: recorded or counted at the same device (namespace, host), of any "
                  "cause; UNSEEN: at least so many were not\n");
  if (filtered_)
    absl::StrAppend(&text, "Only drops that passed the recording's filters are seen.\n");
  return text;
}

std::string CounterComparison::Hint() const {
  constexpr size_t kMostNamed = 3;
  std::string text;
  size_t untold = 0;
  for (const Line& line : Lines()) {
    if (!line.untold || ++untold > kMostNamed) continue;
    absl::StrAppend(&text, text.empty() ? "" : ", ", FormatCount(line.increase), " by ", line.name,
                    " of ", line.ifname);
  }
  if (untold == 0) return "";
  if (untold > kMostNamed) absl::StrAppend(&text, " and by ", untold - kMostNamed, " more");
  return absl::StrCat("NOT IN THESE FIGURES, since no tracepoint tells of them: ", Printable(text),
                      " (--counters)\n");
}

Json CounterComparison::ToJson() const {
  Json all = Json::array();
  for (const Line& line : Lines()) {
    Json json;
    if (HasSeveralHosts()) json["host"] = ValidUtf8(line.host->name);
    json["source"] = line.source;
    if (!line.netns.empty()) json["netns"] = ValidUtf8(line.netns);
    if (!line.ifname.empty()) json["ifname"] = ValidUtf8(line.ifname);
    if (!line.label.empty()) json["label"] = ValidUtf8(line.label);
    json["counter"] = ValidUtf8(line.name);
    json["increase"] = absl::StrCat(line.increase);
    if (line.loss) {
      json["drops_seen"] = absl::StrCat(line.seen);
      json["unseen"] = absl::StrCat(line.unseen);
      json["why"] = ValidUtf8(line.why);
    }
    all.push_back(std::move(json));
  }
  return all;
}

}  // namespace correlate
