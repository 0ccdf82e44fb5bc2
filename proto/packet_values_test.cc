#include "proto/packet_values.h"

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace correlate {
namespace {

// Numbers strings like the interner: 0 is the empty one.
class Strings {
 public:
  uint32_t Number(absl::string_view text) {
    if (text.empty()) return 0;
    strings_.emplace_back(text);
    return static_cast<uint32_t>(strings_.size() - 1);
  }
  absl::string_view Find(uint32_t number) const {
    return number < strings_.size() ? absl::string_view(strings_[number]) : absl::string_view();
  }

 private:
  std::vector<std::string> strings_ = {""};
};

// To bytes and back.
template <typename Message, typename Value>
Value RoundTrip(const Value& value) {
  Strings strings;
  Message message;
  ToProto(
      value, [&](absl::string_view text) { return strings.Number(text); }, &message);
  Message read;
  EXPECT_TRUE(read.ParseFromString(message.SerializeAsString()));
  return FromProto(read, [&](uint32_t number) { return strings.Find(number); });
}

Packet Again(const Packet& packet) { return RoundTrip<pb::Packet>(packet); }
HookLook Again(const HookLook& look) { return RoundTrip<pb::HookLook>(look); }

PacketHeaders Headers(IpFamily family, uint8_t first) {
  PacketHeaders headers = {.family = family, .has_l4 = true, .has_ports = true, .l4 = 17};
  headers.sport = 0xfffe;
  headers.dport = 0xffff;
  const size_t bytes = family == IpFamily::kIpv4 ? 4 : 16;
  for (size_t i = 0; i < bytes; ++i) {
    headers.src[i] = static_cast<uint8_t>(first + i);
    headers.dst[i] = static_cast<uint8_t>(first + 100 + i);
  }
  return headers;
}

Packet WholePacket() {
  Packet packet;
  packet.has_netns = true;
  packet.netns = {4026532213, UINT64_MAX};
  packet.ifindex = 7;
  packet.ifname = "ve\xffth";
  packet.length_bytes = UINT32_MAX;
  packet.segments = 45;
  packet.ethertype = 0xffff;
  packet.has_vlan = true;
  packet.vlan_id = 4095;
  packet.outer = Headers(IpFamily::kIpv4, 10);
  packet.tunnel = Tunnel::kGeneve;
  packet.inner = Headers(IpFamily::kIpv6, 32);
  return packet;
}

TEST(PacketValues, APacketComesBack) {
  EXPECT_EQ(Again(WholePacket()), WholePacket());
  EXPECT_EQ(Again(Packet()), Packet());
}

TEST(PacketValues, EveryFieldComesBackAlone) {
  const std::vector<std::function<void(Packet*)>> fields = {
      [](Packet* p) { p->has_netns = true; },
      [](Packet* p) { p->has_netns = true, p->netns.inode = 1; },
      [](Packet* p) { p->has_netns = true, p->netns.cookie = 1; },
      [](Packet* p) { p->ifindex = 1; },
      [](Packet* p) { p->ifname = "a"; },
      [](Packet* p) { p->length_bytes = 1; },
      [](Packet* p) { p->segments = 1; },
      [](Packet* p) { p->ethertype = 1; },
      [](Packet* p) { p->has_vlan = true; },  // VLAN 0
      [](Packet* p) { p->has_vlan = true, p->vlan_id = 1; },
      [](Packet* p) { p->outer.family = IpFamily::kIpv4; },  // 0.0.0.0
      [](Packet* p) { p->outer.family = IpFamily::kIpv6; },
      [](Packet* p) { p->outer = Headers(IpFamily::kIpv6, 1); },
      [](Packet* p) { p->outer = {.family = IpFamily::kIpv6, .has_l4 = true}; },  // protocol 0
      [](Packet* p) { p->outer = {.family = IpFamily::kIpv4, .has_l4 = true, .l4 = 255}; },
      [](Packet* p) { p->outer = {.family = IpFamily::kIpv4, .has_ports = true}; },
      [](Packet* p) { p->outer = {.family = IpFamily::kIpv4, .fragment = true}; },
      [](Packet* p) { p->tunnel = Tunnel::kIpIp; },
      [](Packet* p) { p->tunnel = Tunnel::kGre; },
      [](Packet* p) { p->tunnel = Tunnel::kVxlan; },
      [](Packet* p) { p->inner = Headers(IpFamily::kIpv4, 1); },
  };
  for (size_t i = 0; i < fields.size(); ++i) {
    Packet packet;
    fields[i](&packet);
    EXPECT_NE(packet, Packet()) << i;
    EXPECT_EQ(Again(packet), packet) << i;
  }
}

void ExpectSameLook(const HookLook& a, const HookLook& b) {
  EXPECT_EQ(a.has_netns, b.has_netns);
  EXPECT_EQ(a.netns, b.netns);
  EXPECT_EQ(a.ifindex, b.ifindex);
  EXPECT_EQ(a.ifname, b.ifname);
  EXPECT_EQ(a.walk, b.walk);
}

TEST(PacketValues, ALookComesBack) {
  HookLook look;
  look.has_netns = true;
  look.netns = {4026532213, UINT64_MAX};
  look.ifindex = 7;
  look.ifname = "veth1";
  look.walk.hook = HookWalk::Hook::kSocket;
  look.walk.truncated = look.walk.shared_block = look.walk.broken = true;
  look.walk.revision = UINT64_MAX;
  look.walk.cgroup_id = UINT64_MAX - 1;
  look.walk.entries = {
      {.kind = HookWalk::Kind::kTcx, .program_id = UINT32_MAX, .link_id = UINT32_MAX},
      {.kind = HookWalk::Kind::kClsBpf,
       .other_protocol = true,
       .not_direct = true,
       .pref = UINT16_MAX,
       .chain = UINT32_MAX,
       .program_id = 5,
       .handle = UINT32_MAX},
      {.kind = HookWalk::Kind::kClassifier, .pref = 1, .classifier = "flo\xffwer"},
      {},
  };
  ExpectSameLook(Again(look), look);
  ExpectSameLook(Again(HookLook()), HookLook());
}

TEST(PacketValues, EveryHookKindAndFlagComesBackAlone) {
  for (int hook = 0; hook <= static_cast<int>(HookWalk::Hook::kSocket); ++hook) {
    HookLook look;
    look.walk.hook = static_cast<HookWalk::Hook>(hook);
    ExpectSameLook(Again(look), look);
  }
  for (int kind = 0; kind <= static_cast<int>(HookWalk::Kind::kSocketFilter); ++kind) {
    HookLook look;
    look.walk.entries = {{.kind = static_cast<HookWalk::Kind>(kind)}};
    ExpectSameLook(Again(look), look);
  }
  const std::vector<std::function<void(HookLook*)>> flags = {
      [](HookLook* look) { look->has_netns = true; },
      [](HookLook* look) { look->walk.truncated = true; },
      [](HookLook* look) { look->walk.shared_block = true; },
      [](HookLook* look) { look->walk.broken = true; },
      [](HookLook* look) { look->walk.entries = {{.other_protocol = true}}; },
      [](HookLook* look) { look->walk.entries = {{.not_direct = true}}; },
  };
  for (const auto& set : flags) {
    HookLook look;
    set(&look);
    ExpectSameLook(Again(look), look);
  }
}

TEST(PacketValues, ContextsComeBack) {
  for (int context = 0; context <= static_cast<int>(Context::kNmi); ++context) {
    EXPECT_EQ(FromProto(ToProto(static_cast<Context>(context))), static_cast<Context>(context));
  }
}

Packet Read(const pb::Packet& message) {
  return FromProto(message, [](uint32_t) { return absl::string_view(); });
}

TEST(PacketValues, WhatALaterVersionOrAnEnemyWroteIsUnknown) {
  EXPECT_EQ(FromProto(static_cast<pb::Context>(99)), Context::kUnknown);
  EXPECT_EQ(FromProto(static_cast<pb::Context>(-1)), Context::kUnknown);
  pb::Packet message;
  message.set_vlan(4097);
  message.set_tunnel(static_cast<pb::Tunnel>(99));
  message.mutable_outer()->set_src("12345");
  message.mutable_outer()->set_dst("12345");
  message.mutable_inner()->set_src("1234");
  message.mutable_inner()->set_dst(std::string(16, 'x'));
  EXPECT_EQ(Read(message), Packet());
  message.mutable_outer()->set_src("1234");
  message.mutable_outer()->set_dst("1234");
  message.mutable_outer()->set_l4(257);
  EXPECT_FALSE(Read(message).outer.has_l4);
  pb::HookLook look;
  look.set_hook(static_cast<pb::Hook>(99));
  look.add_entries()->set_kind(static_cast<pb::HookEntryKind>(99));
  const HookLook read = FromProto(look, [](uint32_t) { return absl::string_view(); });
  EXPECT_EQ(read.walk.hook, HookWalk::Hook::kNone);
  EXPECT_EQ(read.walk.entries.at(0).kind, HookWalk::Kind::kUnknown);
}

}  // namespace
}  // namespace correlate
