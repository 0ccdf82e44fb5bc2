#include "collector/map_reader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/scoped_fd.h"
#include "collector/raw_program.h"

namespace correlate {
namespace {

// What bpf(2) copies for a value (kernel/bpf/syscall.c, bpf_map_value_size).
absl::StatusOr<size_t> CopiedBytes(const MapInfo& map) {
  switch (map.type) {
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH: {
      const int cpus = libbpf_num_possible_cpus();
      if (cpus < 0) return ErrnoStatus(-cpus, "counting this host's possible CPUs");
      return (size_t{map.value_size} + 7) / 8 * 8 * static_cast<size_t>(cpus);
    }
    case BPF_MAP_TYPE_PROG_ARRAY:
    case BPF_MAP_TYPE_ARRAY_OF_MAPS:
    case BPF_MAP_TYPE_HASH_OF_MAPS:
    case BPF_MAP_TYPE_DEVMAP:
    case BPF_MAP_TYPE_DEVMAP_HASH:
    case BPF_MAP_TYPE_CPUMAP:
    case BPF_MAP_TYPE_HASH:
    case BPF_MAP_TYPE_ARRAY:
    case BPF_MAP_TYPE_LRU_HASH:
    case BPF_MAP_TYPE_LPM_TRIE:
      return map.value_size;
    default:
      return absl::UnimplementedError(absl::StrCat("BPF map ", map.id, ": a ", map.type_name,
                                                   " has no keys and values to be read"));
  }
}

}  // namespace

absl::StatusOr<MapSnapshot> ReadMapEntries(const MapInfo& map, size_t most_bytes) {
  const auto value_bytes = CopiedBytes(map);
  if (!value_bytes.ok()) return value_bytes.status();
  const ScopedFd fd(bpf_map_get_fd_by_id(map.id));
  if (!fd.valid()) {
    return ErrnoStatus(errno, absl::StrCat("BPF map ", map.id), BpfObjectAdvice(errno));
  }
  MapSnapshot snapshot;
  snapshot.map_id = map.id;
  size_t bytes = 0;
  std::string key;
  std::string next(map.key_size, '\0');
  MapSnapshot::Entry entry;
  // An entry that is deleted meanwhile sends the kernel back to the first one: no more rounds than
  // could be needed.
  for (uint64_t left = uint64_t{map.max_entries} * 2; left > 0; --left) {
    if (bpf_map_get_next_key(fd.get(), key.empty() ? nullptr : key.data(), next.data()) != 0) {
      if (errno == ENOENT) return snapshot;  // that was the last one
      return ErrnoStatus(errno, absl::StrCat("BPF map ", map.id));
    }
    key = next;
    if (bytes + key.size() + *value_bytes > most_bytes) break;
    entry.key = key;
    entry.value.assign(*value_bytes, '\0');
    if (bpf_map_lookup_elem(fd.get(), key.data(), entry.value.data()) != 0) continue;  // it is gone
    bytes += entry.key.size() + entry.value.size();
    snapshot.entries.push_back(entry);
  }
  snapshot.truncated = true;
  return snapshot;
}

}  // namespace correlate
