// The path of a cgroup by the id that the kernel knows it by (bpf_get_current_cgroup_id, the inode
// number of its folder). Asked of the mounted cgroup2 tree by a file handle made of the id
// (open_by_handle_at(2); fs/kernfs/mount.c): CAP_DAC_READ_SEARCH. Remembers, since ids are never
// used again; a group that is gone when it is first asked for stays unknown. One thread.
#ifndef COLLECTOR_CGROUP_PATHS_H_
#define COLLECTOR_CGROUP_PATHS_H_

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "base/scoped_fd.h"

namespace correlate {

class CgroupPaths {
 public:
  CgroupPaths();
  // Below the mount: "/system.slice"; "/" is the root. Empty: unknown. Valid until the next call.
  const std::string& Find(uint64_t id);

 private:
  std::string Ask(uint64_t id) const;

  std::string mount_;  // empty: there is none
  ScopedFd mount_fd_;
  absl::flat_hash_map<uint64_t, std::string> paths_;
};

}  // namespace correlate

#endif  // COLLECTOR_CGROUP_PATHS_H_
