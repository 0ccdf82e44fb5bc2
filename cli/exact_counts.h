// All hits of the events that have companion programs, by kind, whatever was recorded of them; and
// what became of them. Owns the programs or tables that count. One thread.
//
// Load, then Connect for each perf event that counts (on CPUs that come later too), Begin around
// the moment at which these go on, End around the one at which they go off.
#ifndef CLI_EXACT_COUNTS_H_
#define CLI_EXACT_COUNTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collector/drop_counter.h"
#include "collector/event.h"
#include "collector/kind_tables.h"

namespace correlate {

class ExactCounts {
 public:
  // With `filtered` nothing runs here: Enricher counts what passes into tables().
  static absl::StatusOr<std::unique_ptr<ExactCounts>> Load(bool filtered);

  KindTables& tables() { return counter_ != nullptr ? counter_->tables() : *tables_; }
  absl::Status Connect(absl::string_view event, uint32_t cpu, int perf_event_fd);
  // `switch_on` puts the perf events of `events` on. `cpus_stay`: none will come or go.
  absl::Status Begin(const std::vector<std::string>& events, bool cpus_stay,
                     absl::FunctionRef<absl::Status()> switch_on);
  void CpusChanged();
  absl::Status End(absl::FunctionRef<absl::Status()> switch_off);
  std::vector<uint32_t> program_ids() const;
  uint64_t RunTimeNs() const { return counter_ == nullptr ? 0 : counter_->RunTimeNs(); }

  // Kinds whose counts changed since the last call. `format_id` of COMPANION_...; nullopt: it is
  // not recorded.
  absl::StatusOr<std::vector<EventKindCount>> TakeChanges(
      absl::FunctionRef<std::optional<uint32_t>(uint32_t companion)> format_id);

 private:
  ExactCounts() = default;

  std::unique_ptr<DropCounter> counter_;  // null: Enricher counts
  std::unique_ptr<KindTables> tables_;    // null: the counter's
  KindTables::Counts told_;
  std::vector<uint64_t> told_without_room_ = std::vector<uint64_t>(COMPANION_EVENTS);
};

// What companion programs say became of the hits on one CPU, put beside what perf says: `counts`
// has counted and written. What nothing explains was missed.
void SetOutcomes(const hit_outcomes& outcomes, EventCounts* counts);

}  // namespace correlate

#endif  // CLI_EXACT_COUNTS_H_
