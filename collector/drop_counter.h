// Counts drops and XDP exceptions by kind (drop_kind.h), all of them, whatever else is recorded of
// them: a companion program of its own (drop_counter.bpf.c) that does no more than that, or tables
// that Enricher's programs count into where a filter is asked for, since they alone know what
// passes.
//
// Owns programs, maps and links, none of which is pinned. One thread. Privileges as of Enricher.
// Memory grows with distinct kinds: those of the kernel are exchanged before they are full.
#ifndef COLLECTOR_DROP_COUNTER_H_
#define COLLECTOR_DROP_COUNTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collector/drop_kind.h"
#include "collector/kind_tables.h"

namespace correlate {

class DropCounter {
 public:
  // Fails where its programs cannot be loaded. Nothing counts yet.
  static absl::StatusOr<std::unique_ptr<DropCounter>> Load();
  ~DropCounter();

  KindTables& tables() { return *tables_; }
  // A perf event that counts every hit of `event` on `cpu`: kinds are counted while it is on.
  absl::Status Connect(absl::string_view event, uint32_t cpu, int perf_event_fd);
  // Begins to run for each of `events`, before their perf events are on.
  absl::Status Attach(const std::vector<std::string>& events);
  // Between these two the perf events are on without a break, and hits count without looking
  // whether they are. Not to be called where CPUs may come and go.
  void EventsAreOn();
  void EventsGoOff();
  void Detach();

  std::vector<uint32_t> program_ids() const;
  uint64_t RunTimeNs() const;  // see bpf_loading.h

 private:
  struct Skeleton;
  DropCounter(std::unique_ptr<KindTables> tables, std::unique_ptr<Skeleton> skeleton);
  static absl::StatusOr<std::unique_ptr<DropCounter>> LoadAs(bool raw);

  std::unique_ptr<KindTables> tables_;
  std::unique_ptr<Skeleton> skeleton_;
};

}  // namespace correlate

#endif  // COLLECTOR_DROP_COUNTER_H_
