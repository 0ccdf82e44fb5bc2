#include "collector/enriched_decoder.h"

#include <linux/if_ether.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <string>

#include "absl/strings/string_view.h"
#include "collector/enriched_record.h"
#include "collector/packet_parser.h"

namespace correlate {
namespace {

constexpr size_t kHeadBytes = offsetof(enriched_event, header);
constexpr size_t kCommonOffset = offsetof(enriched_event, location);
constexpr size_t kCommonBytes = kHeadBytes - kCommonOffset;
constexpr size_t kCommonSlotsBits = 12;
constexpr size_t kWalkOffset = offsetof(enriched_event, walk);
constexpr size_t kPacketOffset = offsetof(enriched_event, packet);
constexpr size_t kPacketBytesOffset = offsetof(captured_packet, bytes);

template <size_t N>
absl::string_view Text(const char (&text)[N]) {
  return {text, static_cast<size_t>(std::find(text, text + N, '\0') - text)};
}

Context ContextOf(uint8_t context) {
  constexpr Context kContexts[] = {Context::kUnknown, Context::kTask, Context::kSoftirq,
                                   Context::kHardirq, Context::kNmi};
  return context < std::size(kContexts) ? kContexts[context] : Context::kUnknown;
}

template <typename Enum>
Enum EnumOf(uint8_t value, Enum last) {
  return value <= static_cast<uint8_t>(last) ? static_cast<Enum>(value) : Enum{};
}

// Where the packet was.
void ReadPlace(const enriched_event& event, Packet* packet) {
  packet->has_netns = event.flags & ENRICHED_NETNS;
  packet->netns = packet->has_netns ? NetnsId{event.netns_inode, event.netns_cookie} : NetnsId();
  packet->ifindex = event.flags & (ENRICHED_DEVICE | ENRICHED_IFINDEX) ? event.ifindex : 0;
  const bool named = event.flags & ENRICHED_DEVICE;
  packet->ifname = named ? std::string(Text(event.ifname)) : std::string();
}

void ReadPacket(const enriched_event& event, absl::Span<const uint8_t> header, Packet* packet) {
  packet->length_bytes = event.length;
  packet->segments = event.segments;
  packet->ethertype = event.protocol;
  packet->has_vlan = event.flags & ENRICHED_VLAN_TAG;
  packet->vlan_id = packet->has_vlan ? event.vlan_tci & 0xfff : 0;
  packet->outer = packet->inner = PacketHeaders();
  packet->tunnel = Tunnel::kNone;
  ParsePacket(header, event.flags & ENRICHED_LINK_HEADER, event.protocol, packet);
}

// `record`: from a captured_packet on. No packet is longer than an int says (skb->len is one, and
// the kernel adds to it), so that a tag still has room.
bool IsWhole(absl::Span<const uint8_t> record) {
  if (record.size() < kPacketBytesOffset) return false;
  captured_packet head;
  std::memcpy(static_cast<void*>(&head), record.data(), kPacketBytesOffset);
  return record.size() - kPacketBytesOffset >= head.captured_bytes &&
         head.captured_bytes <= head.wire_bytes && head.wire_bytes <= INT32_MAX;
}

void ReadWalk(const enriched_event& event, absl::Span<const walk_entry> entries, HookWalk* walk) {
  walk->hook = EnumOf(event.walk_hook, HookWalk::Hook::kTap);
  walk->truncated = event.walk_flags & WALK_TRUNCATED || event.walk_entries > entries.size();
  walk->shared_block = event.walk_flags & WALK_SHARED_BLOCK;
  walk->broken = event.walk_flags & WALK_BROKEN;
  walk->counted = event.walk_flags & WALK_COUNTED;
  walk->revision = event.walk_revision;
  walk->cgroup_id = event.cgroup_id;
  walk->exit = {};
  if (event.walk_flags & WALK_EXIT) {
    walk->exit = {event.exit_program_id, event.exit_part_id, event.exit_verdict};
  }
  walk->entries.resize(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    const walk_entry& from = entries[i];
    HookWalk::Entry& entry = walk->entries[i];
    entry.kind = EnumOf(from.kind, HookWalk::Kind::kTap);
    entry.other_protocol = from.flags & ENTRY_OTHER_PROTOCOL;
    entry.not_direct = from.flags & ENTRY_NOT_DIRECT;
    entry.pref = from.pref;
    entry.chain = from.chain;
    entry.program_id = from.program_id;
    entry.handle = from.handle;
    entry.link_id = from.link_id;
    entry.runs = from.runs;
    entry.classifier = std::string(Text(from.classifier));
  }
}

}  // namespace

struct EnrichedDecoder::Common {
  uint8_t bytes[kCommonBytes];  // as in the record
  std::vector<walk_entry> walk;
  Enrichment enrichment;  // its packet is the last event's
};

EnrichedDecoder::EnrichedDecoder(EnrichedDecoder&&) noexcept = default;
EnrichedDecoder& EnrichedDecoder::operator=(EnrichedDecoder&&) noexcept = default;
EnrichedDecoder::~EnrichedDecoder() = default;

EnrichedDecoder::Common& EnrichedDecoder::CommonOf(const enriched_event& event,
                                                   absl::Span<const uint8_t> walk) {
  uint64_t hash = event.location ^ event.netns_cookie << 32 ^ event.walk_revision << 16;
  hash ^= uint64_t{event.ifindex} << 20 ^ event.reason ^ uint64_t { event.program_id } << 8;
  hash = (hash ^ hash >> 29) * 0x9e3779b97f4a7c15;
  std::unique_ptr<Common>& slot = common_[hash >> (64 - kCommonSlotsBits)];
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(&event) + kCommonOffset;
  if (slot != nullptr && slot->walk.size() * sizeof(walk_entry) == walk.size() &&
      std::memcmp(slot->bytes, bytes, kCommonBytes) == 0 &&
      (walk.empty() || std::memcmp(slot->walk.data(), walk.data(), walk.size()) == 0)) {
    return *slot;
  }
  if (slot == nullptr) slot = std::make_unique<Common>();
  std::memcpy(slot->bytes, bytes, kCommonBytes);
  slot->walk.resize(walk.size() / sizeof(walk_entry));
  if (!walk.empty()) std::memcpy(slot->walk.data(), walk.data(), walk.size());
  ReadPlace(event, &slot->enrichment.packet);
  ReadWalk(event, slot->walk, &slot->enrichment.walk);
  slot->enrichment.place_id = ++last_place_id_;
  return *slot;
}

EnrichedDecoder::Slot EnrichedDecoder::Find(const EventFormat& format, const char* name) {
  for (const FormatField& field : format.fields) {
    if (field.name == name && field.size <= sizeof(uint64_t)) return {field.offset, field.size};
  }
  return {};
}

EnrichedDecoder::EnrichedDecoder(const EventFormat& format)
    : skb_(Find(format, "skbaddr")),
      location_(Find(format, "location")),
      rx_sk_(Find(format, "rx_sk")),
      protocol_(Find(format, "protocol")),
      reason_(Find(format, "reason")),
      program_id_(Find(format, "prog_id")),
      act_(Find(format, "act")),
      ifindex_(Find(format, "ifindex")),
      common_pid_(Find(format, "common_pid")) {
  size_t bytes = 0;
  for (const FormatField& field : format.fields) {
    bytes = std::max<size_t>(bytes, size_t{field.offset} + field.size);
  }
  raw_.resize(bytes);
  common_.resize(size_t{1} << kCommonSlotsBits);
  // Those of one recording's decoders differ.
  last_place_id_ = (uint64_t{format.id} + 1) << 40;
}

void EnrichedDecoder::Put(const Slot& slot, uint64_t value) {
  uint8_t* to = raw_.data() + slot.offset;
  // The usual sizes apart: each is a single store then. Little-endian hosts.
  switch (slot.size) {
    case 0:  // this host has no such field
      return;
    case sizeof(uint64_t):
      std::memcpy(to, &value, sizeof(uint64_t));
      return;
    case sizeof(uint32_t):
      std::memcpy(to, &value, sizeof(uint32_t));
      return;
    case sizeof(uint16_t):
      std::memcpy(to, &value, sizeof(uint16_t));
      return;
    default:
      std::memcpy(to, &value, slot.size);
  }
}

// The tag goes where it is on the wire, behind the addresses (IEEE 802.1Q, 9.3).
CapturedPacket EnrichedDecoder::CapturedBy(absl::Span<const uint8_t> record) {
  captured_packet head;
  std::memcpy(static_cast<void*>(&head), record.data(), kPacketBytesOffset);
  CapturedPacket captured = {.link = EnumOf(head.link, CapturedPacket::Link::kIp),
                             .wire_bytes = head.wire_bytes,
                             .bytes = record.subspan(kPacketBytesOffset, head.captured_bytes)};
  constexpr size_t kAddresses = 2 * ETH_ALEN;
  if (head.vlan_protocol == 0 || captured.link != CapturedPacket::Link::kEthernet ||
      captured.bytes.size() < kAddresses) {
    return captured;
  }
  const uint8_t tag[] = {
      static_cast<uint8_t>(head.vlan_protocol >> 8), static_cast<uint8_t>(head.vlan_protocol),
      static_cast<uint8_t>(head.vlan_tci >> 8), static_cast<uint8_t>(head.vlan_tci)};
  tagged_.assign(captured.bytes.begin(), captured.bytes.end());
  tagged_.insert(tagged_.begin() + kAddresses, std::begin(tag), std::end(tag));
  captured.bytes = tagged_;
  captured.wire_bytes += sizeof tag;
  return captured;
}

bool EnrichedDecoder::Decode(TracepointSample* sample) {
  if (sample->raw.size() < kHeadBytes) return false;
  // The ring does not align as the struct wants it. Headers and walk stay where they are.
  enriched_event event;
  std::memcpy(static_cast<void*>(&event), sample->raw.data(), kHeadBytes);
  const size_t entries = std::min<size_t>(event.walk_entries, ENRICHED_MOST_ENTRIES);
  const size_t header_bytes = std::min<size_t>(event.header_bytes, ENRICHED_HEADER_BYTES);
  const bool has_packet = event.flags & ENRICHED_CAPTURED;
  const absl::Span<const uint8_t> packet = has_packet && sample->raw.size() > kPacketOffset
                                               ? sample->raw.subspan(kPacketOffset)
                                               : absl::Span<const uint8_t>();
  if (has_packet && !IsWhole(packet)) return false;
  const size_t needed =
      entries > 0 ? kWalkOffset + entries * sizeof(walk_entry) : kHeadBytes + header_bytes;
  if (sample->raw.size() < needed) return false;
  const absl::Span<const uint8_t> header = sample->raw.subspan(kHeadBytes, header_bytes);
  const absl::Span<const uint8_t> walk =
      entries > 0 ? sample->raw.subspan(kWalkOffset, entries * sizeof(walk_entry))
                  : absl::Span<const uint8_t>();
  std::fill(raw_.begin(), raw_.end(), 0);
  Put(skb_, event.skb);
  Put(location_, event.location);
  Put(rx_sk_, event.rx_sk);
  Put(protocol_, event.protocol);
  Put(reason_, event.reason);
  Put(program_id_, event.program_id);
  Put(act_, event.act);
  Put(ifindex_, event.ifindex);
  Put(common_pid_, static_cast<uint32_t>(sample->tid));
  Enrichment& enrichment = CommonOf(event, walk).enrichment;
  enrichment.context = ContextOf(event.context);
  ReadPacket(event, header, &enrichment.packet);
  enrichment.captured = has_packet ? CapturedBy(packet) : CapturedPacket();
  sample->raw = raw_;
  sample->enrichment = &enrichment;
  return true;
}

}  // namespace correlate
