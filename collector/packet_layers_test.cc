// The BPF programs' own reading of a packet (packet_layers.h), run here, against the parser that
// reads the recorded bytes: what a filter lets through has to be what the trace then shows.
#include "collector/packet_layers.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <vector>

#include "collector/event_filter.h"
#include "collector/packet_parser.h"
#include "collector/test_packets.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

Bytes Tag(uint16_t ethertype) { return Join({Be16(42), Be16(ethertype)}); }

// An extension header of 8 bytes.
Bytes Extension(uint8_t next, uint8_t second = 0, uint16_t offset = 0) {
  return Join({{next, second}, Be16(offset), {0, 0, 0, 7}});
}

struct Sample {
  Bytes bytes;
  bool link_header = false;
  uint16_t ethertype = kIp;
};

std::vector<Sample> Samples() {
  const Bytes udp = Udp(53, 4000, {1, 2, 3, 4});
  const Bytes inner4 = Ip4(17, udp);
  const Bytes inner6 = Ip6(6, Udp(80, 8080, Bytes(12, 0x50)));
  const Bytes frame = Ethernet(0x8100, Join({Tag(kIp6), inner6}));
  const Bytes vxlan = Join({{8, 0, 0, 0, 0, 0, 42, 0}, frame});
  const Bytes geneve =
      Join({{2, 0}, Be16(kTeb), {0, 0, 42, 0}, Bytes(8, 1), Ethernet(kIp, inner4)});
  std::vector<Sample> samples = {
      {inner4, false, kIp},
      {inner6, false, kIp6},
      {Ip4(17, udp, Bytes(12, 1)), false, kIp},
      {Ip4(17, udp, {}, 0x2000), false, kIp},
      {Ip4(17, udp, {}, 0x00b9), false, kIp},
      {Ip4(1, {8, 0, 0, 0, 0, 0, 0, 0}), false, kIp},
      {Join({Tag(kIp), inner4}), false, 0x8100},
      {Ethernet(kIp, inner4), true, 0},
      {Ethernet(0x88a8, Join({Tag(0x8100), Tag(kIp), inner4})), true, 0},
      {Ethernet(0x88a8, Join({Tag(0x8100), Tag(0x8100), Tag(kIp), inner4})), true, 0},
      {Ethernet(0x0806, Bytes(28, 1)), true, 0},
      {Join({inner4, Bytes(20, 0)}), false, kIp},                // padding
      {Ip4(4, inner4), false, kIp},                              // 4in4
      {Ip4(41, inner6), false, kIp},                             // 6in4
      {Ip6(4, inner4), false, kIp6},                             // 4in6
      {Ip4(47, Join({{0, 0}, Be16(kIp), inner4})), false, kIp},  // GRE
      {Ip4(47, Join({{0xb0, 0}, Be16(kTeb), Bytes(12, 9), Ethernet(kIp6, inner6)})), false, kIp},
      {Ip4(47, Join({{0x20, 1}, Be16(0x880b), Bytes(8, 9), inner4})), false, kIp},  // PPTP
      {Ip4(47, Join({{0, 0}, Be16(0x8100), Tag(kIp), inner4})), false, kIp},
      {Ip4(17, Udp(9, 4789, vxlan)), false, kIp},
      {Ip6(17, Udp(9, 8472, vxlan)), false, kIp6},
      {Ethernet(0x88a8, Join({Tag(0x8100), Tag(kIp), Ip4(17, Udp(9, 4789, vxlan))})), true, 0},
      {Ip4(17, Udp(4789, 9, vxlan)), false, kIp},  // the port of an answer: no tunnel
      {Ip4(17, Udp(9, 6081, geneve)), false, kIp},
      {Ip4(4, Ip4(4, inner4)), false, kIp},  // two tunnels: the inner one is read, no further
      {Ip6(0, Join({Extension(43), Extension(60), Extension(44), Extension(17), udp})), false,
       kIp6},
      {Ip6(44, Join({Extension(17, 0, 0xb9), udp})), false, kIp6},
      {Ip6(44, Join({Extension(60, 0, 0xb9), udp})), false, kIp6},
      {Ip6(51, Join({Extension(17, 4), Bytes(16, 3), udp})), false, kIp6},
      {Ip6(60, Join({Extension(17, 1), Bytes(8, 3), udp})), false, kIp6},
  };
  for (const size_t headers : {size_t{7}, size_t{8}, size_t{9}}) {
    Bytes chain;
    for (size_t i = 0; i < headers; ++i)
      chain = Join({chain, Extension(i + 1 < headers ? 60 : 17)});
    samples.push_back({Ip6(60, Join({chain, udp})), false, kIp6});
  }
  return samples;
}

