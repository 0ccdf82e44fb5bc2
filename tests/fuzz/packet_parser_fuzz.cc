// Any bytes as the beginning of a packet: one byte of flags, the ethertype, the packet.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "collector/packet_layers.h"
#include "collector/packet_parser.h"
#include "tests/fuzz/planted_bug.h"

namespace {

using correlate::IpFamily;
using correlate::Packet;
using correlate::PacketHeaders;
using correlate::Tunnel;

void Require(bool holds) {
  if (!holds) __builtin_trap();
}

void CheckHeaders(const PacketHeaders& headers) {
  if (headers.family == IpFamily::kNone) Require(headers == PacketHeaders());
  if (headers.has_ports) Require(headers.has_l4 && !headers.fragment);
  if (!headers.has_ports) Require(headers.sport == 0 && headers.dport == 0);
  if (!headers.has_l4) Require(headers.l4 == 0);
}

// Whatever a cut packet says, the whole one says too.
void CheckPart(const PacketHeaders& cut, const PacketHeaders& whole) {
  if (cut.family == IpFamily::kNone) return;
  Require(cut.family == whole.family && cut.src == whole.src && cut.dst == whole.dst);
  if (cut.has_l4) Require(whole.has_l4 && cut.l4 == whole.l4 && cut.fragment == whole.fragment);
  if (cut.has_ports) {
    Require(whole.has_ports && cut.sport == whole.sport && cut.dport == whole.dport);
  }
}

// What the filters in the kernel see is what the parser sees.
void CheckLayer(const packet_layer& layer, const PacketHeaders& headers) {
  const int family = headers.family == IpFamily::kIpv4 ? 4 : 6;
  Require(layer.family == (headers.family == IpFamily::kNone ? 0 : family));
  Require(layer.has_l4 == headers.has_l4 && layer.l4 == headers.l4);
  Require(layer.has_ports == headers.has_ports && layer.sport == headers.sport &&
          layer.dport == headers.dport);
  Require(std::memcmp(layer.src, headers.src.data(), 16) == 0);
  Require(std::memcmp(layer.dst, headers.dst.data(), 16) == 0);
}

void CheckLayers(absl::Span<const uint8_t> bytes, bool link_header, uint16_t ethertype) {
  uint8_t header[ENRICHED_HEADER_BYTES] = {};
  bytes = bytes.subspan(0, std::min(bytes.size(), sizeof header));
  std::copy(bytes.begin(), bytes.end(), header);
  packet_cursor cursor;
  packet_begin(&cursor, static_cast<uint32_t>(bytes.size()), link_header, ethertype);
  int steps = 0;
  while (packet_step(&cursor, header)) Require(++steps < PACKET_STEPS);
  Packet packet;
  correlate::ParsePacket(bytes, link_header, ethertype, &packet);
  CheckLayer(cursor.layers[0], packet.outer);
  CheckLayer(cursor.layers[1], packet.inner);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const bool link_header = data[0] & 1;
  const auto ethertype = static_cast<uint16_t>(data[1] << 8 | data[2]);
  Packet before;
  before.has_vlan = data[0] & 2;
  before.vlan_id = before.has_vlan ? 77 : 0;
  const absl::Span<const uint8_t> bytes(data + 3, size - 3);

  Packet whole = before;
  correlate::ParsePacket(bytes, link_header, ethertype, &whole);
  CheckLayers(bytes, link_header, ethertype);
  CheckHeaders(whole.outer);
  CheckHeaders(whole.inner);
  Require((whole.tunnel == Tunnel::kNone) == (whole.inner.family == IpFamily::kNone));
  if (before.has_vlan) Require(whole.has_vlan && whole.vlan_id == 77);
  Require(whole.vlan_id < 4096);
  correlate::PlantedBug(whole.has_vlan && whole.inner.family == IpFamily::kIpv6 &&
                        whole.inner.has_ports);

  Packet cut = before;
  correlate::ParsePacket(bytes.subspan(0, bytes.size() * (data[0] >> 2) / 64), link_header,
                         ethertype, &cut);
  CheckPart(cut.outer, whole.outer);
  CheckPart(cut.inner, whole.inner);
  Require(cut.tunnel == Tunnel::kNone || cut.tunnel == whole.tunnel);
  return 0;
}
