#include "collector/enriched_decoder.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "collector/enriched_record.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

using Bytes = std::vector<uint8_t>;

FormatField Field(const std::string& name, uint32_t offset, uint32_t size) {
  return {.name = name, .type = "int", .offset = offset, .size = size};
}

std::vector<FormatField> CommonFields() {
  return {Field("common_type", 0, 2), Field("common_flags", 2, 1),
          Field("common_preempt_count", 3, 1), Field("common_pid", 4, 4)};
}

EventFormat Format(std::vector<FormatField> fields) {
  EventFormat format;
  format.fields = CommonFields();
  format.fields.insert(format.fields.end(), fields.begin(), fields.end());
  return format;
}

// events/skb/kfree_skb/format and events/xdp/xdp_exception/format of Linux 6.18.
EventFormat DropFormat() {
  return Format({Field("skbaddr", 8, 8), Field("location", 16, 8), Field("rx_sk", 24, 8),
                 Field("protocol", 32, 2), Field("reason", 36, 4)});
}
EventFormat ExceptionFormat() {
  return Format({Field("prog_id", 8, 4), Field("act", 12, 4), Field("ifindex", 16, 4)});
}
// Of Linux 5.10.
EventFormat OldDropFormat() {
  return Format({Field("skbaddr", 8, 8), Field("location", 16, 8), Field("protocol", 24, 2)});
}

enriched_event Drop() {
  enriched_event event;
  std::memset(&event, 0, sizeof event);
  event.skb = 0xffff888100001122;
  event.location = 0xffffffff81e64b01;
  event.rx_sk = 0xffff888100003344;
  event.reason = 81;
  event.ifindex = 7;
  event.netns_cookie = 4117;
  event.netns_inode = 4026532213;
  event.length = 99;
  event.segments = 3;
  event.protocol = 0x0800;
  event.vlan_tci = 0xe00a;
  event.context = ENRICHED_SOFTIRQ;
  std::memcpy(event.ifname, "veth1", 6);
  return event;
}

void PutUdp(enriched_event* event) {
  const uint8_t packet[] = {0x45, 0, 0,  28, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0,
                            0,    1, 10, 0,  0, 2, 0, 5, 0,  6,  0, 8, 0,  0};
  std::memcpy(event->header, packet, sizeof packet);
  event->header_bytes = sizeof packet;
}

// As the BPF program sends it: without what is not used.
Bytes RecordOf(const enriched_event& event) {
  const size_t bytes =
      event.walk_entries > 0
          ? offsetof(enriched_event, walk) +
                std::min<size_t>(event.walk_entries, ENRICHED_MOST_ENTRIES) * sizeof(walk_entry)
          : offsetof(enriched_event, header) + event.header_bytes;
  Bytes record(bytes);
  std::memcpy(record.data(), &event, bytes);
  return record;
}

class EnrichedDecoderTest : public ::testing::Test {
 protected:
  bool Decode(Bytes record) {
    record_ = std::move(record);
    sample_ = TracepointSample();
    sample_.tid = 4579;
    sample_.raw = record_;
    return decoder_.Decode(&sample_);
  }
  const Packet& Read(const enriched_event& event) {
    EXPECT_TRUE(Decode(RecordOf(event)));
    return sample_.enrichment->packet;
  }
  const HookWalk& Walk(const enriched_event& event) {
    EXPECT_TRUE(Decode(RecordOf(event)));
    return sample_.enrichment->walk;
  }

  EnrichedDecoder decoder_{DropFormat()};
  Bytes record_;
  TracepointSample sample_;
};

template <typename Integer>
Integer At(absl::Span<const uint8_t> raw, size_t offset) {
  Integer value = 0;
  EXPECT_LE(offset + sizeof value, raw.size());
  if (offset + sizeof value <= raw.size()) std::memcpy(&value, raw.data() + offset, sizeof value);
  return value;
}

