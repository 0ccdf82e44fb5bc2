// What the kernel counts by itself, read as it stands: statistics of devices and qdiscs
// (rtnetlink), of drivers (ethtool), of the protocols (/proc/net/snmp, netstat, snmp6) in every
// network namespace, and of the CPUs' backlogs (/proc/net/softnet_stat). Of what drivers count only
// what sounds of losses or XDP: some have thousands. Counts that are 0 are left out.
//
// Enters namespaces on a thread of its own, see netns_scanner.h. Nothing stays open. Namespaces
// that cannot be entered are left out. Any thread.
#ifndef COLLECTOR_HOST_COUNTERS_H_
#define COLLECTOR_HOST_COUNTERS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collector/event.h"

namespace correlate {

absl::StatusOr<std::vector<HostCounters>> ReadHostCounters();

// The parts that are pure.
// "Ip: InDiscards ..." above "Ip: 5 ...": Ip.InDiscards, as nstat(8) would.
void ParseSnmp(absl::string_view text, HostCounters* counters);
// "Ip6InDiscards 5"
void ParseSnmp6(absl::string_view text, HostCounters* counters);
std::vector<HostCounters> ParseSoftnet(absl::string_view text);  // one a CPU
bool SoundsOfLoss(absl::string_view driver_counter);

}  // namespace correlate

#endif  // COLLECTOR_HOST_COUNTERS_H_
