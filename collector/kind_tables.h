// The kernel's tables of kinds (kind_tables.bpf.h) and the sums of all that they ever held. A table
// that is half full is exchanged for an empty one; nothing is deleted from one. One thread.
#ifndef COLLECTOR_KIND_TABLES_H_
#define COLLECTOR_KIND_TABLES_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/scoped_fd.h"
#include "collector/drop_kind.h"

namespace correlate {

struct DropKindHash {
  size_t operator()(const drop_kind& kind) const {
    return absl::Hash<absl::string_view>()({reinterpret_cast<const char*>(&kind), sizeof kind});
  }
};
struct SameDropKind {
  bool operator()(const drop_kind& a, const drop_kind& b) const {
    return std::memcmp(&a, &b, sizeof a) == 0;
  }
};

class KindTables {
 public:
  static absl::StatusOr<std::unique_ptr<KindTables>> Create();

  // For the programs: the maps kind_tables and kinds_without_room. Live as long as this object.
  int tables_fd() const { return tables_.get(); }
  int without_room_fd() const { return without_room_.get(); }

  // Reads the counts as of now.
  absl::Status Update();
  // Returns when no program still counts that has begun before.
  void Settle();
  // As of the last Update: running totals since Create, all CPUs together.
  using Counts = absl::flat_hash_map<drop_kind, uint64_t, DropKindHash, SameDropKind>;
  const Counts& counts() const { return counts_; }
  // Hits of an event (COMPANION_...) whose kinds found no room.
  uint64_t without_room(uint32_t event) const { return without_room_counts_[event]; }
  uint64_t exchanges() const { return exchanges_; }

 private:
  KindTables() = default;
  absl::Status Use(int table_fd);
  absl::Status Exchange();
  // Makes counts_ the sums of what earlier tables held and what this one does; how many kinds it
  // has.
  absl::StatusOr<size_t> ReadTable(int fd);

  size_t cpus_ = 0;  // possible ones
  ScopedFd tables_;
  ScopedFd without_room_;
  ScopedFd table_;  // the one in use
  Counts earlier_;  // of kinds that tables exchanged since held
  Counts counts_;
  std::vector<uint64_t> without_room_counts_ = std::vector<uint64_t>(COMPANION_EVENTS);
  std::vector<drop_kind> keys_;
  std::vector<uint64_t> values_;
  uint64_t exchanges_ = 0;
};

}  // namespace correlate

#endif  // COLLECTOR_KIND_TABLES_H_
