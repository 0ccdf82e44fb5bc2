#include "render/packet_text.h"

#include <netinet/in.h>

#include "gtest/gtest.h"

namespace correlate {
namespace {

std::string Text(const Packet& packet, const NetnsNames& names) {
  std::string text;
  AppendPacket(packet, names, &text);
  return text;
}

constexpr NetnsId kBlue = {4026532213, 4117};

NetnsNames Names() {
  NetnsNames names;
  names.Add({.id = kBlue, .name = "blue"});
  return names;
}

PacketHeaders Ipv4(uint8_t l4) {
  PacketHeaders headers = {.family = IpFamily::kIpv4, .has_l4 = true, .l4 = l4};
  headers.src = {10, 77, 0, 1};
  headers.dst = {10, 77, 0, 2};
  return headers;
}

PacketHeaders Ipv6(uint8_t l4) {
  PacketHeaders headers = {.family = IpFamily::kIpv6, .has_l4 = true, .l4 = l4};
  headers.src = {0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  headers.dst = headers.src;
  headers.dst[15] = 2;
  return headers;
}

PacketHeaders WithPorts(PacketHeaders headers) {
  headers.has_ports = true;
  headers.sport = 5000;
  headers.dport = 53;
  return headers;
}

Packet OnVeth1(PacketHeaders outer) {
  Packet packet = {.has_netns = true, .netns = kBlue, .ifindex = 2, .ifname = "veth1"};
  packet.length_bytes = 99;
  packet.outer = outer;
  return packet;
}

std::string JsonOf(const Packet& packet) { return PacketToJson(packet, Names()).dump(); }
std::string TextOf(const Packet& packet) { return Text(packet, Names()); }

TEST(PacketText, NothingKnownIsNothingSaid) {
  EXPECT_EQ(TextOf(Packet()), "");
  EXPECT_EQ(JsonOf(Packet()), "{}");
}

TEST(PacketText, AUsualPacket) {
  const Packet packet = OnVeth1(WithPorts(Ipv4(IPPROTO_UDP)));
  EXPECT_EQ(TextOf(packet), "veth1 (blue): 10.77.0.1:5000 > 10.77.0.2:53 udp, 99 bytes");
  EXPECT_EQ(JsonOf(packet),
            R"({"ifindex":2,"ifname":"veth1","netns":"4026532213","netns_name":"blue",)"
            R"("netns_cookie":"4117","length":99,"segments":1,"family":"ipv4","src":"10.77.0.1",)"
            R"("dst":"10.77.0.2","l4":"udp","sport":5000,"dport":53})");
}

TEST(PacketText, Ipv6AddressesWithPortsStandInBrackets) {
  EXPECT_EQ(TextOf(OnVeth1(WithPorts(Ipv6(IPPROTO_TCP)))),
            "veth1 (blue): [2001:db8::1]:5000 > [2001:db8::2]:53 tcp, 99 bytes");
  EXPECT_EQ(TextOf(OnVeth1(Ipv6(IPPROTO_ICMPV6))),
            "veth1 (blue): 2001:db8::1 > 2001:db8::2 icmpv6, 99 bytes");
}

TEST(PacketText, PortsOfIcmpAreZeroAndThoseOfAFragmentUnknown) {
  Packet packet = {.outer = Ipv4(IPPROTO_ICMP)};
  EXPECT_EQ(JsonOf(packet),
            R"({"family":"ipv4","src":"10.77.0.1","dst":"10.77.0.2","l4":"icmp","sport":0,)"
            R"("dport":0})");
  EXPECT_EQ(TextOf(packet), "10.77.0.1 > 10.77.0.2 icmp");
  packet.outer = Ipv4(IPPROTO_UDP);
  packet.outer.fragment = true;
  EXPECT_EQ(JsonOf(packet),
            R"({"family":"ipv4","src":"10.77.0.1","dst":"10.77.0.2","l4":"udp","fragment":true})");
  EXPECT_EQ(TextOf(packet), "10.77.0.1 > 10.77.0.2 udp fragment");
  packet.outer.fragment = false;
  packet.outer.has_l4 = false;
  EXPECT_EQ(JsonOf(packet), R"({"family":"ipv4","src":"10.77.0.1","dst":"10.77.0.2"})");
}

TEST(PacketText, ATunnelHoldsItsPacketInside) {
  Packet packet = {.outer = Ipv4(IPPROTO_GRE), .tunnel = Tunnel::kGre};
  packet.inner = WithPorts(Ipv6(IPPROTO_SCTP));
  EXPECT_EQ(TextOf(packet),
            "10.77.0.1 > 10.77.0.2 gre {gre [2001:db8::1]:5000 > [2001:db8::2]:53 sctp}");
  EXPECT_EQ(JsonOf(packet),
            R"({"family":"ipv4","src":"10.77.0.1","dst":"10.77.0.2","l4":"gre","tunnel":"gre",)"
            R"("inner":{"family":"ipv6","src":"2001:db8::1","dst":"2001:db8::2","l4":"sctp",)"
            R"("sport":5000,"dport":53}})");
  for (const auto& [tunnel, name] :
       {std::pair{Tunnel::kIpIp, "ipip"}, {Tunnel::kVxlan, "vxlan"}, {Tunnel::kGeneve, "geneve"}}) {
    packet.tunnel = tunnel;
    EXPECT_EQ(PacketToJson(packet, Names())["tunnel"], name);
  }
}

TEST(PacketText, VlanLengthAndSegments) {
  Packet packet = {.length_bytes = 5099, .segments = 4, .has_vlan = true, .vlan_id = 7};
  packet.outer = Ipv4(IPPROTO_TCP);
  EXPECT_EQ(TextOf(packet), "10.77.0.1 > 10.77.0.2 tcp, vlan 7, 5099 bytes in 4 segments");
  packet.outer = PacketHeaders();
  EXPECT_EQ(TextOf(packet), "vlan 7, 5099 bytes in 4 segments");
  EXPECT_EQ(JsonOf(packet), R"({"length":5099,"segments":4,"vlan":7})");
  packet.has_vlan = false;
  packet.segments = 1;
  EXPECT_EQ(TextOf(packet), "5099 bytes");
  // VLAN 0 is a priority alone, and a tag all the same.
  EXPECT_EQ(TextOf({.has_vlan = true, .vlan_id = 0}), "vlan 0");
}

TEST(PacketText, WhereThePacketWasAsFarAsKnown) {
  Packet packet = {.has_netns = true, .netns = kBlue, .length_bytes = 60};
  EXPECT_EQ(TextOf(packet), "(blue), 60 bytes");
  packet.netns = {4026532213, 4118};  // the inode's number, reused
  EXPECT_EQ(TextOf(packet), "(netns 4026532213), 60 bytes");
  packet.ifindex = 3;
  EXPECT_EQ(TextOf(packet), "ifindex 3 (netns 4026532213), 60 bytes");
  packet.netns.cookie = 0;
  EXPECT_EQ(JsonOf(packet), R"({"ifindex":3,"netns":"4026532213","length":60,"segments":1})");
  EXPECT_EQ(TextOf({.ifindex = 3}), "ifindex 3");
}

TEST(PacketText, HostileNamesArePrintableAndValid) {
  NetnsNames names;
  names.Add({.id = kBlue, .name = "a\nb\xff"});
  const Packet packet = {.has_netns = true, .netns = kBlue, .ifindex = 2, .ifname = "\x1b[2J\xff"};
  EXPECT_EQ(Text(packet, names), "\\x1b[2J\\xff (a\\x0ab\\xff)");
  const std::string json = PacketToJson(packet, names).dump();  // throws on broken UTF-8
  EXPECT_NE(json.find("\xef\xbf\xbd"), std::string::npos);
}

TEST(PacketText, ProtocolsWithoutAUsualNameAreNumbers) {
  EXPECT_EQ(L4Name(IPPROTO_TCP), "tcp");
  EXPECT_EQ(L4Name(IPPROTO_IPV6), "ipv6");
  EXPECT_EQ(L4Name(0), "0");
  EXPECT_EQ(L4Name(253), "253");
  EXPECT_EQ(AddressText(IpFamily::kNone, {}), "");
}

}  // namespace
}  // namespace correlate
