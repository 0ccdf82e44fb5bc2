#include "cli/exact_counts.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"

namespace correlate {

absl::Status ExactCounts::Begin(const std::vector<std::string>& events, bool cpus_stay,
                                absl::FunctionRef<absl::Status()> switch_on) {
  RETURN_IF_ERROR(enricher_->BeginToCount(events));
  RETURN_IF_ERROR(switch_on());
  if (cpus_stay) enricher_->CountedEventsAreOn();
  return absl::OkStatus();
}

void ExactCounts::CpusChanged() { enricher_->CountedEventsGoOff(); }

absl::Status ExactCounts::End(absl::FunctionRef<absl::Status()> switch_off) {
  enricher_->CountedEventsGoOff();
  absl::Status status = switch_off();
  enricher_->EndCounting();
  return status;
}

absl::StatusOr<std::vector<EventKindCount>> ExactCounts::TakeChanges(
    uint64_t now_ns, absl::FunctionRef<std::optional<uint32_t>(uint32_t)> format_id) {
  std::vector<EventKindCount> changes;
  KindTables& tables = enricher_->kinds();
  RETURN_IF_ERROR(tables.Update(now_ns));
  for (const auto& [kind, count, last] : tables.changed()) {
    const std::optional<uint32_t> format = format_id(kind.event);
    if (!format.has_value()) continue;
    changes.push_back({.kind = {.format_id = *format,
                                .location = kind.location,
                                .reason = kind.reason,
                                .netns = {kind.netns_inode, kind.netns_cookie},
                                .ifindex = kind.ifindex,
                                .program_id = kind.program_id},
                       .counted = count,
                       .last = last});
  }
  for (uint32_t event = 0; event < COMPANION_EVENTS; ++event) {
    const uint64_t count = tables.without_room(event);
    if (std::exchange(told_without_room_[event], count) == count) continue;
    const std::optional<uint32_t> format = format_id(event);
    if (!format.has_value()) continue;
    changes.push_back({.kind = {.format_id = *format}, .other = true, .counted = count});
  }
  return changes;
}

void SetOutcomes(const hit_outcomes& outcomes, EventCounts* counts) {
  // A hit at the very edge of the recording may be in one of the counts alone.
  uint64_t left = counts->counted - std::min(counts->counted, counts->written);
  const auto take = [&left](uint64_t wanted) {
    const uint64_t taken = std::min(wanted, left);
    left -= taken;
    return taken;
  };
  counts->lost = take(outcomes.lost);
  counts->only_counted = take(outcomes.only_counted);
  counts->filtered = take(outcomes.filtered);
  counts->missed = left;
}

void Settle(const std::optional<hit_outcomes>& outcomes, EventCounts* counts) {
  counts->missed = 0;
  if (outcomes.has_value()) {
    counts->lost = outcomes->lost;
    counts->only_counted = outcomes->only_counted;
    counts->filtered = outcomes->filtered;
    // Read before the outcomes, so that what came between them makes it smaller.
    const uint64_t explained =
        outcomes->handed_over + outcomes->lost + outcomes->only_counted + outcomes->filtered;
    counts->missed = counts->counted - std::min(counts->counted, explained);
  }
  counts->counted =
      counts->written + counts->only_counted + counts->lost + counts->missed + counts->filtered;
}

}  // namespace correlate