TEST_F(EnrichedDecoderTest, ADropsFieldsAreWhereTheFormatHasThem) {
  ASSERT_TRUE(Decode(RecordOf(Drop())));
  EXPECT_EQ(sample_.raw.size(), 40u);
  EXPECT_EQ(At<uint32_t>(sample_.raw, 4), 4579u);
  EXPECT_EQ(At<uint64_t>(sample_.raw, 8), 0xffff888100001122);
  EXPECT_EQ(At<uint64_t>(sample_.raw, 16), 0xffffffff81e64b01);
  EXPECT_EQ(At<uint64_t>(sample_.raw, 24), 0xffff888100003344);
  EXPECT_EQ(At<uint16_t>(sample_.raw, 32), 0x0800);
  EXPECT_EQ(At<uint16_t>(sample_.raw, 34), 0);
  EXPECT_EQ(At<uint32_t>(sample_.raw, 36), 81u);
  EXPECT_EQ(At<uint32_t>(sample_.raw, 0), 0u);
}

TEST_F(EnrichedDecoderTest, EqualPlacesAndWalksHaveOneNumber) {
  enriched_event event = Drop();
  event.walk_hook = WALK_TC_INGRESS;
  event.walk_entries = 1;
  event.walk[0] = {.kind = ENTRY_CLS_BPF, .program_id = 7};
  const auto number = [&] {
    EXPECT_TRUE(Decode(RecordOf(event)));
    return sample_.enrichment->place_id;
  };
  const uint64_t first = number();
  EXPECT_NE(first, 0u);
  event.length = 77;
  event.skb += 256;
  EXPECT_EQ(number(), first);
  EXPECT_EQ(sample_.enrichment->packet.length_bytes, 77u);
  event.walk[0].program_id = 8;
  const uint64_t second = number();
  EXPECT_NE(second, first);
  EXPECT_EQ(sample_.enrichment->walk.entries[0].program_id, 8u);
  event.walk_entries = 0;
  event.header_bytes = 0;
  EXPECT_NE(number(), second);
  EXPECT_TRUE(sample_.enrichment->walk.entries.empty());
  event.flags |= ENRICHED_DEVICE;
  std::memcpy(event.ifname, "veth2", 6);
  number();
  EXPECT_EQ(sample_.enrichment->packet.ifname, "veth2");
}

TEST_F(EnrichedDecoderTest, NothingOfAPacketIsLeftForTheNextOne) {
  enriched_event event = Drop();
  event.flags |= ENRICHED_VLAN_TAG;
  event.vlan_tci = 5;
  PutUdp(&event);
  EXPECT_EQ(Read(event).outer.family, IpFamily::kIpv4);
  event.header_bytes = 0;
  EXPECT_EQ(Read(event).outer.family, IpFamily::kNone);
  event.flags &= ~ENRICHED_VLAN_TAG;
  EXPECT_FALSE(Read(event).has_vlan);
}

TEST_F(EnrichedDecoderTest, AFormatWithoutReasonAndSocket) {
  decoder_ = EnrichedDecoder(OldDropFormat());
  ASSERT_TRUE(Decode(RecordOf(Drop())));
  EXPECT_EQ(sample_.raw.size(), 26u);
  EXPECT_EQ(At<uint64_t>(sample_.raw, 8), 0xffff888100001122);
  EXPECT_EQ(At<uint64_t>(sample_.raw, 16), 0xffffffff81e64b01);
  EXPECT_EQ(At<uint16_t>(sample_.raw, 24), 0x0800);
}

TEST_F(EnrichedDecoderTest, AnExceptionsFields) {
  decoder_ = EnrichedDecoder(ExceptionFormat());
  enriched_event event;
  std::memset(&event, 0, sizeof event);
  event.act = 42;
  event.program_id = 231;
  event.ifindex = 4;
  event.flags = ENRICHED_DEVICE | ENRICHED_NETNS;
  ASSERT_TRUE(Decode(RecordOf(event)));
  EXPECT_EQ(sample_.raw.size(), 20u);
  EXPECT_EQ(At<uint32_t>(sample_.raw, 8), 231u);
  EXPECT_EQ(At<uint32_t>(sample_.raw, 12), 42u);
  EXPECT_EQ(At<uint32_t>(sample_.raw, 16), 4u);
  EXPECT_EQ(sample_.enrichment->packet.length_bytes, 0u);
  EXPECT_EQ(sample_.enrichment->packet.outer, PacketHeaders());
}

