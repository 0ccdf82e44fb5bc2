#include "collector/kind_tables.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <cerrno>
#include <utility>

#include "base/errno_status.h"
#include "base/status_macros.h"

namespace correlate {
namespace {

constexpr uint32_t kBatch = 1024;
constexpr uint64_t kForgetAfterNs = 60'000'000'000;

absl::StatusOr<ScopedFd> NewTable() {
  ScopedFd table(bpf_map_create(BPF_MAP_TYPE_PERCPU_HASH, "drop_kinds", sizeof(drop_kind),
                                sizeof(uint64_t), MOST_KINDS, nullptr));
  if (!table.valid()) return ErrnoStatus(errno, "a table of kinds of drops");
  return table;
}

}  // namespace

absl::StatusOr<std::unique_ptr<KindTables>> KindTables::Create() {
  std::unique_ptr<KindTables> tables(new KindTables);
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 0) return ErrnoStatus(-cpus, "counting this host's possible CPUs");
  tables->cpus_ = static_cast<size_t>(cpus);
  ASSIGN_OR_RETURN(tables->table_, NewTable());
  LIBBPF_OPTS(bpf_map_create_opts, options,
              .inner_map_fd = static_cast<uint32_t>(tables->table_.get()));
  tables->tables_ = ScopedFd(bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "kind_tables",
                                            sizeof(uint32_t), sizeof(uint32_t), 1, &options));
  if (!tables->tables_.valid()) return ErrnoStatus(errno, "a table of tables of kinds of drops");
  tables->without_room_ =
      ScopedFd(bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "without_room", sizeof(uint32_t),
                              sizeof(uint64_t), COMPANION_EVENTS, nullptr));
  if (!tables->without_room_.valid()) return ErrnoStatus(errno, "a table of counts");
  RETURN_IF_ERROR(tables->Use(tables->table_.get()));
  return tables;
}

uint64_t KindTables::count(const drop_kind& kind) const {
  const auto count = counts_.find(kind);
  return count == counts_.end() ? 0 : count->second.earlier + count->second.now;
}

void KindTables::NoteCount(const drop_kind& kind, uint64_t now) {
  Count& count = counts_[kind];
  if (count.now == now) return;
  count.now = now;
  count.changed_ns = now_ns_;
  changed_.push_back({.kind = kind, .count = count.earlier + now});
}

absl::StatusOr<size_t> KindTables::ReadTable(int fd) {
  keys_.resize(kBatch);
  values_.resize(kBatch * cpus_);
  size_t kinds = 0;
  uint32_t position = 0;  // the kernel's own, of a hash's bucket
  for (bool first = true;; first = false) {
    uint32_t count = kBatch;
    uint32_t next = 0;
    const int error = bpf_map_lookup_batch(fd, first ? nullptr : &position, &next, keys_.data(),
                                           values_.data(), &count, nullptr);
    if (error < 0 && error != -ENOENT) return ErrnoStatus(-error, "reading counts by kind");
    for (uint32_t i = 0; i < count; ++i) {
      uint64_t sum = 0;
      for (size_t cpu = 0; cpu < cpus_; ++cpu) sum += values_[i * cpus_ + cpu];
      NoteCount(keys_[i], sum);
    }
    kinds += count;
    if (error == -ENOENT) return kinds;  // that was the last one
    position = next;
  }
}

// The kernel returns when no program can still be counting into what stood there before
// (kernel/bpf/syscall.c, maybe_wait_bpf_programs).
absl::Status KindTables::Use(int table_fd) {
  const uint32_t zero = 0;
  if (bpf_map_update_elem(tables_.get(), &zero, &table_fd, BPF_ANY) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "a table of tables of kinds of drops");
}

void KindTables::Settle() { Use(table_.get()).IgnoreError(); }

absl::Status KindTables::Exchange() {
  ASSIGN_OR_RETURN(ScopedFd fresh, NewTable());
  RETURN_IF_ERROR(Use(fresh.get()));
  const ScopedFd old = std::exchange(table_, std::move(fresh));
  ++exchanges_;
  RETURN_IF_ERROR(ReadTable(old.get()).status());
  for (auto& [kind, count] : counts_) count.earlier += std::exchange(count.now, 0);
  Forget();
  return absl::OkStatus();
}

// Of kinds that the table in use does not hold.
void KindTables::Forget() {
  absl::erase_if(counts_, [&](const auto& entry) {
    const Count& count = entry.second;
    if (count.changed_ns + kForgetAfterNs > now_ns_) return false;
    changed_.push_back({.kind = entry.first, .count = count.earlier, .last = true});
    return true;
  });
}

absl::Status KindTables::Update(uint64_t now_ns) {
  now_ns_ = now_ns;
  changed_.clear();
  ASSIGN_OR_RETURN(const size_t kinds, ReadTable(table_.get()));
  if (kinds > MOST_KINDS / 2) {
    RETURN_IF_ERROR(Exchange());
    RETURN_IF_ERROR(ReadTable(table_.get()).status());
  }
  std::vector<uint64_t> by_cpu(cpus_);
  for (uint32_t event = 0; event < COMPANION_EVENTS; ++event) {
    if (bpf_map_lookup_elem(without_room_.get(), &event, by_cpu.data()) != 0) {
      return ErrnoStatus(errno, "reading counts by kind");
    }
    without_room_counts_[event] = 0;
    for (const uint64_t count : by_cpu) without_room_counts_[event] += count;
  }
  return absl::OkStatus();
}

}  // namespace correlate
