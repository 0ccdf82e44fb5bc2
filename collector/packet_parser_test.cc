#include "collector/packet_parser.h"

#include <netinet/in.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "collector/test_packets.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

// An option header (hop by hop, routing, destination) of 8 + 8 * more bytes.
Bytes Options(uint8_t next, uint8_t more = 0) {
  Bytes header(8 + size_t{8} * more, 0);
  header[0] = next;
  header[1] = more;
  return header;
}

Bytes Fragment(uint8_t next, uint16_t offset_and_flags) {
  return Join({{next, 0}, Be16(offset_and_flags), {0, 0, 0, 7}});
}

Bytes Tcp(uint16_t sport, uint16_t dport) {
  return Join({Be16(sport), Be16(dport), {0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0, 0, 0, 0, 0, 0}});
}

Bytes Tag(uint16_t tci, uint16_t ethertype) { return Join({Be16(tci), Be16(ethertype)}); }

Bytes Vxlan(const Bytes& frame) { return Join({{8, 0, 0, 0, 0, 0, 42, 0}, frame}); }

Bytes Geneve(uint16_t protocol, const Bytes& options, const Bytes& payload) {
  return Join({{static_cast<uint8_t>(options.size() / 4), 0},
               Be16(protocol),
               {0, 0, 42, 0},
               options,
               payload});
}

Packet Parse(const Bytes& bytes, bool link_header, uint16_t ethertype, Packet packet = {}) {
  // An allocation of exactly this size: AddressSanitizer sees every byte read beyond it.
  const auto exact = std::make_unique<uint8_t[]>(std::max<size_t>(bytes.size(), 1));
  std::copy(bytes.begin(), bytes.end(), exact.get());
  ParsePacket({exact.get(), bytes.size()}, link_header, ethertype, &packet);
  return packet;
}

PacketHeaders Headers4(uint8_t l4) {
  PacketHeaders headers = {.family = IpFamily::kIpv4, .has_l4 = true, .l4 = l4};
  headers.src = {10, 0, 0, 1};
  headers.dst = {10, 0, 0, 2};
  return headers;
}

