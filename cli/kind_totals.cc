#include "cli/kind_totals.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "cli/event_fields.h"
#include "symbolize/raw_fields.h"

namespace correlate {
namespace {

std::string FrameText(const Frame* frame) {
  if (frame == nullptr) return "";
  if (frame->symbol.empty()) return HexString(frame->address);
  return absl::StrCat(frame->symbol, "+", HexString(frame->offset));
}

// Of the drop reason, or of the action of an XDP exception.
const FormatField* ReasonField(const EventFormat& format) {
  const FormatField* field = FindField(format, "reason");
  return field != nullptr ? field : FindField(format, "act");
}

// As attributions call it.
std::string ReasonText(const KindCount& count) {
  const FormatField* field = ReasonField(*count.format);
  const absl::string_view name = field == nullptr ? "" : EnumName(*field, count.reason);
  if (field != nullptr && field->name == "act") {
    return name.empty() ? absl::StrCat("XDP action ", count.reason) : absl::StrCat("XDP_", name);
  }
  return name.empty() ? absl::StrCat(count.reason) : std::string(name);
}

}  // namespace

KindTotals::Kind KindTotals::KindOf(const CorrelatedEvent& event) {
  Kind kind;
  kind.format_id = event.format->id;
  const auto read = [&](const FormatField* field) -> uint64_t {
    return field == nullptr ? 0 : ReadInteger(*field, event.raw).value_or(0);
  };
  kind.reason = read(ReasonField(*event.format));
  kind.program_id = read(FindField(*event.format, "prog_id"));
  for (const CodePointer& pointer : event.code_pointers) {
    if (pointer.field == "location") kind.location = pointer.frame->address;
  }
  if (event.packet != nullptr && event.packet->has_netns) {
    kind.netns = event.packet->netns;
    kind.ifindex = event.packet->ifindex;
  }
  return kind;
}

void KindTotals::OnEvent(const CorrelatedEvent& event, const std::string& blame) {
  Total& total = totals_[KindOf(event)];
  ++total.written;
  total.blames.insert(blame);
}

void KindTotals::OnKindCount(const KindCount& count) {
  counted_ = true;
  if (count.other) {
    others_[count.format->FullName()] = count.counted;
    return;
  }
  Kind kind;
  kind.format_id = count.format->id;
  kind.location = count.location != nullptr ? count.location->address : 0;
  kind.reason = count.reason;
  if (count.has_netns) kind.netns = count.netns;
  kind.ifindex = count.ifindex;
  kind.program_id = count.program_id;
  Total& total = totals_[kind];
  total.counted = count.counted;
  if (!total.event.empty()) return;
  total.event = count.format->FullName();
  total.location = FrameText(count.location);
  total.reason = ReasonText(count);
}

std::vector<KindTotals::Rest> KindTotals::Rests() const {
  std::vector<Rest> rests;
  for (const auto& [kind, total] : totals_) {
    if (total.counted <= total.written) continue;
    rests.push_back({.event = total.event,
                     .location = total.location,
                     .reason = total.reason,
                     .kind = kind,
                     .events = total.counted - total.written,
                     .written = total.written,
                     .blames = total.blames});
  }
  for (const auto& [event, counted] : others_) {
    if (counted > 0) rests.push_back({.event = event, .other = true, .events = counted});
  }
  std::sort(rests.begin(), rests.end(), [](const Rest& a, const Rest& b) {
    return std::tie(b.events, a.event, a.location, a.reason, a.kind.netns, a.kind.ifindex,
                    a.kind.program_id) < std::tie(a.events, b.event, b.location, b.reason,
                                                  b.kind.netns, b.kind.ifindex, b.kind.program_id);
  });
  return rests;
}

}  // namespace correlate
