#include "cli/kind_totals.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/event_fields.h"
#include "symbolize/raw_fields.h"

namespace correlate {
namespace {

// Of the drop reason, or of the action of an XDP exception.
const FormatField* ReasonField(const EventFormat& format) {
  const FormatField* field = FindField(format, "reason");
  return field != nullptr ? field : FindField(format, "act");
}

// As attributions call it.
std::string ReasonText(const KindCount& named) {
  const uint32_t reason = named.count.kind.reason;
  const FormatField* field = ReasonField(*named.format);
  const absl::string_view name = field == nullptr ? "" : EnumName(*field, reason);
  if (field != nullptr && field->name == "act") {
    return name.empty() ? absl::StrCat("XDP action ", reason) : absl::StrCat("XDP_", name);
  }
  return name.empty() ? absl::StrCat(reason) : std::string(name);
}

}  // namespace

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
  for (const CodePointer& pointer : event.code_pointers) {
    if (pointer.field == "location") kind.location = pointer.frame->address;
  }
  if (event.packet != nullptr && event.packet->has_netns) {
    kind.netns = event.packet->netns;
    kind.ifindex = event.packet->ifindex;
  }
  return kind;
}

EventKind KindTotals::Renumbered(EventKind kind, const EventFormat& format) {
  const auto [number, is_new] = numbers_.try_emplace(format.id);
  if (is_new) {
    number->second =
        names_.try_emplace(format.FullName(), static_cast<uint32_t>(names_.size())).first->second;
  }
  kind.format_id = number->second;
  return kind;
}

void KindTotals::OnRecording() {
  numbers_.clear();
  for (auto& [kind, total] : totals_) total.earlier += std::exchange(total.counted, 0);
  for (auto& [event, total] : others_) total.earlier += std::exchange(total.counted, 0);
}

void KindTotals::OnEvent(const CorrelatedEvent& event, const std::string& blame) {
  const EventKind kind = Renumbered(kinds_.Of(event), *event.format);
  // In a storm they come in rows.
  if (last_total_ == nullptr || kind != last_kind_) {
    last_kind_ = kind;
    last_total_ = &totals_[kind];
  }
  ++last_total_->written;
  if (blame == last_total_->last_blame) return;
  last_total_->last_blame = blame;
  last_total_->blames.insert(blame);
}

void KindTotals::OnKindCount(const KindCount& named) {
  counted_ = true;
  const EventKindCount& count = named.count;
  if (count.other) {
    others_[named.format->FullName()].counted = count.counted;
    return;
  }
  Total& total = totals_[Renumbered(count.kind, *named.format)];
  total.counted = count.counted;
  if (!total.event.empty()) return;
  total.event = named.format->FullName();
  total.location = named.location == nullptr ? "" : SymbolText(*named.location);
  total.reason = ReasonText(named);
}

std::vector<KindTotals::Rest> KindTotals::Rests() const {
  std::vector<Rest> rests;
  absl::flat_hash_map<uint32_t, uint64_t> without_room;  // written, of kinds among `other`
  for (const auto& [kind, total] : totals_) {
    const uint64_t counted = total.earlier + total.counted;
    if (counted <= total.written) {
      without_room[kind.format_id] += total.written - counted;
      continue;
    }
    rests.push_back({.event = total.event,
                     .location = total.location,
                     .reason = total.reason,
                     .kind = kind,
                     .events = counted - total.written,
                     .written = total.written,
                     .blames = total.blames});
  }
  for (const auto& [event, total] : others_) {
    const uint64_t counted = total.earlier + total.counted;
    const auto number = names_.find(event);
    const uint64_t written = number == names_.end() ? 0 : without_room[number->second];
    if (counted <= written) continue;
    rests.push_back({.event = event, .other = true, .events = counted - written});
  }
  std::sort(rests.begin(), rests.end(), [](const Rest& a, const Rest& b) {
    return std::tie(b.events, a.event, a.location, a.reason, a.kind.netns, a.kind.ifindex,
                    a.kind.program_id) < std::tie(a.events, b.event, b.location, b.reason,
                                                  b.kind.netns, b.kind.ifindex, b.kind.program_id);
  });
  return rests;
}

}  // namespace correlate
