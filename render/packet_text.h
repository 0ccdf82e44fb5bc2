// The packet of an event, as JSON (docs/json.md) and as a line of text.
#ifndef RENDER_PACKET_TEXT_H_
#define RENDER_PACKET_TEXT_H_

#include <string>

#include "render/event_fields.h"
#include "symbolize/correlated_event.h"
#include "symbolize/netns_names.h"

namespace correlate {

Json PacketToJson(const Packet& packet, const NetnsNames& names);
// Appends "veth1 (blue): 10.77.0.1:5000 > 10.77.0.2:53 udp, 99 bytes"; printable; nothing where
// nothing is known.
void AppendPacket(const Packet& packet, const NetnsNames& names, std::string* text);

// "10.77.0.1", "2001:db8::1"; empty: no IP.
std::string AddressText(IpFamily family, const std::array<uint8_t, 16>& address);
absl::string_view FamilyName(IpFamily family);  // "ipv4", "ipv6"; empty: no IP
absl::string_view TunnelName(Tunnel tunnel);    // "vxlan"; empty: none
// Ports are shown; those of ICMP, which has none, as 0.
bool ShowsPorts(const PacketHeaders& headers);
// "udp", "icmp", or the number where it has no usual name.
std::string L4Name(uint8_t protocol);

}  // namespace correlate

#endif  // RENDER_PACKET_TEXT_H_
