#include "cli/part_totals.h"

#include <algorithm>
#include <array>
#include <vector>

namespace correlate {
namespace {

// Those that are told as they are; `counted` follows from them.
constexpr std::array kOutcomes = {&EventCounts::only_counted, &EventCounts::lost,
                                  &EventCounts::missed, &EventCounts::filtered};
constexpr std::array kActions = {&XdpActionCounts::aborted,  &XdpActionCounts::drop,
                                 &XdpActionCounts::pass,     &XdpActionCounts::tx,
                                 &XdpActionCounts::redirect, &XdpActionCounts::unknown};

uint64_t Beyond(uint64_t value, uint64_t limit) { return value > limit ? value - limit : 0; }

}  // namespace

void PartTotals::OnEvent(const CorrelatedEvent& event) {
  ++events_;
  ++written_[{event.format->id, event.cpu}];
  // Kinds are told apart of what companion programs record.
  if (event.packet != nullptr) ++kinds_[event_kinds_.Of(event)].written;
}

void PartTotals::OnCounts(const EventCounts& counts) {
  EventCounts& known = counts_[{counts.format_id, counts.cpu}];
  known.format_id = counts.format_id;
  known.cpu = counts.cpu;
  for (const auto outcome : kOutcomes) known.*outcome = std::max(known.*outcome, counts.*outcome);
}

void PartTotals::OnKindCount(const KindCount& named) {
  const EventKindCount& count = named.count;
  if (count.other) {
    others_[count.kind.format_id].counted = count.counted;
    return;
  }
  kinds_[count.kind].counted.Set(count);
  if (named.location != nullptr) locations_[count.kind.location] = *named.location;
}

void PartTotals::OnXdpActions(const XdpActionCounts& counts) {
  xdp_actions_[counts.program_id] = counts;
}

PartTotals::Part PartTotals::Cut() {
  Part part;
  part.events_ = std::exchange(events_, 0);
  part.lost_ = std::exchange(lost_, 0);
  std::map<uint32_t, uint64_t> rests;  // by format: what was counted and not written whole
  for (const auto& [key, counts] : counts_) {
    EventCounts& told = told_[key];
    EventCounts more = {.format_id = counts.format_id, .cpu = counts.cpu};
    for (const auto outcome : kOutcomes) {
      more.*outcome = counts.*outcome - std::exchange(told.*outcome, counts.*outcome);
    }
    more.written = written_[key] - std::exchange(told.written, written_[key]);
    more.counted = more.written + more.only_counted + more.lost + more.missed + more.filtered;
    rests[key.first] += more.only_counted + more.lost + more.missed;
    part.counts_[key] = more;
  }
  for (const auto& [format_id, rest] : rests) CutKinds(format_id, rest, &part);
  for (const auto& [program_id, counts] : xdp_actions_) {
    XdpActionCounts more = {.program_id = program_id};
    XdpActionCounts& told = xdp_actions_told_[program_id];
    for (const auto action : kActions) {
      more.*action = Beyond(counts.*action, std::exchange(told.*action, counts.*action));
    }
    part.xdp_actions_[program_id] = more;
  }
  return part;
}

// How much of what a kind was counted and not written will yet be written is not known; of all
// kinds together it is. So each gets its share of `rest`, rounded down, and the largest what
// remains. A kind that only has a few in a ring is then not held for one that lost some.
void PartTotals::CutKinds(uint32_t format_id, uint64_t rest, Part* part) {
  struct Open {
    uint64_t events;        // counted, not written, and not said of any part
    uint64_t* told;         // what was
    const EventKind* kind;  // null: those without room
  };
  std::vector<Open> all;
  uint64_t without_room = 0;  // written, of kinds that the kernel's table had no room for
  for (auto& [kind, known] : kinds_) {
    if (kind.format_id != format_id) continue;
    const uint64_t counted = known.counted.total();
    const uint64_t written = known.written - std::exchange(known.written_told, known.written);
    if (written > 0) part->kinds_[kind] = written;
    without_room += Beyond(known.written, counted);
    const uint64_t open = Beyond(counted, known.written + known.rest_told);
    if (open > 0) all.push_back({open, &known.rest_told, &kind});
  }
  if (const auto other = others_.find(format_id); other != others_.end()) {
    const uint64_t open =
        Beyond(other->second.counted, without_room + other->second.written + other->second.told);
    if (open > 0) all.push_back({open, &other->second.told, nullptr});
  }
  std::sort(all.begin(), all.end(),
            [](const Open& a, const Open& b) { return a.events > b.events; });
  uint64_t unexplained = 0;
  for (const Open& open : all) unexplained += open.events;
  rest = std::min(rest, unexplained);
  uint64_t left = rest;
  const auto share_of = [&](const Open& open) {
    return static_cast<uint64_t>(static_cast<unsigned __int128>(rest) * open.events / unexplained);
  };
  for (const Open& open : all) left -= share_of(open);
  for (const Open& open : all) {
    const uint64_t share = share_of(open);
    const uint64_t more = std::min(left, open.events - share);
    left -= more;
    if (share + more == 0) continue;
    *open.told += share + more;
    (open.kind != nullptr ? part->kinds_[*open.kind] : part->others_[format_id]) += share + more;
  }
  ForgetKinds(format_id, *part);
}

// Those that nothing is open of: told for the last time, or never, as those without room are.
void PartTotals::ForgetKinds(uint32_t format_id, const Part& part) {
  absl::erase_if(kinds_, [&](const auto& entry) {
    const auto& [kind, known] = entry;
    const uint64_t counted = known.counted.total();
    if (kind.format_id != format_id || !known.counted.begins_anew() ||
        counted > known.written + known.rest_told || part.kinds_.contains(kind)) {
      return false;
    }
    if (known.written > counted) others_[format_id].written += known.written - counted;
    return true;
  });
}

void PartTotals::Part::Add(const Part& later) {
  events_ += later.events_;
  lost_ += later.lost_;
  for (const auto& [key, counts] : later.counts_) {
    EventCounts& sum = counts_[key];
    sum.format_id = counts.format_id;
    sum.cpu = counts.cpu;
    correlate::Add(counts, &sum);
  }
  for (const auto& [kind, counted] : later.kinds_) kinds_[kind] += counted;
  for (const auto& [format_id, counted] : later.others_) others_[format_id] += counted;
  for (const auto& [program_id, counts] : later.xdp_actions_) {
    XdpActionCounts& sum = xdp_actions_[program_id];
    sum.program_id = program_id;
    correlate::Add(counts, &sum);
  }
}

PartTotals::Part PartTotals::Part::Where(const Part& which) const {
  Part found = *this;
  absl::erase_if(found.kinds_,
                 [&](const auto& entry) { return !which.kinds_.contains(entry.first); });
  return found;
}

uint64_t PartTotals::Part::Counted(uint32_t format_id) const {
  uint64_t sum = 0;
  for (const auto& [key, counts] : counts_) {
    if (key.first == format_id) sum += counts.counted - counts.filtered;
  }
  return sum;
}

RecordingEnd PartTotals::Part::End() const {
  RecordingEnd end;
  end.events = events_;
  end.lost = lost_;
  for (const auto& [key, counts] : counts_) end.missed += counts.missed;
  return end;
}

void PartTotals::Tell(const Part& part, uint64_t time_ns, TraceSink& sink) const {
  for (const auto& [key, counts] : part.counts_) sink.OnCounts(counts);
  for (const auto& [kind, counted] : part.kinds_) {
    const auto format = formats_.find(kind.format_id);
    if (format == formats_.end()) continue;
    const auto location = locations_.find(kind.location);
    sink.OnKindCount({.time_ns = time_ns,
                      .format = &format->second,
                      .location = location == locations_.end() ? nullptr : &location->second,
                      .count = {.kind = kind, .counted = counted}});
  }
  for (const auto& [format_id, counted] : part.others_) {
    const auto format = formats_.find(format_id);
    if (format == formats_.end()) continue;
    sink.OnKindCount(
        {.time_ns = time_ns,
         .format = &format->second,
         .count = {.kind = {.format_id = format_id}, .other = true, .counted = counted}});
  }
  for (const auto& [program_id, counts] : part.xdp_actions_) sink.OnXdpActions(counts);
}

}  // namespace correlate
