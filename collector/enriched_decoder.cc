#include "collector/enriched_decoder.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "absl/strings/string_view.h"
#include "collector/enriched_record.h"
#include "collector/packet_parser.h"

namespace correlate {
namespace {

constexpr size_t kHeadBytes = offsetof(enriched_event, header);
constexpr size_t kWalkOffset = offsetof(enriched_event, walk);

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

void ReadPacket(const enriched_event& event, Packet* packet) {
  packet->has_netns = event.flags & ENRICHED_NETNS;
  packet->netns = packet->has_netns ? NetnsId{event.netns_inode, event.netns_cookie} : NetnsId();
  packet->ifindex = event.flags & (ENRICHED_DEVICE | ENRICHED_IFINDEX) ? event.ifindex : 0;
  const bool named = event.flags & ENRICHED_DEVICE;
  packet->ifname = named ? std::string(Text(event.ifname)) : std::string();
  packet->length_bytes = event.length;
  packet->segments = event.segments;
  packet->ethertype = event.protocol;
  packet->has_vlan = event.flags & ENRICHED_VLAN_TAG;
  packet->vlan_id = packet->has_vlan ? event.vlan_tci & 0xfff : 0;
  packet->outer = packet->inner = PacketHeaders();
  packet->tunnel = Tunnel::kNone;
  const size_t bytes = std::min<size_t>(event.header_bytes, ENRICHED_HEADER_BYTES);
  ParsePacket({event.header, bytes}, event.flags & ENRICHED_LINK_HEADER, event.protocol, packet);
}

void ReadWalk(const enriched_event& event, size_t entries, HookWalk* walk) {
  walk->hook = EnumOf(event.walk_hook, HookWalk::Hook::kTap);
  walk->truncated = event.walk_flags & WALK_TRUNCATED || event.walk_entries > entries;
  walk->shared_block = event.walk_flags & WALK_SHARED_BLOCK;
  walk->broken = event.walk_flags & WALK_BROKEN;
  walk->counted = event.walk_flags & WALK_COUNTED;
  walk->revision = event.walk_revision;
  walk->cgroup_id = event.cgroup_id;
  walk->exit = {};
  if (event.walk_flags & WALK_EXIT) {
    walk->exit = {event.exit_program_id, event.exit_part_id, event.exit_verdict};
  }
  walk->entries.resize(entries);
  for (size_t i = 0; i < entries; ++i) {
    const walk_entry& from = event.walk[i];
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
}

void EnrichedDecoder::Put(const Slot& slot, uint64_t value) {
  if (slot.size == 0) return;
  std::memcpy(raw_.data() + slot.offset, &value, slot.size);  // little-endian hosts
}

bool EnrichedDecoder::Decode(TracepointSample* sample) {
  if (sample->raw.size() < kHeadBytes) return false;
  // The ring does not align as the struct wants it.
  enriched_event event;
  const size_t bytes = std::min(sample->raw.size(), sizeof event);
  std::memcpy(&event, sample->raw.data(), bytes);
  const size_t entries = std::min<size_t>(event.walk_entries, ENRICHED_MOST_ENTRIES);
  const size_t needed =
      entries > 0 ? kWalkOffset + entries * sizeof(walk_entry) : kHeadBytes + event.header_bytes;
  if (bytes < needed) return false;
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
  enrichment_.context = ContextOf(event.context);
  ReadPacket(event, &enrichment_.packet);
  ReadWalk(event, entries, &enrichment_.walk);
  sample->raw = raw_;
  sample->enrichment = &enrichment_;
  return true;
}

}  // namespace correlate