packet_cursor ParseLayers(const Sample& sample, uint32_t* steps = nullptr) {
  // As in the BPF programs: the bytes lie in a buffer of their own, what is behind them is stale.
  std::array<uint8_t, ENRICHED_HEADER_BYTES> header;
  header.fill(0x45);
  const size_t bytes = std::min(sample.bytes.size(), header.size());
  std::copy_n(sample.bytes.begin(), bytes, header.begin());
  packet_cursor cursor;
  packet_begin(&cursor, static_cast<uint32_t>(bytes), sample.link_header, sample.ethertype);
  uint32_t taken = 0;
  while (taken < 1000 && packet_step(&cursor, header.data())) ++taken;
  if (steps != nullptr) *steps = taken;
  return cursor;
}

PacketHeaders ToHeaders(const packet_layer& layer) {
  PacketHeaders headers;
  headers.family = layer.family == 4   ? IpFamily::kIpv4
                   : layer.family == 6 ? IpFamily::kIpv6
                                       : IpFamily::kNone;
  headers.has_l4 = layer.has_l4;
  headers.l4 = layer.l4;
  headers.has_ports = layer.has_ports;
  headers.sport = layer.sport;
  headers.dport = layer.dport;
  std::memcpy(headers.src.data(), layer.src, 16);
  std::memcpy(headers.dst.data(), layer.dst, 16);
  return headers;
}

// The same; what tells later fragments apart is of no interest to filters.
void ExpectAgreement(const Sample& sample) {
  uint32_t steps = 0;
  const packet_cursor cursor = ParseLayers(sample, &steps);
  EXPECT_LE(steps, uint32_t{PACKET_STEPS});
  Packet packet;
  const size_t bytes = std::min<size_t>(sample.bytes.size(), ENRICHED_HEADER_BYTES);
  ParsePacket({sample.bytes.data(), bytes}, sample.link_header, sample.ethertype, &packet);
  packet.outer.fragment = packet.inner.fragment = false;
  EXPECT_EQ(ToHeaders(cursor.layers[0]), packet.outer);
  EXPECT_EQ(ToHeaders(cursor.layers[1]), packet.inner);
}

TEST(PacketLayers, AgreesWithTheParser) {
  size_t with_inner = 0;
  const std::vector<Sample> samples = Samples();
  for (size_t i = 0; i < samples.size(); ++i) {
    SCOPED_TRACE(i);
    ExpectAgreement(samples[i]);
    with_inner += ParseLayers(samples[i]).layers[1].family != 0;
  }
  EXPECT_GE(with_inner, 9u);  // the samples are what they are meant to be
}

TEST(PacketLayers, AgreesOnWhatIsCutOff) {
  for (const Sample& sample : Samples()) {
    for (size_t bytes = 0; bytes < sample.bytes.size(); ++bytes) {
      Sample cut = sample;
      cut.bytes.resize(bytes);
      ExpectAgreement(cut);
      if (HasFailure()) return;
    }
  }
}

TEST(PacketLayers, AgreesOnNonsense) {
  std::mt19937 random(7);
  const std::vector<Sample> samples = Samples();
  for (int round = 0; round < 200'000; ++round) {
    Sample sample = samples[random() % samples.size()];
    for (size_t changes = 1 + random() % 4; changes > 0; --changes) {
      sample.bytes[random() % sample.bytes.size()] = static_cast<uint8_t>(random());
    }
    if (random() % 8 == 0) sample.bytes.resize(random() % sample.bytes.size());
    if (random() % 8 == 0) {
      const Bytes& more = samples[random() % samples.size()].bytes;
      sample.bytes.insert(sample.bytes.end(), more.begin(), more.end());
    }
    ExpectAgreement(sample);
    if (HasFailure()) {
      ADD_FAILURE() << "round " << round;
      return;
    }
  }
}

