// The kernel's tables of kinds (kind_tables.bpf.h) and the sums of all that they ever held. A table
// that is half full is exchanged for an empty one; nothing is deleted from one. What stood still
// for a minute by then is forgotten, so memory grows with the kinds of a minute, or of a table
// where that takes longer. What an update costs does not grow with the kinds that there were
// before. One thread.
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

  // Reads the counts as of now (CLOCK_MONOTONIC).
  absl::Status Update(uint64_t now_ns);
  // Returns when no program still counts that has begun before.
  void Settle();
  struct Change {
    drop_kind kind;
    uint64_t count = 0;
    bool last = false;  // forgotten with this: should it come again, it begins at 0
  };
  // Running totals since Create, or since they were last forgotten, all CPUs together, of the kinds
  // that the last Update found changed or forgot. One may stand twice, in order.
  const std::vector<Change>& changed() const { return changed_; }
  uint64_t count(const drop_kind& kind) const;  // as of then
  size_t kinds() const { return counts_.size(); }
  // Hits of an event (COMPANION_...) whose kinds found no room.
  uint64_t without_room(uint32_t event) const { return without_room_counts_[event]; }
  uint64_t exchanges() const { return exchanges_; }

 private:
  KindTables() = default;
  absl::Status Use(int table_fd);
  absl::Status Exchange();
  void Forget();
  struct Count {
    uint64_t earlier = 0;  // in tables exchanged since
    uint64_t now = 0;      // in the one in use
    uint64_t changed_ns = 0;
  };
  // Notes what the table in use holds; how many kinds it has.
  absl::StatusOr<size_t> ReadTable(int fd);
  void NoteCount(const drop_kind& kind, uint64_t now);

  size_t cpus_ = 0;  // possible ones
  ScopedFd tables_;
  ScopedFd without_room_;
  ScopedFd table_;  // the one in use
  absl::flat_hash_map<drop_kind, Count, DropKindHash, SameDropKind> counts_;
  std::vector<Change> changed_;
  std::vector<uint64_t> without_room_counts_ = std::vector<uint64_t>(COMPANION_EVENTS);
  std::vector<drop_kind> keys_;
  std::vector<uint64_t> values_;
  uint64_t exchanges_ = 0;
  uint64_t now_ns_ = 0;  // of the last update
};

}  // namespace correlate

#endif  // COLLECTOR_KIND_TABLES_H_
