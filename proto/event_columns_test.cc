#include "proto/event_columns.h"

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "proto/interner.h"
#include "proto/trace.pb.h"

namespace correlate {
namespace {

// An event with all that it points to, to be compared.
struct Held {
  CorrelatedEvent event;
  std::string comm;
  std::vector<uint8_t> raw;
  Packet packet;
  std::vector<CodePointer> pointers;
};

class EventColumnsTest : public ::testing::Test {
 protected:
  EventColumnsTest() {
    interner_.Restart(payload_.mutable_interned());
    writer_.Restart(payload_.mutable_events(), &interner_);
    format_.id = 2;
  }
  void Add(const CorrelatedEvent& event) {
    writer_.Add(event);
    Held& held = written_.emplace_back();
    Hold(event, &held);
  }
  static void Hold(const CorrelatedEvent& event, Held* held) {
    held->event = event;
    held->comm = std::string(event.comm);
    held->raw.assign(event.raw.begin(), event.raw.end());
    if (event.packet != nullptr) held->packet = *event.packet;
    held->pointers.assign(event.code_pointers.begin(), event.code_pointers.end());
  }
  // Everything but what is interned: here the tables are as they were.
  void ExpectReadsBack() {
    ASSERT_TRUE(CheckEventColumns(payload_.events(), payload_.interned()).ok());
    const std::vector<Frame> frames(static_cast<size_t>(payload_.interned().frames_size()));
    size_t at = 0;
    EventColumnsReader reader;
    reader.Read(
        payload_.events(), {.interned = &payload_.interned(), .frames = frames},
        [&](uint32_t id) {
          EXPECT_EQ(id, format_.id);
          return &format_;
        },
        [&](const CorrelatedEvent& event) {
          Held read;
          Hold(event, &read);
          const Held& wanted = written_.at(at);
          EXPECT_EQ(event.time_ns, wanted.event.time_ns) << at;
          EXPECT_EQ(event.cpu, wanted.event.cpu) << at;
          EXPECT_EQ(event.pid, wanted.event.pid) << at;
          EXPECT_EQ(event.tid, wanted.event.tid) << at;
          EXPECT_EQ(event.context, wanted.event.context) << at;
          EXPECT_EQ(event.stack_omitted, wanted.event.stack_omitted) << at;
          EXPECT_EQ(read.comm, wanted.comm) << at;
          EXPECT_EQ(read.raw, wanted.raw) << at;
          EXPECT_EQ(event.packet != nullptr, wanted.event.packet != nullptr) << at;
          EXPECT_EQ(read.packet, wanted.packet) << at;
          EXPECT_EQ(read.pointers.size(), wanted.pointers.size()) << at;
          for (size_t i = 0; i < std::min(read.pointers.size(), wanted.pointers.size()); ++i) {
            EXPECT_EQ(read.pointers[i].field, wanted.pointers[i].field) << at;
          }
          ++at;
          return true;
        });
    EXPECT_EQ(at, written_.size());
  }
  CorrelatedEvent Plain(uint64_t time_ns, absl::Span<const uint8_t> raw) {
    CorrelatedEvent event;
    event.time_ns = time_ns;
    event.format = &format_;
    event.raw = raw;
    return event;
  }

