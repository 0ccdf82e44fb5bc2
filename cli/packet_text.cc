#include "cli/packet_text.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "absl/strings/str_cat.h"
#include "cli/text.h"

namespace correlate {
namespace {

absl::string_view TunnelName(Tunnel tunnel) {
  switch (tunnel) {
    case Tunnel::kIpIp:
      return "ipip";
    case Tunnel::kGre:
      return "gre";
    case Tunnel::kVxlan:
      return "vxlan";
    case Tunnel::kGeneve:
      return "geneve";
    case Tunnel::kNone:
      break;
  }
  return "";
}

bool IsIcmp(uint8_t l4) { return l4 == IPPROTO_ICMP || l4 == IPPROTO_ICMPV6; }

void PutHeaders(const PacketHeaders& headers, Json* json) {
  if (headers.family == IpFamily::kNone) return;
  (*json)["family"] = headers.family == IpFamily::kIpv4 ? "ipv4" : "ipv6";
  (*json)["src"] = AddressText(headers.family, headers.src);
  (*json)["dst"] = AddressText(headers.family, headers.dst);
  if (headers.has_l4) (*json)["l4"] = L4Name(headers.l4);
  if (headers.fragment) (*json)["fragment"] = true;
  // ICMP has none, and says so.
  if (headers.has_ports || (headers.has_l4 && IsIcmp(headers.l4))) {
    (*json)["sport"] = headers.sport;
    (*json)["dport"] = headers.dport;
  }
}

std::string Endpoint(const PacketHeaders& headers, const std::array<uint8_t, 16>& address,
                     uint16_t port) {
  std::string text = AddressText(headers.family, address);
  if (!headers.has_ports) return text;
  return headers.family == IpFamily::kIpv6 ? absl::StrCat("[", text, "]:", port)
                                           : absl::StrCat(text, ":", port);
}

std::string HeadersText(const PacketHeaders& headers) {
  std::string text = absl::StrCat(Endpoint(headers, headers.src, headers.sport), " > ",
                                  Endpoint(headers, headers.dst, headers.dport));
  if (headers.has_l4) absl::StrAppend(&text, " ", L4Name(headers.l4));
  if (headers.fragment) text += " fragment";
  return text;
}

}  // namespace

std::string AddressText(IpFamily family, const std::array<uint8_t, 16>& address) {
  if (family == IpFamily::kIpv4) {
    return absl::StrCat(address[0], ".", address[1], ".", address[2], ".", address[3]);
  }
  char text[INET6_ADDRSTRLEN] = "";
  if (family == IpFamily::kIpv6) inet_ntop(AF_INET6, address.data(), text, sizeof text);
  return text;
}

std::string L4Name(uint8_t protocol) {
  switch (protocol) {
    case IPPROTO_TCP:
      return "tcp";
    case IPPROTO_UDP:
      return "udp";
    case IPPROTO_ICMP:
      return "icmp";
    case IPPROTO_ICMPV6:
      return "icmpv6";
    case IPPROTO_SCTP:
      return "sctp";
    case IPPROTO_GRE:
      return "gre";
    case IPPROTO_IPIP:
      return "ipip";
    case IPPROTO_IPV6:
      return "ipv6";
    case IPPROTO_IGMP:
      return "igmp";
    case IPPROTO_ESP:
      return "esp";
    default:
      return absl::StrCat(protocol);
  }
}

Json PacketToJson(const Packet& packet, const NetnsNames& names) {
  Json json = Json::object();
  if (packet.ifindex != 0) json["ifindex"] = packet.ifindex;
  if (!packet.ifname.empty()) json["ifname"] = ValidUtf8(packet.ifname);
  if (packet.has_netns) {
    json["netns"] = absl::StrCat(packet.netns.inode);
    const absl::string_view name = names.Find(packet.netns);
    if (!name.empty()) json["netns_name"] = ValidUtf8(name);
    if (packet.netns.cookie != 0) json["netns_cookie"] = absl::StrCat(packet.netns.cookie);
  }
  if (packet.length_bytes != 0) {
    json["length"] = packet.length_bytes;
    json["segments"] = packet.segments > 0 ? packet.segments : 1;
  }
  if (packet.has_vlan) json["vlan"] = packet.vlan_id;
  PutHeaders(packet.outer, &json);
  if (packet.tunnel != Tunnel::kNone) {
    json["tunnel"] = std::string(TunnelName(packet.tunnel));
    Json inner = Json::object();
    PutHeaders(packet.inner, &inner);
    json["inner"] = std::move(inner);
  }
  return json;
}

std::string DescribePacket(const Packet& packet, const NetnsNames& names) {
  std::string text;
  if (packet.ifindex != 0) {
    text =
        packet.ifname.empty() ? absl::StrCat("ifindex ", packet.ifindex) : Printable(packet.ifname);
  }
  if (packet.has_netns) {
    const absl::string_view name = names.Find(packet.netns);
    absl::StrAppend(&text, text.empty() ? "" : " ", "(",
                    name.empty() ? absl::StrCat("netns ", packet.netns.inode) : Printable(name),
                    ")");
  }
  const auto add = [&](absl::string_view more) {
    absl::StrAppend(&text, text.empty() ? "" : absl::string_view(": "), more);
  };
  if (packet.outer.family != IpFamily::kNone) add(HeadersText(packet.outer));
  if (packet.tunnel != Tunnel::kNone) {
    absl::StrAppend(&text, " {", TunnelName(packet.tunnel), " ", HeadersText(packet.inner), "}");
  }
  const auto add_after_comma = [&](absl::string_view more) {
    absl::StrAppend(&text, text.empty() ? "" : absl::string_view(", "), more);
  };
  if (packet.has_vlan) add_after_comma(absl::StrCat("vlan ", packet.vlan_id));
  if (packet.length_bytes != 0) add_after_comma(absl::StrCat(packet.length_bytes, " bytes"));
  if (packet.length_bytes != 0 && packet.segments > 1)
    absl::StrAppend(&text, " in ", packet.segments, " segments");
  return text;
}

}  // namespace correlate