TEST_F(EnrichedDecoderTest, WhatNoFlagVouchesForIsUnknown) {
  const Packet& packet = Read(Drop());
  EXPECT_FALSE(packet.has_netns);
  EXPECT_EQ(packet.netns, NetnsId());
  EXPECT_EQ(packet.ifindex, 0u);
  EXPECT_EQ(packet.ifname, "");
  EXPECT_FALSE(packet.has_vlan);
  EXPECT_EQ(packet.vlan_id, 0);
  EXPECT_EQ(packet.length_bytes, 99u);
  EXPECT_EQ(packet.segments, 3u);
  EXPECT_EQ(packet.ethertype, 0x0800);
}

TEST_F(EnrichedDecoderTest, EachFlag) {
  enriched_event event = Drop();
  event.flags = ENRICHED_NETNS;
  EXPECT_EQ(Read(event).netns, (NetnsId{4026532213, 4117}));
  EXPECT_EQ(Read(event).ifindex, 0u);

  event.flags = ENRICHED_NETNS | ENRICHED_DEVICE;
  EXPECT_EQ(Read(event).ifindex, 7u);
  EXPECT_EQ(Read(event).ifname, "veth1");

  event.flags = ENRICHED_NETNS | ENRICHED_IFINDEX;
  EXPECT_EQ(Read(event).ifindex, 7u);
  EXPECT_EQ(Read(event).ifname, "");

  event.flags = ENRICHED_VLAN_TAG;
  EXPECT_TRUE(Read(event).has_vlan);
  EXPECT_EQ(Read(event).vlan_id, 10);

  PutUdp(&event);
  event.flags = 0;
  EXPECT_EQ(Read(event).outer.dport, 6);
  // The same bytes are no Ethernet frame.
  event.flags = ENRICHED_LINK_HEADER;
  EXPECT_EQ(Read(event).outer, PacketHeaders());
}

TEST_F(EnrichedDecoderTest, Contexts) {
  enriched_event event = Drop();
  const std::vector<Context> expected = {Context::kUnknown, Context::kTask, Context::kSoftirq,
                                         Context::kHardirq, Context::kNmi,  Context::kUnknown};
  for (size_t context = 0; context < expected.size(); ++context) {
    event.context = static_cast<uint8_t>(context);
    ASSERT_TRUE(Decode(RecordOf(event)));
    EXPECT_EQ(sample_.enrichment->context, expected[context]) << context;
  }
}

TEST_F(EnrichedDecoderTest, NothingOfThePacketBeforeRemains) {
  enriched_event event = Drop();
  event.flags = ENRICHED_NETNS | ENRICHED_DEVICE | ENRICHED_VLAN_TAG;
  PutUdp(&event);
  event.walk_hook = WALK_TC_INGRESS;
  event.walk_flags = WALK_SHARED_BLOCK;
  event.walk_entries = 1;
  ASSERT_TRUE(Decode(RecordOf(event)));
  EXPECT_EQ(sample_.enrichment->packet.outer.sport, 5);

  std::memset(&event, 0, sizeof event);
  EXPECT_EQ(Read(event), Packet());
  EXPECT_EQ(sample_.enrichment->walk, HookWalk());
  EXPECT_EQ(At<uint64_t>(sample_.raw, 8), 0u);
}

