// What rtnetlink's dumps say of devices, qdiscs and tc filters: requests as bytes, answers from
// bytes. Pure functions, tested on recorded answers.
//
// A parser takes one datagram of an answer (what one recv(2) gave) and appends what it holds.
#ifndef COLLECTOR_RTNETLINK_H_
#define COLLECTOR_RTNETLINK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

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

// A classifier's filter. One of a kind other than "bpf" has no program; neither has the line that
// the kernel dumps for each classifier before its filters (handle 0).
struct FilterMessage {
  std::string kind;
  uint32_t chain = 0;
  uint32_t pref = 0;
  uint32_t handle = 0;
  uint32_t program_id = 0;
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

// The clsact hook points of a device (TC_H_MAKE(TC_H_CLSACT, ...)); an ingress qdisc has the first.
enum class TcHook { kIngress, kEgress };

std::vector<uint8_t> LinkDumpRequest();
std::vector<uint8_t> QdiscDumpRequest();
std::vector<uint8_t> FilterDumpRequest(uint32_t ifindex, TcHook hook);

}  // namespace correlate

#endif  // COLLECTOR_RTNETLINK_H_
