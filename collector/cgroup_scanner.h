// Looks at the programs attached to cgroups: those that decide about packets and sockets. Walks the
// cgroup2 trees that are mounted where the caller is and asks each folder (BPF_PROG_QUERY). Needs
// CAP_NET_ADMIN. Nothing stays open.
#ifndef COLLECTOR_CGROUP_SCANNER_H_
#define COLLECTOR_CGROUP_SCANNER_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "collector/event.h"

namespace correlate {

struct CgroupScan {
  std::vector<Attachment> attachments;
  std::set<uint64_t> cgroup_ids;  // that were looked at
  int refused = 0;                // errno of the first that could not be
};
CgroupScan ScanCgroups();

// Mount points of file systems of a type, from the text of /proc/self/mountinfo, proc(5).
std::vector<std::string> MountPoints(const std::string& mountinfo, const std::string& type);

}  // namespace correlate

#endif  // COLLECTOR_CGROUP_SCANNER_H_
