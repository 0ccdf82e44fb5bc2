// Finds the network namespaces of this host and takes a look into each: those with a name in
// /run/netns and those some process is in. One that only a socket or a descriptor elsewhere holds
// is missed: the kernel has no list.
//
// A look enters the namespace with setns(2) on a thread of its own, which ends with the walk, so
// that no thread of the caller's is ever left in a foreign namespace. After a look nothing is open:
// a namespace that is being torn down waits for us no longer than one look takes.
#ifndef COLLECTOR_NETNS_SCANNER_H_
#define COLLECTOR_NETNS_SCANNER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "collector/event.h"
#include "collector/netlink_socket.h"

namespace correlate {

// A namespace as it is found from outside.
struct NetnsPlace {
  uint64_t inode = 0;
  bool own = false;                // this process is in it
  std::string name;                // file name in /run/netns, or empty
  std::vector<std::string> paths;  // files that lead to it; some may be gone by now
};

struct NetnsDiscovery {
  std::vector<NetnsPlace> places;  // this process's own namespace first, the others by inode
  uint32_t hidden_processes = 0;   // whose namespace we may not see (CAP_SYS_PTRACE)
};
absl::StatusOr<NetnsDiscovery> DiscoverNamespaces();

struct NetnsWalk {
  uint32_t visited = 0;
  uint32_t refused = 0;  // could not be entered for lack of privilege
  // What keeps the walk from being complete, one plain sentence each.
  std::vector<std::string> notes;
};

// Calls `look` once inside each, on another thread, one at a time. Namespaces that end meanwhile
// are left out. from_ns and to_ns of the Netns are the time of the look. `home`, where given, is a
// socket of our own namespace, and tells whether the kernel notifies us of changes in them.
absl::StatusOr<NetnsWalk> VisitNamespaces(std::vector<NetnsPlace> places,
                                          absl::FunctionRef<void(const Netns&)> look,
                                          NetlinkSocket* home = nullptr);
// What keeps a walk from being complete, one plain sentence each.
std::vector<std::string> NetnsNotes(const NetnsDiscovery& discovery, const NetnsWalk& walk);

// All that are discovered.
absl::StatusOr<NetnsWalk> ForEachNetns(absl::FunctionRef<void(const Netns&)> look);

}  // namespace correlate

#endif  // COLLECTOR_NETNS_SCANNER_H_
