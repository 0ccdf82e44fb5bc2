#include "render/packet_text.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "absl/strings/str_cat.h"
#include "render/text.h"

namespace correlate {

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

absl::string_view FamilyName(IpFamily family) {
  switch (family) {
    case IpFamily::kIpv4:
      return "ipv4";
    case IpFamily::kIpv6:
      return "ipv6";
    case IpFamily::kNone:
      break;
  }
  return "";
}

bool ShowsPorts(const PacketHeaders& headers) {
  const bool icmp = headers.l4 == IPPROTO_ICMP || headers.l4 == IPPROTO_ICMPV6;
  return headers.has_ports || (headers.has_l4 && icmp);
}

namespace {

void AppendAddress(IpFamily family, const std::array<uint8_t, 16>& address, std::string* text) {
  if (family == IpFamily::kIpv4) {
    absl::StrAppend(text, address[0], ".", address[1], ".", address[2]);
    absl::StrAppend(text, ".", address[3]);
    return;
  }
  char buffer[INET6_ADDRSTRLEN] = "";
  if (family == IpFamily::kIpv6) inet_ntop(AF_INET6, address.data(), buffer, sizeof buffer);
  *text += buffer;
}

void PutHeaders(const PacketHeaders& headers, Json* json) {
  if (headers.family == IpFamily::kNone) return;
  (*json)["family"] = std::string(FamilyName(headers.family));
  (*json)["src"] = AddressText(headers.family, headers.src);
  (*json)["dst"] = AddressText(headers.family, headers.dst);
  if (headers.has_l4) (*json)["l4"] = L4Name(headers.l4);
  if (headers.fragment) (*json)["fragment"] = true;
  if (ShowsPorts(headers)) {
    (*json)["sport"] = headers.sport;
    (*json)["dport"] = headers.dport;
  }
}

void AppendEndpoint(const PacketHeaders& headers, const std::array<uint8_t, 16>& address,
                    uint16_t port, std::string* text) {
  const bool brackets = headers.has_ports && headers.family == IpFamily::kIpv6;
  if (brackets) *text += '[';
  AppendAddress(headers.family, address, text);
  if (brackets) *text += ']';
  if (headers.has_ports) absl::StrAppend(text, ":", port);
}

void AppendHeaders(const PacketHeaders& headers, std::string* text) {
  AppendEndpoint(headers, headers.src, headers.sport, text);
  *text += " > ";
  AppendEndpoint(headers, headers.dst, headers.dport, text);
  if (headers.has_l4) absl::StrAppend(text, " ", L4Name(headers.l4));
  if (headers.fragment) *text += " fragment";
}

}  // namespace

std::string AddressText(IpFamily family, const std::array<uint8_t, 16>& address) {
  std::string text;
  AppendAddress(family, address, &text);
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

void AppendPacket(const Packet& packet, const NetnsNames& names, std::string* text) {
  const size_t begin = text->size();
  const auto separate = [&](absl::string_view separator) {
    if (text->size() > begin) text->append(separator.data(), separator.size());
  };
  if (packet.ifindex != 0) {
    if (packet.ifname.empty()) {
      absl::StrAppend(text, "ifindex ", packet.ifindex);
    } else {
      AppendPrintable(packet.ifname, text);
    }
  }
  if (packet.has_netns) {
    separate(" ");
    *text += '(';
    const absl::string_view name = names.Find(packet.netns);
    if (name.empty()) {
      absl::StrAppend(text, "netns ", packet.netns.inode);
    } else {
      AppendPrintable(name, text);
    }
    *text += ')';
  }
  if (packet.outer.family != IpFamily::kNone) {
    separate(": ");
    AppendHeaders(packet.outer, text);
  }
  if (packet.tunnel != Tunnel::kNone) {
    absl::StrAppend(text, " {", TunnelName(packet.tunnel), " ");
    AppendHeaders(packet.inner, text);
    *text += '}';
  }
  if (packet.has_vlan) {
    separate(", ");
    absl::StrAppend(text, "vlan ", packet.vlan_id);
  }
  if (packet.length_bytes == 0) return;
  separate(", ");
  absl::StrAppend(text, packet.length_bytes, " bytes");
  if (packet.segments > 1) absl::StrAppend(text, " in ", packet.segments, " segments");
}

}  // namespace correlate
