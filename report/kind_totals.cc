#include "report/kind_totals.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "render/event_fields.h"
#include "symbolize/raw_fields.h"

namespace correlate {
EventKind EventKinds::Of(const CorrelatedEvent& event) {
  if (event.format != format_) {
    format_ = event.format;
    reason_ = ReasonField(*format_);
    program_id_ = FindField(*format_, "prog_id");
  }
  EventKind kind;
  kind.format_id = event.format->id;
  const auto read = [&](const FormatField* field) {
    return static_cast<uint32_t>(field == nullptr ? 0 : ReadInteger(*field, event.raw).value_or(0));
  };
  kind.reason = read(reason_);
  kind.program_id = read(program_id_);
  if (const Frame* frame = LocationOf(event)) kind.location = frame->address;
  if (event.packet != nullptr && event.packet->has_netns) {
    kind.netns = event.packet->netns;
    kind.ifindex = event.packet->ifindex;
  }
  return kind;
}

EventKind KindTotals::Renumbered(EventKind kind, const EventFormat& format) {
  const auto [number, is_new] = numbers_.try_emplace(format.id);
  if (is_new) {
    number->second = names_
                         .try_emplace(absl::StrCat(format.FullName(), "@", boot_id_),
                                      static_cast<uint32_t>(names_.size()))
                         .first->second;
  }
  kind.format_id = number->second;
  return kind;
}

void KindTotals::OnRecording(const std::string& boot_id) {
  boot_id_ = boot_id;
  last_total_ = nullptr;
  numbers_.clear();
  for (auto& [kind, total] : totals_) total.counted.BeginAnew();
  for (auto& [event, total] : others_) total.counted.BeginAnew();
}

void KindTotals::OnEvent(const CorrelatedEvent& event, const std::string& blame, bool within) {
  const EventKind kind = Renumbered(kinds_.Of(event), *event.format);
  // In a storm they come in rows.
  if (last_total_ == nullptr || kind != last_kind_) {
    last_kind_ = kind;
    last_total_ = &totals_[kind];
  }
  ++last_total_->written;
  if (!within) {
    in_part_ = true;
    return;
  }
  ++last_total_->written_within;
  if (blame == last_total_->last_blame) return;
  last_total_->last_blame = blame;
  last_total_->blames.insert(blame);
}

uint64_t KindTotals::Set(const EventKindCount& told, TimeRange::Place place, Total* total) {
  const uint64_t more = total->counted.Set(told);
  // Counts are told of what was read from the rings by then: what of it is not written never will
  // be.
  const uint64_t all = total->counted.total();
  const uint64_t unwritten = all - std::min(all, total->written);
  if (place != TimeRange::Place::kWithin) in_part_ = true;
  if (place == TimeRange::Place::kBefore) total->unwritten_before = unwritten;
  if (place != TimeRange::Place::kAfter) total->unwritten_within = unwritten;
  return more;
}

uint64_t KindTotals::Unwritten(const Total& total) const {
  if (in_part_) {
    return total.unwritten_within - std::min(total.unwritten_within, total.unwritten_before);
  }
  const uint64_t counted = total.counted.total();
  return counted - std::min(counted, total.written);
}

uint64_t KindTotals::OnKindCount(const KindCount& named, TimeRange::Place place) {
  counted_ = true;
  const EventKindCount& count = named.count;
  if (count.other) {
    Total& total = others_[absl::StrCat(named.format->FullName(), "@", boot_id_)];
    total.event = named.format->FullName();
    total.boot_id = boot_id_;
    return Set(count, place, &total);
  }
  Total& total = totals_[Renumbered(count.kind, *named.format)];
  if (total.event.empty()) {
    total.event = named.format->FullName();
    total.boot_id = boot_id_;
    total.location = named.location == nullptr ? "" : SymbolText(*named.location);
    total.reason = KindReasonText(named);
  }
  return Set(count, place, &total);
}

std::vector<KindTotals::Rest> KindTotals::Rests() const {
  std::vector<Rest> rests;
  absl::flat_hash_map<uint32_t, uint64_t> without_room;  // written, of kinds among `other`
  for (const auto& [kind, total] : totals_) {
    const uint64_t unwritten = Unwritten(total);
    if (unwritten == 0) {
      const uint64_t counted = total.counted.total();
      if (!in_part_ && counted < total.written) {
        without_room[kind.format_id] += total.written - counted;
      }
      continue;
    }
    rests.push_back({.boot_id = total.boot_id,
                     .event = total.event,
                     .location = total.location,
                     .reason = total.reason,
                     .kind = kind,
                     .events = unwritten,
                     .written = total.written_within,
                     .blames = total.blames});
  }
  for (const auto& [event, total] : others_) {
    const uint64_t unwritten = Unwritten(total);
    const auto number = names_.find(event);
    const uint64_t written = number == names_.end() ? 0 : without_room[number->second];
    if (unwritten <= written) continue;
    rests.push_back({.boot_id = total.boot_id,
                     .event = total.event,
                     .other = true,
                     .events = unwritten - written});
  }
  std::sort(rests.begin(), rests.end(), [](const Rest& a, const Rest& b) {
    return std::tie(b.events, a.event, a.location, a.reason, a.kind.netns, a.kind.ifindex,
                    a.kind.program_id) < std::tie(a.events, b.event, b.location, b.reason,
                                                  b.kind.netns, b.kind.ifindex, b.kind.program_id);
  });
  return rests;
}

}  // namespace correlate