PacketHeaders Headers6() {
  PacketHeaders headers = {.family = IpFamily::kIpv6};
  headers.src = {0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  headers.dst = headers.src;
  headers.dst[15] = 2;
  return headers;
}

PacketHeaders Headers6(uint8_t l4) {
  PacketHeaders headers = Headers6();
  headers.has_l4 = true;
  headers.l4 = l4;
  return headers;
}

PacketHeaders WithPorts(PacketHeaders headers, uint16_t sport, uint16_t dport) {
  headers.has_ports = true;
  headers.sport = sport;
  headers.dport = dport;
  return headers;
}

PacketHeaders AsFragment(PacketHeaders headers) {
  headers.fragment = true;
  return headers;
}

TEST(PacketParser, Ipv4WithAndWithoutOptions) {
  const PacketHeaders expected = WithPorts(Headers4(IPPROTO_TCP), 40000, 443);
  EXPECT_EQ(Parse(Ip4(IPPROTO_TCP, Tcp(40000, 443)), false, kIp).outer, expected);
  EXPECT_EQ(Parse(Ip4(IPPROTO_TCP, Tcp(40000, 443), Bytes(40, 1)), false, kIp).outer, expected);
}

TEST(PacketParser, PortsOnlyWhereTheProtocolHasThem) {
  for (const uint8_t l4 : {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_UDPLITE}) {
    EXPECT_EQ(Parse(Ip4(l4, Udp(5, 6)), false, kIp).outer, WithPorts(Headers4(l4), 5, 6));
    EXPECT_EQ(Parse(Ip6(l4, Udp(5, 6)), false, kIp6).outer, WithPorts(Headers6(l4), 5, 6));
  }
  for (const uint8_t l4 : {IPPROTO_ICMP, IPPROTO_IGMP, IPPROTO_ESP, IPPROTO_AH}) {
    EXPECT_EQ(Parse(Ip4(l4, Udp(5, 6)), false, kIp).outer, Headers4(l4));
  }
  for (const uint8_t l4 :
       std::initializer_list<uint8_t>{IPPROTO_ICMPV6, IPPROTO_NONE, IPPROTO_ESP}) {
    EXPECT_EQ(Parse(Ip6(l4, Udp(5, 6)), false, kIp6).outer, Headers6(l4));
  }
}

TEST(PacketParser, AFragmentHasPortsOnlyIfItIsTheFirst) {
  const uint16_t more = 0x2000;
  EXPECT_EQ(Parse(Ip4(IPPROTO_UDP, Udp(5, 6), {}, more), false, kIp).outer,
            WithPorts(Headers4(IPPROTO_UDP), 5, 6));
  for (const uint16_t later : {1, 185, 0x1fff, more | 185}) {
    EXPECT_EQ(Parse(Ip4(IPPROTO_UDP, Udp(5, 6), {}, later), false, kIp).outer,
              AsFragment(Headers4(IPPROTO_UDP)))
        << later;
  }
  EXPECT_EQ(
      Parse(Ip6(IPPROTO_FRAGMENT, Join({Fragment(IPPROTO_UDP, 1), Udp(5, 6)})), false, kIp6).outer,
      WithPorts(Headers6(IPPROTO_UDP), 5, 6));
  EXPECT_EQ(
      Parse(Ip6(IPPROTO_FRAGMENT, Join({Fragment(IPPROTO_UDP, 8), Udp(5, 6)})), false, kIp6).outer,
      AsFragment(Headers6(IPPROTO_UDP)));
}

TEST(PacketParser, ALaterFragmentOfAnExtensionHeaderHidesTheProtocol) {
  for (const uint8_t next :
       std::initializer_list<uint8_t>{IPPROTO_DSTOPTS, IPPROTO_ROUTING, IPPROTO_AH}) {
    EXPECT_EQ(
        Parse(Ip6(IPPROTO_FRAGMENT, Join({Fragment(next, 1280), Udp(5, 6)})), false, kIp6).outer,
        AsFragment(Headers6()));
  }
}

TEST(PacketParser, TunnelsInLaterFragmentsAreNotOpened) {
  const Packet packet = Parse(Ip4(IPPROTO_IPIP, Ip4(IPPROTO_UDP, Udp(5, 6)), {}, 8), false, kIp);
  EXPECT_EQ(packet.outer, AsFragment(Headers4(IPPROTO_IPIP)));
  EXPECT_EQ(packet.tunnel, Tunnel::kNone);
  EXPECT_EQ(packet.inner, PacketHeaders());
}

TEST(PacketParser, Ipv6ExtensionHeaders) {
  Bytes authentication(24, 0);  // (4 + 2) * 4 bytes, RFC 4302
  authentication[0] = IPPROTO_UDP;
  authentication[1] = 4;
  const std::vector<Bytes> packets = {
      Ip6(IPPROTO_HOPOPTS, Join({Options(IPPROTO_UDP), Udp(5, 6)})),
      Ip6(IPPROTO_ROUTING, Join({Options(IPPROTO_UDP, 2), Udp(5, 6)})),
      Ip6(IPPROTO_DSTOPTS, Join({Options(IPPROTO_UDP, 1), Udp(5, 6)})),
      Ip6(IPPROTO_AH, Join({authentication, Udp(5, 6)})),
      Ip6(IPPROTO_HOPOPTS, Join({Options(IPPROTO_ROUTING), Options(IPPROTO_FRAGMENT, 1),
                                 Fragment(IPPROTO_AH, 1), authentication, Udp(5, 6)})),
  };
  for (const Bytes& packet : packets) {
    EXPECT_EQ(Parse(packet, false, kIp6).outer, WithPorts(Headers6(IPPROTO_UDP), 5, 6));
  }
}

TEST(PacketParser, EndlessExtensionHeadersEnd) {
  const auto with = [](int headers) {
    Bytes chain;
    for (int i = 1; i < headers; ++i) chain = Join({chain, Options(IPPROTO_DSTOPTS)});
    return Ip6(IPPROTO_DSTOPTS, Join({chain, Options(IPPROTO_UDP), Udp(5, 6)}));
  };
  EXPECT_EQ(Parse(with(8), false, kIp6).outer, WithPorts(Headers6(IPPROTO_UDP), 5, 6));
  EXPECT_EQ(Parse(with(9), false, kIp6).outer, Headers6());
}

TEST(PacketParser, OneAddressFamilyIsNotReadAsTheOther) {
  EXPECT_EQ(Parse(Ip6(IPPROTO_UDP, Udp(5, 6)), false, kIp).outer, PacketHeaders());
  EXPECT_EQ(Parse(Ip4(IPPROTO_TCP, Tcp(5, 6), Bytes(20, 0)), false, kIp6).outer, PacketHeaders());
  EXPECT_EQ(Parse(Ip4(IPPROTO_UDP, Udp(5, 6)), false, 0x0806).outer, PacketHeaders());  // ARP
  Bytes short_header = Ip4(IPPROTO_UDP, Udp(5, 6));
  short_header[0] = 0x44;
  EXPECT_EQ(Parse(short_header, false, kIp).outer, PacketHeaders());
}

TEST(PacketParser, PaddingBehindThePacketIsNoPorts) {
  const Bytes padding(46, 0);
  EXPECT_EQ(Parse(Join({Ip4(IPPROTO_UDP, {}), padding}), false, kIp).outer, Headers4(IPPROTO_UDP));
  const Bytes options_alone = Ip6(IPPROTO_DSTOPTS, Options(IPPROTO_UDP));
  EXPECT_EQ(Parse(Join({options_alone, padding}), false, kIp6).outer, Headers6(IPPROTO_UDP));
}

TEST(PacketParser, AnUnknownTotalLengthIsNoLimit) {
  // Segmentation of packets beyond 64 KiB: net/ipv4/ip_output.c, net/ipv6/ip6_output.c.
  Bytes ip4 = Ip4(IPPROTO_TCP, Tcp(5, 6));
  ip4[2] = ip4[3] = 0;
  EXPECT_EQ(Parse(ip4, false, kIp).outer, WithPorts(Headers4(IPPROTO_TCP), 5, 6));
  Bytes ip6 = Ip6(IPPROTO_TCP, Tcp(5, 6));
  ip6[4] = ip6[5] = 0;
  EXPECT_EQ(Parse(ip6, false, kIp6).outer, WithPorts(Headers6(IPPROTO_TCP), 5, 6));
}

TEST(PacketParser, LinkHeaderAndTags) {
  const Bytes ip = Ip4(IPPROTO_UDP, Udp(5, 6));
  const PacketHeaders expected = WithPorts(Headers4(IPPROTO_UDP), 5, 6);
  // The ethertype beside the packet does not matter where a link header has one.
  Packet packet = Parse(Ethernet(kIp, ip), true, 0);
  EXPECT_EQ(packet.outer, expected);
  EXPECT_FALSE(packet.has_vlan);

  packet = Parse(Ethernet(0x8100, Join({Tag(0xe00a, kIp), ip})), true, 0x8100);
  EXPECT_EQ(packet.outer, expected);
  EXPECT_TRUE(packet.has_vlan);
  EXPECT_EQ(packet.vlan_id, 10);  // without priority

  // QinQ: the outer tag names the VLAN.
  const Bytes two = Join({Tag(200, 0x8100), Tag(10, kIp), ip});
  packet = Parse(Ethernet(0x88a8, two), true, 0);
  EXPECT_EQ(packet.outer, expected);
  EXPECT_EQ(packet.vlan_id, 200);
  packet = Parse(two, false, 0x88a8);
  EXPECT_EQ(packet.outer, expected);
  EXPECT_EQ(packet.vlan_id, 200);

  packet =
      Parse(Ethernet(0x88a8, Join({Tag(1, 0x8100), Tag(2, 0x8100), Tag(3, kIp), ip})), true, 0);
  EXPECT_EQ(packet.outer, PacketHeaders());
  EXPECT_EQ(packet.vlan_id, 1);
}

TEST(PacketParser, ATagBesideThePacketStays) {
  const Bytes ip = Ip4(IPPROTO_UDP, Udp(5, 6));
  const Packet beside = {.has_vlan = true, .vlan_id = 7};
  Packet packet = Parse(ip, false, kIp, beside);
  EXPECT_TRUE(packet.has_vlan);
  EXPECT_EQ(packet.vlan_id, 7);
  packet = Parse(Join({Tag(10, kIp), ip}), false, 0x8100, beside);
  EXPECT_EQ(packet.vlan_id, 7);
  EXPECT_EQ(packet.outer, WithPorts(Headers4(IPPROTO_UDP), 5, 6));
}

struct TunnelCase {
  const char* name;
  Bytes bytes;
  uint16_t ethertype;
  Tunnel tunnel;
  PacketHeaders outer;
  PacketHeaders inner;
};

std::vector<TunnelCase> TunnelCases() {
  const Bytes ip4 = Ip4(IPPROTO_UDP, Udp(5, 6));
  const Bytes ip6 = Ip6(IPPROTO_TCP, Tcp(7, 8));
  const PacketHeaders inner4 = WithPorts(Headers4(IPPROTO_UDP), 5, 6);
  const PacketHeaders inner6 = WithPorts(Headers6(IPPROTO_TCP), 7, 8);
  const Bytes frame4 = Ethernet(kIp, ip4);
  const Bytes tagged6 = Ethernet(0x8100, Join({Tag(10, kIp6), ip6}));
  const auto gre = [](uint16_t flags, uint16_t protocol, size_t optional_bytes) {
    return Join({Be16(flags), Be16(protocol), Bytes(optional_bytes, 0xee)});
  };
  const PacketHeaders outer_gre = Headers4(IPPROTO_GRE);
  const auto outer_udp = [](uint16_t port) { return WithPorts(Headers4(IPPROTO_UDP), 999, port); };
  Bytes group_policy = Vxlan(frame4);
  group_policy[0] = 0x88;
  group_policy[2] = 1;
  return {
      {"ipip", Ip4(IPPROTO_IPIP, ip4), kIp, Tunnel::kIpIp, Headers4(IPPROTO_IPIP), inner4},
      {"6in4", Ip4(IPPROTO_IPV6, ip6), kIp, Tunnel::kIpIp, Headers4(IPPROTO_IPV6), inner6},
      {"4in6", Ip6(IPPROTO_IPIP, ip4), kIp6, Tunnel::kIpIp, Headers6(IPPROTO_IPIP), inner4},
      {"4in6, tunnel encapsulation limit", Ip6(IPPROTO_DSTOPTS, Join({Options(IPPROTO_IPIP), ip4})),
       kIp6, Tunnel::kIpIp, Headers6(IPPROTO_IPIP), inner4},
      {"gre", Ip4(IPPROTO_GRE, Join({gre(0, kIp, 0), ip4})), kIp, Tunnel::kGre, outer_gre, inner4},
      {"gre, checksum", Ip4(IPPROTO_GRE, Join({gre(0x8000, kIp6, 4), ip6})), kIp, Tunnel::kGre,
       outer_gre, inner6},
      {"gre, key", Ip4(IPPROTO_GRE, Join({gre(0x2000, kIp, 4), ip4})), kIp, Tunnel::kGre, outer_gre,
       inner4},
      {"gre, sequence", Ip4(IPPROTO_GRE, Join({gre(0x1000, kIp, 4), ip4})), kIp, Tunnel::kGre,
       outer_gre, inner4},
      {"gre, all, Ethernet", Ip4(IPPROTO_GRE, Join({gre(0xb000, kTeb, 12), frame4})), kIp,
       Tunnel::kGre, outer_gre, inner4},
      {"gre over IPv6", Ip6(IPPROTO_GRE, Join({gre(0, kIp, 0), ip4})), kIp6, Tunnel::kGre,
       Headers6(IPPROTO_GRE), inner4},
      {"vxlan", Ip4(IPPROTO_UDP, Udp(999, 4789, Vxlan(frame4))), kIp, Tunnel::kVxlan,
       outer_udp(4789), inner4},
      {"vxlan, old port, tag", Ip4(IPPROTO_UDP, Udp(999, 8472, Vxlan(tagged6))), kIp,
       Tunnel::kVxlan, outer_udp(8472), inner6},
      {"vxlan, group policy", Ip4(IPPROTO_UDP, Udp(999, 4789, group_policy)), kIp, Tunnel::kVxlan,
       outer_udp(4789), inner4},
      {"geneve", Ip4(IPPROTO_UDP, Udp(999, 6081, Geneve(kTeb, {}, frame4))), kIp, Tunnel::kGeneve,
       outer_udp(6081), inner4},
      {"geneve, options", Ip4(IPPROTO_UDP, Udp(999, 6081, Geneve(kTeb, Bytes(16, 9), tagged6))),
       kIp, Tunnel::kGeneve, outer_udp(6081), inner6},
      {"geneve, IP", Ip4(IPPROTO_UDP, Udp(999, 6081, Geneve(kIp6, Bytes(4, 9), ip6))), kIp,
       Tunnel::kGeneve, outer_udp(6081), inner6},
      {"fragment inside", Ip4(IPPROTO_IPIP, Ip4(IPPROTO_UDP, Udp(5, 6), {}, 9)), kIp, Tunnel::kIpIp,
       Headers4(IPPROTO_IPIP), AsFragment(Headers4(IPPROTO_UDP))},
  };
}

TEST(PacketParser, Tunnels) {
  for (const TunnelCase& c : TunnelCases()) {
    const Packet packet = Parse(c.bytes, false, c.ethertype);
    EXPECT_EQ(packet.tunnel, c.tunnel) << c.name;
    EXPECT_EQ(packet.outer, c.outer) << c.name;
    EXPECT_EQ(packet.inner, c.inner) << c.name;
    // A tag inside of the tunnel is not the packet's own.
    EXPECT_FALSE(packet.has_vlan) << c.name;
    const Packet framed = Parse(Ethernet(c.ethertype, c.bytes), true, 0);
    EXPECT_EQ(framed.tunnel, c.tunnel) << c.name;
    EXPECT_EQ(framed.inner, c.inner) << c.name;
  }
}

TEST(PacketParser, WhatOnlyLooksLikeATunnelIsNone) {
  const Bytes frame = Ethernet(kIp, Ip4(IPPROTO_UDP, Udp(5, 6)));
  Bytes no_flag = Vxlan(frame);
  no_flag[0] = 0;
  Bytes reserved = Vxlan(frame);
  reserved[7] = 1;
  Bytes other_protocol = Vxlan(frame);  // VXLAN-GPE: something else than Ethernet may follow
  other_protocol[0] = 0x0c;
  Bytes geneve_version = Geneve(kTeb, {}, frame);
  geneve_version[0] |= 0x40;
  const std::vector<Bytes> packets = {
      Ip4(IPPROTO_UDP, Udp(999, 4789, Bytes(100, 'x'))),
      Ip4(IPPROTO_UDP, Udp(999, 4789, no_flag)),
      Ip4(IPPROTO_UDP, Udp(999, 4789, reserved)),
      Ip4(IPPROTO_UDP, Udp(999, 4789, other_protocol)),
      Ip4(IPPROTO_UDP, Udp(4789, 999, Vxlan(frame))),
      Ip4(IPPROTO_TCP, Udp(999, 4789, Vxlan(frame))),
      Ip4(IPPROTO_UDP, Udp(999, 4789, Vxlan(Ethernet(0x0806, Bytes(28, 1))))),
      Ip4(IPPROTO_UDP, Udp(999, 6081, geneve_version)),
      Ip4(IPPROTO_UDP, Udp(999, 6081, Bytes(100, 'x'))),
      Ip4(IPPROTO_UDP, Udp(999, 53, Vxlan(frame))),
      // GRE of PPTP, GRE with source routing, an unknown protocol in GRE.
      Ip4(IPPROTO_GRE, Join({{0, 1, 8, 0}, frame})),
      Ip4(IPPROTO_GRE, Join({{0x40, 0, 8, 0}, frame})),
      Ip4(IPPROTO_GRE, Join({{0, 0, 0x88, 0xbe}, frame})),
      Ip4(IPPROTO_IPIP, Ip6(IPPROTO_UDP, Udp(5, 6))),
  };
  for (size_t i = 0; i < packets.size(); ++i) {
    const Packet packet = Parse(packets[i], false, kIp);
    EXPECT_EQ(packet.tunnel, Tunnel::kNone) << i;
    EXPECT_EQ(packet.inner, PacketHeaders()) << i;
    EXPECT_EQ(packet.outer.family, IpFamily::kIpv4) << i;
  }
}

// What a cut packet says must be what the whole one says, or nothing.
void ExpectPartOf(const PacketHeaders& cut, const PacketHeaders& whole) {
  if (cut.family == IpFamily::kNone) {
    EXPECT_EQ(cut, PacketHeaders());
    return;
  }
  EXPECT_EQ(cut.family, whole.family);
  EXPECT_EQ(cut.src, whole.src);
  EXPECT_EQ(cut.dst, whole.dst);
  if (cut.has_l4) {
    EXPECT_EQ(cut.l4, whole.l4);
    EXPECT_EQ(cut.fragment, whole.fragment);
  } else {
    EXPECT_EQ(cut.l4, 0);
    EXPECT_FALSE(cut.has_ports);
  }
  if (cut.has_ports) {
    EXPECT_TRUE(whole.has_ports);
    EXPECT_EQ(cut.sport, whole.sport);
    EXPECT_EQ(cut.dport, whole.dport);
  } else {
    EXPECT_EQ(cut.sport | cut.dport, 0);
  }
}

TEST(PacketParser, CutAtEveryByte) {
  struct Case {
    std::string name;
    Bytes bytes;
    bool link_header;
    uint16_t ethertype;
  };
  std::vector<Case> cases;
  for (const TunnelCase& c : TunnelCases()) {
    cases.push_back({c.name, c.bytes, false, c.ethertype});
    cases.push_back({c.name, Ethernet(c.ethertype, c.bytes), true, 0});
  }
  cases.push_back({"options", Ip4(IPPROTO_TCP, Tcp(5, 6), Bytes(40, 1)), false, kIp});
  cases.push_back(
      {"headers",
       Ip6(IPPROTO_HOPOPTS, Join({Options(IPPROTO_ROUTING, 1), Options(IPPROTO_FRAGMENT),
                                  Fragment(IPPROTO_UDP, 1), Udp(5, 6)})),
       false, kIp6});
  cases.push_back(
      {"later fragment",
       Ip6(IPPROTO_HOPOPTS, Join({Options(IPPROTO_FRAGMENT), Fragment(IPPROTO_UDP, 8), Udp(5, 6)})),
       false, kIp6});
  cases.push_back(
      {"tags",
       Ethernet(0x88a8, Join({Tag(200, 0x8100), Tag(10, kIp), Ip4(IPPROTO_UDP, Udp(5, 6))})), true,
       0});
  for (const Case& c : cases) {
    const Packet whole = Parse(c.bytes, c.link_header, c.ethertype);
    ASSERT_NE(whole.outer.family, IpFamily::kNone) << c.name;
    for (size_t bytes = 0; bytes < c.bytes.size(); ++bytes) {
      SCOPED_TRACE(testing::Message() << c.name << " cut to " << bytes);
      const Bytes begin(c.bytes.begin(), c.bytes.begin() + static_cast<ptrdiff_t>(bytes));
      const Packet cut = Parse(begin, c.link_header, c.ethertype);
      ExpectPartOf(cut.outer, whole.outer);
      ExpectPartOf(cut.inner, whole.inner);
      EXPECT_TRUE(cut.tunnel == Tunnel::kNone || cut.tunnel == whole.tunnel);
      EXPECT_EQ(cut.tunnel == Tunnel::kNone, cut.inner.family == IpFamily::kNone);
      EXPECT_TRUE(!cut.has_vlan || cut.vlan_id == whole.vlan_id);
      // Addresses need the whole fixed header.
      const size_t fixed = whole.outer.family == IpFamily::kIpv4 ? 20 : 40;
      if (bytes < fixed) {
        EXPECT_EQ(cut.outer, PacketHeaders());
      }
    }
  }
}

TEST(PacketParser, LeavesTheRestOfThePacketAlone) {
  Packet before = {.has_netns = true, .netns = {1, 2}, .ifindex = 3, .ifname = "veth1"};
  before.length_bytes = 99;
  before.segments = 2;
  before.ethertype = kIp;
  Packet after = Parse(Ip4(IPPROTO_UDP, Udp(5, 6)), false, kIp, before);
  after.outer = PacketHeaders();
  EXPECT_EQ(after, before);
}

}  // namespace
}  // namespace correlate
