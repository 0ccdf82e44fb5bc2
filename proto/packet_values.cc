#include "proto/packet_values.h"

#include <algorithm>
#include <string>

#include "proto/values.h"

namespace correlate {
namespace {

size_t AddressBytes(IpFamily family) { return family == IpFamily::kIpv4 ? 4 : 16; }

void ToProto(const PacketHeaders& headers, pb::PacketHeaders* message) {
  const size_t bytes = AddressBytes(headers.family);
  message->set_src(headers.src.data(), bytes);
  message->set_dst(headers.dst.data(), bytes);
  if (headers.has_l4) message->set_l4(headers.l4 + 1u);
  message->set_has_ports(headers.has_ports);
  message->set_sport(headers.sport);
  message->set_dport(headers.dport);
  message->set_fragment(headers.fragment);
}

PacketHeaders FromProto(const pb::PacketHeaders& message) {
  PacketHeaders headers;
  if (message.src().size() == 4 && message.dst().size() == 4) headers.family = IpFamily::kIpv4;
  if (message.src().size() == 16 && message.dst().size() == 16) headers.family = IpFamily::kIpv6;
  if (headers.family == IpFamily::kNone) return headers;
  std::copy(message.src().begin(), message.src().end(), headers.src.begin());
  std::copy(message.dst().begin(), message.dst().end(), headers.dst.begin());
  headers.has_l4 = message.l4() > 0 && message.l4() <= 256;
  headers.l4 = headers.has_l4 ? static_cast<uint8_t>(message.l4() - 1) : 0;
  headers.has_ports = message.has_ports();
  headers.sport = static_cast<uint16_t>(message.sport());
  headers.dport = static_cast<uint16_t>(message.dport());
  headers.fragment = message.fragment();
  return headers;
}

// The values of both sides' enumerations are the same; one of a later version is unknown to this
// one.
template <typename Enum>
Enum EnumFrom(int value, Enum last) {
  return value >= 0 && value <= static_cast<int>(last) ? static_cast<Enum>(value) : Enum{};
}

}  // namespace

pb::Link ToProto(CapturedPacket::Link link) { return static_cast<pb::Link>(link); }
CapturedPacket::Link FromProto(pb::Link link) { return EnumFrom(link, CapturedPacket::Link::kIp); }
pb::Context ToProto(Context context) { return static_cast<pb::Context>(context); }
Context FromProto(pb::Context context) { return EnumFrom(context, Context::kNmi); }

void ToProto(const Packet& packet, NumberString number, pb::Packet* message) {
  if (packet.has_netns) ToProto(packet.netns, message->mutable_netns());
  message->set_ifindex(packet.ifindex);
  message->set_ifname(number(packet.ifname));
  message->set_length(packet.length_bytes);
  message->set_segments(packet.segments);
  message->set_ethertype(packet.ethertype);
  if (packet.has_vlan) message->set_vlan(packet.vlan_id + 1u);
  if (packet.outer.family != IpFamily::kNone) ToProto(packet.outer, message->mutable_outer());
  message->set_tunnel(static_cast<pb::Tunnel>(packet.tunnel));
  if (packet.inner.family != IpFamily::kNone) ToProto(packet.inner, message->mutable_inner());
}

Packet FromProto(const pb::Packet& message, FindString find) {
  Packet packet;
  packet.has_netns = message.has_netns();
  if (packet.has_netns) packet.netns = FromProto(message.netns());
  packet.ifindex = message.ifindex();
  packet.ifname = std::string(find(message.ifname()));
  packet.length_bytes = message.length();
  packet.segments = message.segments();
  packet.ethertype = static_cast<uint16_t>(message.ethertype());
  packet.has_vlan = message.vlan() > 0 && message.vlan() <= 4096;
  packet.vlan_id = packet.has_vlan ? static_cast<uint16_t>(message.vlan() - 1) : 0;
  if (message.has_outer()) packet.outer = FromProto(message.outer());
  packet.tunnel = EnumFrom(message.tunnel(), Tunnel::kGeneve);
  if (message.has_inner()) packet.inner = FromProto(message.inner());
  return packet;
}

void ToProto(const HookLook& look, NumberString number, pb::HookLook* message) {
  if (look.has_netns) ToProto(look.netns, message->mutable_netns());
  message->set_ifindex(look.ifindex);
  message->set_ifname(number(look.ifname));
  message->set_hook(static_cast<pb::Hook>(look.walk.hook));
  message->set_truncated(look.walk.truncated);
  message->set_shared_block(look.walk.shared_block);
  message->set_broken(look.walk.broken);
  message->set_revision(look.walk.revision);
  message->set_cgroup_id(look.walk.cgroup_id);
  message->set_counted(look.walk.counted);
  if (look.walk.exit.program_id != 0) {
    message->mutable_exit()->set_program_id(look.walk.exit.program_id);
    message->mutable_exit()->set_part_id(look.walk.exit.part_id);
    message->mutable_exit()->set_verdict(look.walk.exit.verdict);
  }
  for (const HookWalk::Entry& entry : look.walk.entries) {
    pb::HookEntry* written = message->add_entries();
    written->set_kind(static_cast<pb::HookEntryKind>(entry.kind));
    written->set_other_protocol(entry.other_protocol);
    written->set_not_direct(entry.not_direct);
    written->set_pref(entry.pref);
    written->set_chain(entry.chain);
    written->set_program_id(entry.program_id);
    written->set_handle(entry.handle);
    written->set_link_id(entry.link_id);
    written->set_classifier(number(entry.classifier));
    written->set_runs(entry.runs);
  }
}

HookLook FromProto(const pb::HookLook& message, FindString find) {
  HookLook look;
  look.has_netns = message.has_netns();
  if (look.has_netns) look.netns = FromProto(message.netns());
  look.ifindex = message.ifindex();
  look.ifname = std::string(find(message.ifname()));
  look.walk.hook = EnumFrom(message.hook(), HookWalk::Hook::kTap);
  look.walk.truncated = message.truncated();
  look.walk.shared_block = message.shared_block();
  look.walk.broken = message.broken();
  look.walk.revision = message.revision();
  look.walk.cgroup_id = message.cgroup_id();
  look.walk.counted = message.counted();
  look.walk.exit = {message.exit().program_id(), message.exit().part_id(),
                    message.exit().verdict()};
  for (const pb::HookEntry& read : message.entries()) {
    HookWalk::Entry& entry = look.walk.entries.emplace_back();
    entry.kind = EnumFrom(read.kind(), HookWalk::Kind::kTap);
    entry.other_protocol = read.other_protocol();
    entry.not_direct = read.not_direct();
    entry.pref = static_cast<uint16_t>(read.pref());
    entry.chain = read.chain();
    entry.program_id = read.program_id();
    entry.handle = read.handle();
    entry.link_id = read.link_id();
    entry.classifier = std::string(find(read.classifier()));
    entry.runs = static_cast<uint8_t>(read.runs());
  }
  return look;
}

}  // namespace correlate
