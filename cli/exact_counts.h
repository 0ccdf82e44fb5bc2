// All hits of the events that have companion programs, by kind, whatever was recorded of them; and
// what became of them. Borrows the Enricher whose programs count. One thread.
//
// Begin around the moment at which the perf events go on that count, End around the one at which
// they go off.
#ifndef CLI_EXACT_COUNTS_H_
#define CLI_EXACT_COUNTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/enricher.h"
#include "collector/event.h"
#include "collector/kind_tables.h"

namespace correlate {

class ExactCounts {
 public:
  explicit ExactCounts(Enricher* enricher) : enricher_(enricher) {}

  // `switch_on` puts the perf events of `events` on. `cpus_stay`: none will come or go.
  absl::Status Begin(const std::vector<std::string>& events, bool cpus_stay,
                     absl::FunctionRef<absl::Status()> switch_on);
  void CpusChanged();
  absl::Status End(absl::FunctionRef<absl::Status()> switch_off);

  // Kinds whose counts changed since the last call, or that are forgotten. `format_id` of
  // COMPANION_...; nullopt: it is not recorded.
  absl::StatusOr<std::vector<EventKindCount>> TakeChanges(
      uint64_t now_ns, absl::FunctionRef<std::optional<uint32_t>(uint32_t companion)> format_id);

 private:
  Enricher* const enricher_;
  std::vector<uint64_t> told_without_room_ = std::vector<uint64_t>(COMPANION_EVENTS);
};

// What companion programs say became of the hits on one CPU, put beside what perf says: `counts`
// has counted and written. What nothing explains was missed.
void SetOutcomes(const hit_outcomes& outcomes, EventCounts* counts);
// The same while events still come: `counts` is left with what is settled, and `counted` is its
// sum. nullopt: no companion program records the event, so what it missed is not known yet.
void Settle(const std::optional<hit_outcomes>& outcomes, EventCounts* counts);

}  // namespace correlate

#endif  // CLI_EXACT_COUNTS_H_
