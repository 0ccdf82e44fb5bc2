// The few rtnetlink requests that set up two joined namespaces, so that ip(8) need not be there.
// Each acts in the network namespace of the calling thread and keeps no socket open.
#ifndef CLI_DEMO_RTNL_H_
#define CLI_DEMO_RTNL_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace correlate {

using MacAddress = std::array<uint8_t, 6>;

// One end of a veth pair.
struct VethEnd {
  std::string name;
  MacAddress mac = {};
  int netns_fd = -1;  // where this end is put
};

// Both ends are down. An error says it if the kernel has no veth.
absl::Status CreateVeth(const VethEnd& end, const VethEnd& peer);

absl::StatusOr<uint32_t> LinkIndex(const std::string& name);
// No IPv6 address is made for it unasked: the router solicitations and listener reports that come
// with one would mix with the traffic that is meant.
absl::Status SetLinkUp(const std::string& name);
// `address` is IPv4 or IPv6 text; IPv6 is usable at once (no duplicate address detection).
absl::Status AddAddress(const std::string& link, const std::string& address, uint8_t prefix_bits);
// A permanent entry: nobody has to ask for the address, so no ARP and no neighbour discovery.
absl::Status AddNeighbour(const std::string& link, const std::string& address,
                          const MacAddress& mac);
// `destination`/`prefix_bits` by way of `gateway`.
absl::Status AddRoute(const std::string& destination, uint8_t prefix_bits,
                      const std::string& gateway);

}  // namespace correlate

#endif  // CLI_DEMO_RTNL_H_