bool Passes(const EventFilterText& text, const Bytes& packet, uint16_t ethertype) {
  const auto filter = ParseEventFilter(text);
  EXPECT_TRUE(filter.ok()) << filter.status();
  const event_filter_constants constants = ToConstants(*filter);
  const packet_cursor cursor = ParseLayers({packet, false, ethertype});
  return packet_layer_passes(&constants, &cursor.layers[0]) ||
         packet_layer_passes(&constants, &cursor.layers[1]);
}

TEST(PacketLayers, Hosts) {
  const Bytes packet = Ip4(17, Udp(53, 4000));
  EXPECT_TRUE(Passes({.hosts = {"10.0.0.1"}}, packet, kIp));
  EXPECT_TRUE(Passes({.hosts = {"10.0.0.2"}}, packet, kIp));
  EXPECT_TRUE(Passes({.hosts = {"10.99.0.0/8"}}, packet, kIp));
  EXPECT_TRUE(Passes({.hosts = {"0.0.0.0/0"}}, packet, kIp));
  EXPECT_TRUE(Passes({.hosts = {"192.0.2.1", "10.0.0.2"}}, packet, kIp));
  EXPECT_FALSE(Passes({.hosts = {"10.0.0.3"}}, packet, kIp));
  EXPECT_FALSE(Passes({.hosts = {"::/0"}}, packet, kIp));
  EXPECT_FALSE(Passes({.hosts = {"0.0.0.0/0"}}, Ip6(6, {}), kIp6));
  EXPECT_TRUE(Passes({.hosts = {"2001:db8::/127"}}, Ip6(6, {}), kIp6));
  EXPECT_FALSE(Passes({.hosts = {"2001:db8:0:0:1::/65"}}, Ip6(6, {}), kIp6) &&
               Passes({.hosts = {"2001:db8:0:0:8000::/65"}}, Ip6(6, {}), kIp6));
  EXPECT_FALSE(Passes({.hosts = {"2001:db8:0:0:8000::/65"}}, Ip6(6, {}), kIp6));
}

TEST(PacketLayers, PortsAndProtocols) {
  const Bytes packet = Ip4(17, Udp(53, 4000));
  EXPECT_TRUE(Passes({.ports = {"53"}}, packet, kIp));
  EXPECT_TRUE(Passes({.ports = {"4000"}}, packet, kIp));
  EXPECT_FALSE(Passes({.ports = {"0"}}, packet, kIp));
  EXPECT_FALSE(Passes({.ports = {"0"}}, Ip4(1, Bytes(8, 0)), kIp));  // no ports at all
  EXPECT_FALSE(Passes({.ports = {"53"}}, Ip4(17, Udp(53, 4000), {}, 0x00b9), kIp));
  EXPECT_TRUE(Passes({.l4 = {"udp"}}, Ip4(17, Udp(53, 4000), {}, 0x00b9), kIp));
  EXPECT_FALSE(Passes({.l4 = {"tcp"}}, packet, kIp));
  EXPECT_FALSE(Passes({.l4 = {"0"}}, Bytes(40, 0), 0x0806));
  EXPECT_FALSE(Passes({.hosts = {"0.0.0.0/0"}}, Bytes(40, 0), 0x0806));
}

TEST(PacketLayers, OneLayerHasToAgreeToAll) {
  const Bytes tunnel = Ip4(
      17, Udp(9, 4789, Join({{8, 0, 0, 0, 0, 0, 42, 0}, Ethernet(kIp6, Ip6(6, Udp(80, 8080)))})));
  EXPECT_TRUE(Passes({.l4 = {"tcp"}}, tunnel, kIp));
  EXPECT_TRUE(Passes({.hosts = {"2001:db8::1"}, .ports = {"80"}, .l4 = {"tcp"}}, tunnel, kIp));
  EXPECT_TRUE(Passes({.hosts = {"10.0.0.1"}, .ports = {"4789"}}, tunnel, kIp));
  EXPECT_FALSE(Passes({.hosts = {"10.0.0.1"}, .ports = {"80"}}, tunnel, kIp));
  EXPECT_FALSE(Passes({.hosts = {"2001:db8::1"}, .l4 = {"udp"}}, tunnel, kIp));
}

}  // namespace
}  // namespace correlate