TEST_F(EnrichedDecoderTest, AWalk) {
  enriched_event event = Drop();
  PutUdp(&event);
  event.walk_hook = WALK_TC_INGRESS;
  event.walk_revision = 17;
  event.cgroup_id = 99;
  event.walk_entries = 3;
  event.walk[0] = {.kind = ENTRY_TCX, .program_id = 100, .link_id = 57};
  event.walk[1] = {.kind = ENTRY_CLS_BPF,
                   .flags = ENTRY_OTHER_PROTOCOL | ENTRY_NOT_DIRECT,
                   .pref = 49152,
                   .chain = 3,
                   .program_id = 101,
                   .handle = 0x80000001};
  event.walk[2] = {.kind = ENTRY_CLASSIFIER, .pref = 10};
  std::memcpy(event.walk[2].classifier, "flower", 6);
  HookWalk expected;
  expected.hook = HookWalk::Hook::kTcIngress;
  expected.revision = 17;
  expected.cgroup_id = 99;
  expected.entries = {
      {.kind = HookWalk::Kind::kTcx, .program_id = 100, .link_id = 57},
      {.kind = HookWalk::Kind::kClsBpf,
       .other_protocol = true,
       .not_direct = true,
       .pref = 49152,
       .chain = 3,
       .program_id = 101,
       .handle = 0x80000001},
      {.kind = HookWalk::Kind::kClassifier, .pref = 10, .classifier = "flower"},
  };
  EXPECT_EQ(Walk(event), expected);
  EXPECT_EQ(sample_.enrichment->packet.outer.dport, 6);
}

TEST_F(EnrichedDecoderTest, WalkFlagsHooksAndKinds) {
  enriched_event event = Drop();
  event.walk_flags = WALK_TRUNCATED;
  EXPECT_TRUE(Walk(event).truncated && !Walk(event).shared_block && !Walk(event).broken);
  event.walk_flags = WALK_SHARED_BLOCK;
  EXPECT_TRUE(!Walk(event).truncated && Walk(event).shared_block && !Walk(event).broken);
  event.walk_flags = WALK_BROKEN;
  EXPECT_TRUE(!Walk(event).truncated && !Walk(event).shared_block && Walk(event).broken);
  event.exit_program_id = 9;
  event.exit_part_id = 10;
  event.exit_verdict = -1;
  EXPECT_EQ(Walk(event).exit, HookWalk::Exit()) << "without the flag";
  event.walk_flags = WALK_EXIT;
  EXPECT_EQ(Walk(event).exit, (HookWalk::Exit{9, 10, -1}));

  using Hook = HookWalk::Hook;
  const std::vector<Hook> hooks = {Hook::kNone,      Hook::kTcIngress,  Hook::kTcEgress,
                                   Hook::kXdpNative, Hook::kXdpGeneric, Hook::kCgroupEgress,
                                   Hook::kSocket,    Hook::kNetkit,     Hook::kNetfilter,
                                   Hook::kTap,       Hook::kNone};
  for (size_t hook = 0; hook < hooks.size(); ++hook) {
    event.walk_hook = static_cast<uint8_t>(hook);
    EXPECT_EQ(Walk(event).hook, hooks[hook]) << hook;
  }
  using Kind = HookWalk::Kind;
  const std::vector<Kind> kinds = {
      Kind::kUnknown, Kind::kTcx,          Kind::kClsBpf, Kind::kClassifier, Kind::kXdp,
      Kind::kCgroup,  Kind::kSocketFilter, Kind::kNetkit, Kind::kTap,        Kind::kUnknown};
  event.walk_entries = 1;
  for (size_t kind = 0; kind < kinds.size(); ++kind) {
    event.walk[0].kind = static_cast<uint8_t>(kind);
    EXPECT_EQ(Walk(event).entries.at(0).kind, kinds[kind]) << kind;
  }
}

TEST_F(EnrichedDecoderTest, MoreEntriesThanARecordHoldsAreNotAWholeList) {
  enriched_event event = Drop();
  event.walk_hook = WALK_TC_INGRESS;
  event.walk_entries = 200;
  for (uint32_t i = 0; i < ENRICHED_MOST_ENTRIES; ++i) event.walk[i].program_id = i + 1;
  const HookWalk& walk = Walk(event);
  ASSERT_EQ(walk.entries.size(), size_t{ENRICHED_MOST_ENTRIES});
  EXPECT_EQ(walk.entries.back().program_id, uint32_t{ENRICHED_MOST_ENTRIES});
  EXPECT_TRUE(walk.truncated);
}

