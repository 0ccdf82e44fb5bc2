// What rtnetlink's dumps say of devices, qdiscs and tc filters: requests as bytes, answers from
// bytes. Pure functions, tested on recorded answers.
//
// A parser takes one datagram of an answer (what one recv(2) gave) and appends what it holds.
#ifndef COLLECTOR_RTNETLINK_H_
#define COLLECTOR_RTNETLINK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "collector/event.h"

namespace correlate {

// A device. XDP program ids are 0 where none is attached; all three modes may be in use at once.
struct LinkMessage {
  uint32_t ifindex = 0;
  std::string ifname;
  std::string kind;  // "veth"; empty for hardware and the loopback device
  uint32_t xdp_native_id = 0;
  uint32_t xdp_generic_id = 0;
  uint32_t xdp_offload_id = 0;
};

struct QdiscMessage {
  uint32_t ifindex = 0;
  std::string kind;  // "clsact", "ingress", "fq_codel"
};

// The clsact hook points of a device (TC_H_MAKE(TC_H_CLSACT, ...)); an ingress qdisc has the first.
enum class TcHook { kIngress, kEgress };

// A classifier's filter. One of a kind other than "bpf" has no program; neither has the line that
// the kernel dumps for each classifier before its filters (handle 0).
struct FilterMessage {
  std::string kind;
  uint32_t ifindex = 0;        // 0 in a shared block
  std::optional<TcHook> hook;  // none in a shared block, and elsewhere than at the clsact points
  uint32_t block = 0;          // the shared block's number
  uint32_t chain = 0;
  uint32_t pref = 0;
  uint32_t handle = 0;
  uint32_t program_id = 0;
  bool classic = false;              // "bpf" with classic BPF, which has no id
  std::vector<std::string> actions;  // of a "bpf" filter: "gact", "mirred"
  bool goes_to_chain = false;        // of a "bpf" filter: an action "gact goto chain"
};

struct DumpState {
  bool done = false;         // that was the last datagram of the answer
  bool interrupted = false;  // the kernel's list changed meanwhile (NLM_F_DUMP_INTR): ask again
};

absl::StatusOr<DumpState> ParseLinks(absl::Span<const uint8_t> datagram,
                                     std::vector<LinkMessage>& links);
absl::StatusOr<DumpState> ParseQdiscs(absl::Span<const uint8_t> datagram,
                                      std::vector<QdiscMessage>& qdiscs);
absl::StatusOr<DumpState> ParseFilters(absl::Span<const uint8_t> datagram,
                                       std::vector<FilterMessage>& filters);

// The same answers' statistics (IFLA_STATS64, TCA_STATS2): a HostCounters a device, one a qdisc
// that can drop. Without time and namespace.
absl::StatusOr<DumpState> ParseLinkCounters(absl::Span<const uint8_t> datagram,
                                            std::vector<HostCounters>& counters);
absl::StatusOr<DumpState> ParseQdiscCounters(absl::Span<const uint8_t> datagram,
                                             std::vector<HostCounters>& counters);

// What a socket that has joined groups of rtnetlink hears, one message each.
struct Notification {
  uint16_t type = 0;     // RTM_NEWTFILTER, RTM_DELLINK, RTM_NEWNSID, ...
  uint32_t ifindex = 0;  // of devices, qdiscs and filters; 0 in a shared block
  FilterMessage filter;  // RTM_NEWTFILTER, RTM_DELTFILTER
  int32_t nsid = -1;     // RTM_NEWNSID, RTM_DELNSID: the namespace that it is about
};
// What follows damage is left out.
std::vector<Notification> ParseNotifications(absl::Span<const uint8_t> datagram);

// The answer to NsidRequest: -1 where the namespace has no number in ours.
absl::StatusOr<int32_t> ParseNsid(absl::Span<const uint8_t> datagram);

std::vector<uint8_t> LinkDumpRequest();
std::vector<uint8_t> QdiscDumpRequest();
std::vector<uint8_t> FilterDumpRequest(uint32_t ifindex, TcHook hook);
// Asks for the number of the namespace behind a descriptor, and gives it none.
std::vector<uint8_t> NsidRequest(int netns_fd);

}  // namespace correlate

#endif  // COLLECTOR_RTNETLINK_H_
