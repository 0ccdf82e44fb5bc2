// Which programs are attached to a hook that bpf(2) can be asked about (BPF_PROG_QUERY): tcx and
// netkit by a device's number in the namespace that the caller is in, cgroup and namespace hooks by
// a descriptor. Needs CAP_NET_ADMIN. Thread-safe.
#ifndef COLLECTOR_HOOK_QUERY_H_
#define COLLECTOR_HOOK_QUERY_H_

#include <linux/bpf.h>

#include <cstdint>
#include <vector>

namespace correlate {

struct HookPrograms {
  struct Entry {
    uint32_t program_id = 0;
    uint32_t link_id = 0;  // 0 where no link holds it, and on hooks that do not tell
  };
  int error = 0;               // errno: EPERM, EINVAL where the kernel has no such hook, ...
  std::vector<Entry> entries;  // in the order in which they run
};

// For a device (tcx, netkit): with links.
HookPrograms QueryDeviceHook(uint32_t ifindex, bpf_attach_type type);
// For a descriptor (cgroup, network namespace): kernels before 6.6 know no links here.
HookPrograms QueryFdHook(int fd, bpf_attach_type type);

}  // namespace correlate

#endif  // COLLECTOR_HOOK_QUERY_H_