TEST_F(EnrichedDecoderTest, TextWithoutItsEndStopsAtItsSize) {
  enriched_event event = Drop();
  event.flags = ENRICHED_DEVICE;
  std::memset(event.ifname, '\xff', sizeof event.ifname);
  event.walk_entries = 1;
  std::memset(event.walk[0].classifier, 'c', sizeof event.walk[0].classifier);
  EXPECT_EQ(Read(event).ifname, std::string(16, '\xff'));
  EXPECT_EQ(sample_.enrichment->walk.entries.at(0).classifier,
            std::string(ENRICHED_CLASSIFIER_BYTES, 'c'));
}

TEST_F(EnrichedDecoderTest, CutRecordsAreRefused) {
  enriched_event event = Drop();
  PutUdp(&event);
  const Bytes plain = RecordOf(event);
  event.walk_entries = 2;
  const Bytes walked = RecordOf(event);
  for (const Bytes& whole : {plain, walked}) {
    for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(bytes));
      EXPECT_FALSE(Decode(cut)) << bytes << " of " << whole.size();
      EXPECT_EQ(sample_.enrichment, nullptr);
    }
    EXPECT_TRUE(Decode(whole));
  }
}

// A tag is put back into the packet, which makes it longer.
TEST_F(EnrichedDecoderTest, APacketAsLongAsNoneCanBe) {
  enriched_event event = Drop();
  event.flags |= ENRICHED_CAPTURED;
  event.packet.link = CAPTURED_ETHERNET;
  event.packet.vlan_protocol = 0x8100;
  event.packet.captured_bytes = 14;
  const auto decode = [&](uint32_t wire_bytes) {
    event.packet.wire_bytes = wire_bytes;
    Bytes record(sizeof event);
    std::memcpy(record.data(), &event, sizeof event);
    return Decode(record);
  };
  ASSERT_TRUE(decode(60));
  EXPECT_EQ(sample_.enrichment->captured.wire_bytes, 64);
  EXPECT_EQ(sample_.enrichment->captured.bytes.size(), 18);
  EXPECT_FALSE(decode(UINT32_MAX));
}

TEST_F(EnrichedDecoderTest, HeaderBytesBeyondTheRecord) {
  enriched_event event = Drop();
  PutUdp(&event);
  Bytes record = RecordOf(event);
  record[offsetof(enriched_event, header_bytes)] = 255;
  EXPECT_FALSE(Decode(record));
  // Even where the record is long enough: no more than the header's own place is the packet's.
  record.resize(sizeof(enriched_event), 0x45);
  ASSERT_TRUE(Decode(record));
  EXPECT_EQ(sample_.enrichment->packet.outer.dport, 6);
}

TEST_F(EnrichedDecoderTest, PaddingOfTheRingIsPassedOver) {
  enriched_event event = Drop();
  PutUdp(&event);
  Bytes record = RecordOf(event);
  record.resize(record.size() + 7, 0xee);
  ASSERT_TRUE(Decode(record));
  EXPECT_EQ(sample_.raw.size(), 40u);
  EXPECT_EQ(sample_.enrichment->packet.outer.dport, 6);
}

TEST_F(EnrichedDecoderTest, FieldsOfAnUnexpectedSizeAreLeftOut) {
  decoder_ = EnrichedDecoder(Format({Field("skbaddr", 8, 8), Field("reason", 16, 64)}));
  ASSERT_TRUE(Decode(RecordOf(Drop())));
  EXPECT_EQ(sample_.raw.size(), 80u);
  EXPECT_EQ(At<uint64_t>(sample_.raw, 8), 0xffff888100001122);
  EXPECT_EQ(At<uint64_t>(sample_.raw, 16), 0u);
  decoder_ = EnrichedDecoder(EventFormat());
  EXPECT_TRUE(Decode(RecordOf(Drop())));
  EXPECT_TRUE(sample_.raw.empty());
}

}  // namespace
}  // namespace correlate
