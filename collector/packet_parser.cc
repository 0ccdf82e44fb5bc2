#include "collector/packet_parser.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

#include <algorithm>

namespace correlate {
namespace {

using Bytes = absl::Span<const uint8_t>;

constexpr size_t kVlanHeaderBytes = 4;
constexpr size_t kIpv4Bytes = 20;
constexpr size_t kIpv6Bytes = 40;
constexpr size_t kUdpBytes = 8;
constexpr int kMostExtensionHeaders = 8;
constexpr int kMostVlanTags = 2;
constexpr uint8_t kIpv4InIp = 4;
constexpr uint8_t kIpv6InIp = 41;
constexpr uint16_t kVxlanPort = 4789;
constexpr uint16_t kVxlanOldPort = 8472;  // Linux' own default, and flannel's
constexpr uint16_t kGenevePort = 6081;

uint16_t Load16(Bytes bytes, size_t at) {
  return static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

// What follows a header, or what the header says of it.
struct Rest {
  uint16_t ethertype = 0;  // of the bytes; 0: nothing that can be read
  bool link_header = false;
  Bytes bytes;
};

// Takes tags off; the first one names the packet's VLAN.
uint16_t SkipVlanTags(uint16_t ethertype, Bytes* bytes, Packet* packet) {
  for (int i = 0; i < kMostVlanTags; ++i) {
    if (ethertype != ETH_P_8021Q && ethertype != ETH_P_8021AD) break;
    if (bytes->size() < kVlanHeaderBytes) return 0;
    if (packet != nullptr && !packet->has_vlan) {
      packet->has_vlan = true;
      packet->vlan_id = Load16(*bytes, 0) & 0xfff;
    }
    ethertype = Load16(*bytes, 2);
    bytes->remove_prefix(kVlanHeaderBytes);
  }
  return ethertype;
}

// The ethertype behind an Ethernet header and its tags; `packet` null: an inner one.
uint16_t SkipEthernet(Bytes* bytes, Packet* packet) {
  if (bytes->size() < ETH_HLEN) return 0;
  const uint16_t ethertype = Load16(*bytes, 12);
  bytes->remove_prefix(ETH_HLEN);
  return SkipVlanTags(ethertype, bytes, packet);
}

bool HasPorts(uint8_t l4) {
  return l4 == IPPROTO_TCP || l4 == IPPROTO_UDP || l4 == IPPROTO_UDPLITE || l4 == IPPROTO_SCTP ||
         l4 == IPPROTO_DCCP;
}

// Without what is behind the packet: frames are padded, and not yet trimmed where tc and XDP see
// them. `packet_bytes` as the packet's own header has it.
Bytes WithoutPadding(Bytes bytes, size_t packet_bytes) {
  return bytes.subspan(0, std::min(bytes.size(), packet_bytes));
}

// Bytes behind the network header, for l4 known; empty for a later fragment.
Bytes ParseIpv4(Bytes bytes, PacketHeaders* headers) {
  if (bytes.size() < kIpv4Bytes || bytes[0] >> 4 != 4) return {};
  const size_t header_bytes = static_cast<size_t>(bytes[0] & 0xf) * 4;
  if (header_bytes < kIpv4Bytes) return {};
  headers->family = IpFamily::kIpv4;
  std::copy_n(bytes.begin() + 12, 4, headers->src.begin());
  std::copy_n(bytes.begin() + 16, 4, headers->dst.begin());
  headers->l4 = bytes[9];
  headers->has_l4 = true;
  headers->fragment = (Load16(bytes, 6) & 0x1fff) != 0;
  // 0: beyond 64 KiB, before segmentation.
  const size_t packet_bytes = Load16(bytes, 2);
  if (packet_bytes != 0) bytes = WithoutPadding(bytes, packet_bytes);
  if (headers->fragment || bytes.size() < header_bytes) return {};
  return bytes.subspan(header_bytes);
}

bool IsOptions(uint8_t next) {
  return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS;
}

bool IsExtension(uint8_t next) {
  return IsOptions(next) || next == IPPROTO_FRAGMENT || next == IPPROTO_AH;
}

Bytes ParseIpv6(Bytes bytes, PacketHeaders* headers) {
  if (bytes.size() < kIpv6Bytes || bytes[0] >> 4 != 6) return {};
  headers->family = IpFamily::kIpv6;
  std::copy_n(bytes.begin() + 8, 16, headers->src.begin());
  std::copy_n(bytes.begin() + 24, 16, headers->dst.begin());
  uint8_t next = bytes[6];
  const size_t payload_bytes = Load16(bytes, 4);  // 0: a jumbogram, or before segmentation
  bytes.remove_prefix(kIpv6Bytes);
  if (payload_bytes != 0) bytes = WithoutPadding(bytes, payload_bytes);
  for (int i = 0; i < kMostExtensionHeaders && IsExtension(next); ++i) {
    if (bytes.size() < 8) return {};
    size_t header_bytes = 8;
    if (IsOptions(next)) header_bytes = (size_t{bytes[1]} + 1) * 8;
    if (next == IPPROTO_AH) header_bytes = (size_t{bytes[1]} + 2) * 4;
    headers->fragment = next == IPPROTO_FRAGMENT && (Load16(bytes, 2) & 0xfff8) != 0;
    next = bytes[0];
    if (headers->fragment) break;  // what follows is no header
    if (bytes.size() < header_bytes) return {};
    bytes.remove_prefix(header_bytes);
  }
  if (IsExtension(next)) return {};
  headers->l4 = next;
  headers->has_l4 = true;
  return headers->fragment ? Bytes() : bytes;
}

// Fills `headers` and returns what is behind the network header.
Bytes ParseIp(uint16_t ethertype, Bytes bytes, PacketHeaders* headers) {
  Bytes behind;
  if (ethertype == ETH_P_IP) behind = ParseIpv4(bytes, headers);
  if (ethertype == ETH_P_IPV6) behind = ParseIpv6(bytes, headers);
  if (headers->has_l4 && HasPorts(headers->l4) && behind.size() >= 4) {
    headers->sport = Load16(behind, 0);
    headers->dport = Load16(behind, 2);
    headers->has_ports = true;
  }
  return behind;
}

Rest BehindGre(Bytes bytes) {
  if (bytes.size() < 4) return {};
  const uint16_t flags = Load16(bytes, 0);
  const uint16_t ethertype = Load16(bytes, 2);
  if ((flags & 0x0007) != 0) return {};  // version 1 is PPTP's
  size_t header_bytes = 4;
  for (const uint16_t optional : {0x8000, 0x2000, 0x1000}) {  // checksum, key, sequence number
    if (flags & optional) header_bytes += 4;
  }
  if ((flags & 0x4000) != 0 || bytes.size() < header_bytes) return {};  // routing: never used
  return {ethertype, ethertype == ETH_P_TEB, bytes.subspan(header_bytes)};
}

Rest BehindVxlan(Bytes bytes) {
  // The bit of Linux' group policy (include/net/vxlan.h) leaves the frame where it is.
  if (bytes.size() < 8 || (bytes[0] & 0x7f) != 0x08 || bytes[7] != 0) return {};
  return {ETH_P_TEB, true, bytes.subspan(8)};
}

Rest BehindGeneve(Bytes bytes) {
  if (bytes.size() < 8 || bytes[0] >> 6 != 0) return {};
  const size_t header_bytes = 8 + static_cast<size_t>(bytes[0] & 0x3f) * 4;
  if (bytes.size() < header_bytes) return {};
  const uint16_t ethertype = Load16(bytes, 2);
  return {ethertype, ethertype == ETH_P_TEB, bytes.subspan(header_bytes)};
}

Rest BehindTunnel(const PacketHeaders& outer, Bytes bytes, Tunnel* tunnel) {
  Rest rest;
  Tunnel kind = Tunnel::kNone;
  if (outer.l4 == kIpv4InIp || outer.l4 == kIpv6InIp) {
    kind = Tunnel::kIpIp;
    rest = {static_cast<uint16_t>(outer.l4 == kIpv4InIp ? ETH_P_IP : ETH_P_IPV6), false, bytes};
  } else if (outer.l4 == IPPROTO_GRE) {
    kind = Tunnel::kGre;
    rest = BehindGre(bytes);
  } else if (outer.l4 == IPPROTO_UDP && outer.has_ports && bytes.size() >= kUdpBytes) {
    bytes.remove_prefix(kUdpBytes);
    if (outer.dport == kVxlanPort || outer.dport == kVxlanOldPort) {
      kind = Tunnel::kVxlan;
      rest = BehindVxlan(bytes);
    } else if (outer.dport == kGenevePort) {
      kind = Tunnel::kGeneve;
      rest = BehindGeneve(bytes);
    }
  }
  if (rest.ethertype != 0) *tunnel = kind;
  return rest;
}

}  // namespace

void ParsePacket(Bytes bytes, bool link_header, uint16_t ethertype, Packet* packet) {
  ethertype = link_header ? SkipEthernet(&bytes, packet) : SkipVlanTags(ethertype, &bytes, packet);
  const Bytes behind = ParseIp(ethertype, bytes, &packet->outer);
  if (behind.empty() || !packet->outer.has_l4) return;
  Tunnel tunnel = Tunnel::kNone;
  Rest rest = BehindTunnel(packet->outer, behind, &tunnel);
  if (tunnel == Tunnel::kNone) return;
  if (rest.link_header) rest.ethertype = SkipEthernet(&rest.bytes, nullptr);
  ParseIp(rest.ethertype, rest.bytes, &packet->inner);
  // A header that leads nowhere is perhaps no tunnel's: somebody else may use its port.
  if (packet->inner.family != IpFamily::kNone) packet->tunnel = tunnel;
}

}  // namespace correlate
