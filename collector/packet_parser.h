// The beginning of a packet to its addresses, ports, VLAN tag and, in a tunnel, the packet inside.
// Pure; bytes come from anybody on the network: what is not there, or does not fit, stays unknown.
// Layouts: RFC 791, 8200, 768, 9293, 792, 2784 and 2890 (GRE), 2003 (IP in IP), 7348 (VXLAN), 8926
// (Geneve), IEEE 802.1Q.
#ifndef COLLECTOR_PACKET_PARSER_H_
#define COLLECTOR_PACKET_PARSER_H_

#include <cstdint>

#include "absl/types/span.h"
#include "collector/event.h"

namespace correlate {

// `bytes` begins with an Ethernet header, or with the network header of an `ethertype` packet.
// Fills vlan, outer, tunnel and inner of `packet`, and leaves the rest alone. A VLAN tag that is
// known already (taken off the packet) stays.
void ParsePacket(absl::Span<const uint8_t> bytes, bool link_header, uint16_t ethertype,
                 Packet* packet);

}  // namespace correlate

#endif  // COLLECTOR_PACKET_PARSER_H_
