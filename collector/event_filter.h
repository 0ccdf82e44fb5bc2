// What `record` is asked to keep out: from the options' text to values, and to the constants with
// which the companion BPF programs decide. Pure: what a value means on this host (a namespace, a
// program, a reason's number) is looked up by filter_targets.h.
//
// Values of one option are alternatives, different options have to agree. What an event does not
// tell does not pass: a drop whose device is unknown is not one on eth0.
#ifndef COLLECTOR_EVENT_FILTER_H_
#define COLLECTOR_EVENT_FILTER_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collector/event.h"
#include "collector/event_filter_constants.h"

namespace correlate {

// As given, one value each.
struct EventFilterText {
  std::vector<std::string> ifnames;   // --ifname
  std::vector<std::string> netns;     // --netns
  std::vector<std::string> programs;  // --program
  std::vector<std::string> reasons;   // --reason
  std::vector<std::string> hosts;     // --host
  std::vector<std::string> ports;     // --port
  std::vector<std::string> l4;        // --l4

  bool empty() const;
  // "--ifname eth0", "--port 53", ...: as it may be typed again.
  std::vector<std::string> ToStrings() const;
  // Options that ask for something an XDP exception does not have: "--host", ...
  std::vector<std::string> PacketOptions() const;
};

struct EventFilter {
  struct Prefix {
    IpFamily family = IpFamily::kNone;
    std::array<uint8_t, 16> address = {};  // network order; IPv4 in the first four
    uint32_t bits = 0;
    friend bool operator==(const Prefix&, const Prefix&) = default;
  };
  std::vector<std::string> ifnames;
  std::vector<std::string> netns;  // name, path or inode number, as given
  std::vector<uint32_t> programs;
  std::vector<std::string> reasons;  // name or number, as given
  std::vector<Prefix> hosts;
  std::vector<uint16_t> ports;
  std::vector<uint8_t> l4;
};

// InvalidArgument, naming the option and what it takes, for what cannot be meant.
absl::StatusOr<EventFilter> ParseEventFilter(const EventFilterText& text);

// The number that this host's skb:kfree_skb gives a reason: "TC_INGRESS", with or without
// SKB_DROP_REASON_, or a number (those of subsystems have no names there). NotFound with what is
// near; FailedPrecondition where this kernel tells no reasons.
absl::StatusOr<uint32_t> DropReasonNumber(absl::string_view reason, const EventFormat& kfree_skb);

// What has no look-up: devices, hosts, ports, protocols. The caller adds the rest.
event_filter_constants ToConstants(const EventFilter& filter);

}  // namespace correlate

#endif  // COLLECTOR_EVENT_FILTER_H_
