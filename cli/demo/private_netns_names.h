// Names for network namespaces that nobody else sees and that cannot be left behind. The process
// moves into a mount namespace of its own and covers /run/netns with an empty file system: names
// made there ("blue") are found by whoever looks from inside, such as this tool's own scans, and go
// with the process however it ends, kill -9 included. The host's own names are covered meanwhile.
#ifndef CLI_DEMO_PRIVATE_NETNS_NAMES_H_
#define CLI_DEMO_PRIVATE_NETNS_NAMES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace correlate {

// For the calling thread and all threads and processes made by it from here on. Where the host has
// no /run/netns, /run is covered instead (creating a folder would leave something behind): open
// what you need below /run before.
absl::Status CoverNetnsNames();

// Where a namespace of that name belongs after CoverNetnsNames.
std::string NetnsNamePath(absl::string_view name);

}  // namespace correlate

#endif  // CLI_DEMO_PRIVATE_NETNS_NAMES_H_
