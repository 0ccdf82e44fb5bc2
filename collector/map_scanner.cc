#include "collector/map_scanner.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/scoped_fd.h"
#include "collector/raw_program.h"

namespace correlate {
absl::StatusOr<MapInfo> ReadMap(uint32_t id) {
  const ScopedFd fd(bpf_map_get_fd_by_id(id));
  if (!fd.valid()) {
    const int error = errno;
    if (error == ENOENT)
      return absl::NotFoundError(absl::StrCat("BPF map ", id, ": there is none"));
    return ErrnoStatus(error, absl::StrCat("BPF map ", id), BpfObjectAdvice(error));
  }
  bpf_map_info info;
  std::memset(&info, 0, sizeof info);
  uint32_t bytes = sizeof info;
  if (const int error = bpf_map_get_info_by_fd(fd.get(), &info, &bytes); error < 0) {
    return ErrnoStatus(-error, absl::StrCat("BPF map ", id), BpfObjectAdvice(-error));
  }
  MapInfo map;
  map.id = info.id;
  map.type = info.type;
  const char* type_name = libbpf_bpf_map_type_str(static_cast<bpf_map_type>(info.type));
  map.type_name = type_name != nullptr ? type_name : absl::StrCat("type_", info.type);
  map.name.assign(info.name, strnlen(info.name, sizeof info.name));
  map.key_size = info.key_size;
  map.value_size = info.value_size;
  map.max_entries = info.max_entries;
  map.flags = info.map_flags;
  map.btf_id = info.btf_id;
  map.btf_key_type_id = info.btf_key_type_id;
  map.btf_value_type_id = info.btf_value_type_id;
  const BpfFdInfo told = ReadBpfFdInfo(fd.get());
  map.memlock_bytes = told.memlock_bytes;
  map.frozen = told.frozen;
  return map;
}

absl::StatusOr<std::vector<MapInfo>> ScanMaps() {
  std::vector<MapInfo> maps;
  for (uint32_t id = 0;;) {
    if (bpf_map_get_next_id(id, &id) != 0) {
      const int error = errno;
      if (error == ENOENT) return maps;  // that was the last one
      return ErrnoStatus(error, "the list of BPF maps", BpfObjectAdvice(error));
    }
    absl::StatusOr<MapInfo> map = ReadMap(id);
    if (absl::IsNotFound(map.status())) continue;
    if (!map.ok()) return map.status();
    maps.push_back(*std::move(map));
  }
}

}  // namespace correlate