  EventFormat format_;
  pb::Payload payload_;
  Interner interner_;
  EventColumnsWriter writer_;
  std::vector<Held> written_;
};

TEST_F(EventColumnsTest, OneShapeForWhatIsTheSame) {
  std::vector<uint8_t> raw(20);
  for (uint8_t i = 0; i < 100; ++i) {
    raw[9] = i;
    raw[19] = static_cast<uint8_t>(i % 3);
    Add(Plain(1000 + i * uint64_t{7}, raw));
  }
  EXPECT_EQ(payload_.events().shapes_size(), 1);
  ExpectReadsBack();
}

TEST_F(EventColumnsTest, TimesMayGoBackAndBeLarge) {
  for (const uint64_t time_ns : {uint64_t{5}, uint64_t{3}, UINT64_MAX, uint64_t{0}, uint64_t{1}}) {
    Add(Plain(time_ns, {}));
  }
  ExpectReadsBack();
}

// Every part of an event changes at some time, and comes back to what it was.
TEST_F(EventColumnsTest, AnyMixtureReadsBack) {
  std::mt19937 random(11);
  Frame frame;
  frame.id = 1;
  Frame other;
  other.id = 2;
  for (int i = 0; i < 3000; ++i) {
    std::vector<uint8_t> raw(random() % 40);
    for (uint8_t& byte : raw) byte = static_cast<uint8_t>(random() % 3);
    if (i % 500 == 7) raw.resize(700, 9);
    CorrelatedEvent event = Plain(static_cast<uint64_t>(i) * 1000, raw);
    event.cpu = random() % 2;
    event.pid = event.tid = static_cast<int32_t>(random() % 3) - 1;
    const std::string comm = random() % 50 == 0 ? "a comm of more than sixteen" : "comm";
    event.comm = comm;
    event.context = static_cast<Context>(random() % 5);
    event.stack_omitted = random() % 2;
    std::vector<CodePointer> pointers(random() % 4, {"location", &frame});
    if (pointers.size() == 2) pointers[1] = {"a field with a long name", &other};
    event.code_pointers = pointers;
    Packet packet;
    packet.has_netns = random() % 2;
    if (packet.has_netns) packet.netns = {random() % 3, random() % 3};
    packet.ifindex = random() % 3;
    packet.ifname = random() % 2 ? "eth0" : "";
    packet.length_bytes = static_cast<uint32_t>(random());
    packet.segments = random() % 2;
    packet.ethertype = random() % 2 ? 0x800 : 0x86dd;
    packet.has_vlan = random() % 2;
    packet.vlan_id = packet.has_vlan ? random() % 3 : 0;
    packet.tunnel = static_cast<Tunnel>(random() % 5);
    for (PacketHeaders* headers : {&packet.outer, &packet.inner}) {
      headers->family = static_cast<IpFamily>(random() % 3);
      if (headers->family == IpFamily::kNone) continue;
      const size_t bytes = headers->family == IpFamily::kIpv4 ? 4 : 16;
      for (size_t at = 0; at < bytes; ++at) {
        headers->src[at] = static_cast<uint8_t>(random());
        headers->dst[at] = static_cast<uint8_t>(random());
      }
      headers->has_l4 = random() % 2;
      headers->l4 = headers->has_l4 ? 17 : 0;
      headers->fragment = random() % 2;
      headers->has_ports = random() % 2;
      if (!headers->has_ports) continue;
      headers->sport = static_cast<uint16_t>(random());
      headers->dport = static_cast<uint16_t>(random());
    }
    if (random() % 3 != 0) event.packet = &packet;
    Add(event);
  }
  ExpectReadsBack();
}

TEST_F(EventColumnsTest, AChunkKnowsNothingOfTheOneBefore) {
  const std::vector<uint8_t> raw = {1, 2, 3};
  Add(Plain(10, raw));
  payload_.Clear();
  written_.clear();
  interner_.Restart(payload_.mutable_interned());
  writer_.Restart(payload_.mutable_events(), &interner_);
  Add(Plain(20, raw));
  ExpectReadsBack();
}

TEST_F(EventColumnsTest, ColumnsThatDoNotFitAreDamage) {
  std::vector<uint8_t> raw(12);
  Packet packet;
  packet.outer.family = IpFamily::kIpv4;
  packet.outer.has_ports = true;
  for (uint8_t i = 0; i < 3; ++i) {
    raw[8] = i;
    CorrelatedEvent event = Plain(i, raw);
    event.packet = &packet;
    Add(event);
  }
  const std::vector<std::function<void(pb::EventColumns*)>> damages = {
      [](pb::EventColumns* c) { c->set_shape(1, 1); },
      [](pb::EventColumns* c) { c->add_shape(0); },
      [](pb::EventColumns* c) { c->mutable_shape()->RemoveLast(); },
      [](pb::EventColumns* c) { c->add_time_deltas(0); },
      [](pb::EventColumns* c) { c->add_raw_masks(0); },
      [](pb::EventColumns* c) { c->mutable_raw_masks()->Clear(); },
      // One event more, for which everything is there but its mask.
      [](pb::EventColumns* c) {
        c->mutable_shapes(0)->clear_packet();
        c->clear_lengths();
        c->clear_addresses();
        c->clear_ports();
        c->add_shape(0);
        c->add_time_deltas(0);
      },
      [](pb::EventColumns* c) { c->set_raw_masks(0, 1 << 2); },
      [](pb::EventColumns* c) { c->set_raw_masks(0, UINT64_MAX); },
      [](pb::EventColumns* c) { c->add_raw_words(0); },
      [](pb::EventColumns* c) { c->mutable_raw_words()->RemoveLast(); },
      [](pb::EventColumns* c) { c->add_lengths(0); },
      [](pb::EventColumns* c) { c->mutable_lengths()->Clear(); },
      [](pb::EventColumns* c) { c->mutable_addresses()->pop_back(); },
      [](pb::EventColumns* c) { c->mutable_addresses()->push_back('x'); },
      [](pb::EventColumns* c) { c->mutable_ports()->RemoveLast(); },
      [](pb::EventColumns* c) { c->add_ports(1); },
      [](pb::EventColumns* c) { c->mutable_shapes(0)->clear_raw(); },
      [](pb::EventColumns* c) { c->mutable_shapes(0)->mutable_raw()->resize(4); },
      [](pb::EventColumns* c) { c->mutable_shapes(0)->clear_packet(); },
      [](pb::EventColumns* c) {
        c->mutable_shapes(0)->mutable_packet()->mutable_outer()->set_src("12345678901234567");
      },
      [](pb::EventColumns* c) { c->mutable_shapes()->Clear(); },
  };
  EXPECT_TRUE(CheckEventColumns(payload_.events(), payload_.interned()).ok());
  for (size_t i = 0; i < damages.size(); ++i) {
    pb::EventColumns columns = payload_.events();
    damages[i](&columns);
    EXPECT_EQ(CheckEventColumns(columns, payload_.interned()).code(), absl::StatusCode::kDataLoss)
        << i;
  }
}

TEST_F(EventColumnsTest, StopsWhereTheReceiverDoes) {
  for (uint64_t i = 0; i < 5; ++i) Add(Plain(i, {}));
  int seen = 0;
  EventColumnsReader().Read(
      payload_.events(), {.interned = &payload_.interned()}, [&](uint32_t) { return &format_; },
      [&](const CorrelatedEvent&) { return ++seen < 3; });
  EXPECT_EQ(seen, 3);
}

}  // namespace
}  // namespace correlate
