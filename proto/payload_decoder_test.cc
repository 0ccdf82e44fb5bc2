#include "proto/payload_decoder.h"

#include <set>

#include "gtest/gtest.h"
#include "proto/test_recording.h"

namespace correlate {
namespace {

pb::Payload WithPlaceholders() {
  pb::Payload payload;
  payload.mutable_interned()->add_strings();
  payload.mutable_interned()->add_frames();
  payload.mutable_interned()->add_stacks();
  payload.mutable_interned()->add_attributions();
  return payload;
}

TEST(CheckPayload, EmptyAndWithoutTablesAreFine) {
  EXPECT_TRUE(CheckPayload(pb::Payload()).ok());
  pb::Payload payload;
  payload.mutable_events()->add_shapes();  // every index 0: none
  payload.mutable_events()->add_shape(0);
  payload.mutable_events()->add_time_deltas(0);
  EXPECT_TRUE(CheckPayload(payload).ok());
  CallLog log;
  RecordingTables tables;
  PayloadDecoder().Decode(payload, &tables, log);
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_EQ(log.lines[0], "event unknown:unknown 0 at 0 cpu 0 pid 0 tid 0 comm  raw ");
}

TEST(CheckPayload, EveryIndexIsChecked) {
  const std::vector<std::function<void(pb::Payload&, uint32_t)>> users = {
      [](pb::Payload& p, uint32_t i) { p.mutable_interned()->add_frames()->set_symbol(i); },
      [](pb::Payload& p, uint32_t i) { p.mutable_interned()->add_frames()->set_module(i); },
      [](pb::Payload& p, uint32_t i) { p.mutable_interned()->add_frames()->set_function(i); },
      [](pb::Payload& p, uint32_t i) { p.mutable_interned()->add_frames()->set_file(i); },
      [](pb::Payload& p, uint32_t i) { p.mutable_interned()->add_stacks()->add_frames(i); },
      [](pb::Payload& p, uint32_t i) { p.mutable_interned()->add_attributions()->set_verdict(i); },
      [](pb::Payload& p, uint32_t i) { p.mutable_interned()->add_attributions()->set_why(i); },
      [](pb::Payload& p, uint32_t i) { p.mutable_events()->add_shapes()->set_comm(i); },
      [](pb::Payload& p, uint32_t i) { p.mutable_events()->add_shapes()->set_stack(i); },
      [](pb::Payload& p, uint32_t i) { p.mutable_events()->add_shapes()->set_attribution(i); },
      [](pb::Payload& p, uint32_t i) {
        pb::CodePointer* pointer = p.mutable_events()->add_shapes()->add_code_pointers();
        pointer->set_frame(1);
        pointer->set_field(i);
      },
      [](pb::Payload& p, uint32_t i) {
        p.mutable_events()->add_shapes()->add_code_pointers()->set_frame(i);
      },
  };
  for (size_t user = 0; user < users.size(); ++user) {
    pb::Payload base = WithPlaceholders();
    base.mutable_interned()->add_strings("s");
    base.mutable_interned()->add_frames();
    base.mutable_interned()->add_stacks();
    base.mutable_interned()->add_attributions();
    pb::Payload good = base;
    users[user](good, 1);
    EXPECT_TRUE(CheckPayload(good).ok()) << user;
    for (const uint32_t index : {4u, 0x80000000u, 0xffffffffu}) {
      pb::Payload bad = base;
      users[user](bad, index);
      EXPECT_EQ(CheckPayload(bad).code(), absl::StatusCode::kDataLoss) << user << " " << index;
    }
  }
  // A frame of a stack and of a code pointer is never "none".
  pb::Payload none = WithPlaceholders();
  none.mutable_interned()->add_stacks()->add_frames(0);
  EXPECT_FALSE(CheckPayload(none).ok());
  none = WithPlaceholders();
  none.mutable_events()->add_shapes()->add_code_pointers();
  EXPECT_FALSE(CheckPayload(none).ok());
}

TEST(CheckPayload, NumbersOfFormats) {
  pb::Payload payload;
  payload.mutable_events()->add_shapes()->set_format(kMostFormats - 1);
  payload.add_formats()->set_id(kMostFormats - 1);
  EXPECT_TRUE(CheckPayload(payload).ok());
  payload.mutable_events()->mutable_shapes(0)->set_format(kMostFormats);
  EXPECT_FALSE(CheckPayload(payload).ok());
  payload.mutable_events()->mutable_shapes(0)->set_format(0);
  payload.mutable_formats(0)->set_id(UINT32_MAX);
  EXPECT_FALSE(CheckPayload(payload).ok());
}

TEST(CheckMessageCount, SmallPayloadsAndLongTablesPass) {
  EXPECT_TRUE(CheckMessageCount("").ok());
  pb::Payload payload;
  for (int i = 0; i < 50'000; ++i) {
    pb::Field* field = payload.add_formats()->add_fields();
    field->set_name("a name of some twenty letters");
    field->add_names()->set_value(-1);
  }
  const std::string tables = payload.SerializeAsString();
  ASSERT_GT(tables.size(), size_t{1} << 20);
  EXPECT_TRUE(CheckMessageCount(tables).ok());
}

TEST(CheckMessageCount, MillionsOfEmptyMessagesDoNot) {
  for (const char* tag : {"\x7a", "\x3a", "\x62"}) {  // kinds, programs, notes
    std::string payload;
    for (int i = 0; i < 1'100'000; ++i) (payload += tag).push_back('\0');
    EXPECT_EQ(CheckMessageCount(payload).message(), "a payload holds more than a chunk may");
  }
  // Inside of another message, and strings.
  for (const char* tag : {"\x0a", "\x12"}) {
    std::string inner;
    for (int i = 0; i < 1'000'000; ++i) (inner += tag).push_back('\0');
    pb::Payload payload;
    ASSERT_TRUE(payload.mutable_interned()->ParseFromString(inner));
    inner = payload.SerializeAsString();
    EXPECT_TRUE(CheckMessageCount(inner).ok());
    EXPECT_FALSE(CheckMessageCount(inner + inner).ok());
  }
}

TEST(CheckMessageCount, MillionsOfShapesDoNot) {
  std::string shapes;
  for (int i = 0; i < 1'100'000; ++i) shapes += std::string("\x0a\0", 2);
  pb::Payload payload;
  ASSERT_TRUE(payload.mutable_events()->ParseFromString(shapes));
  EXPECT_FALSE(CheckMessageCount(payload.SerializeAsString()).ok());
}

TEST(CheckMessageCount, DamageIsNotPassedOver) {
  std::string payload(2 << 20, '\xff');
  EXPECT_EQ(CheckMessageCount(payload).message(), "a payload is no protobuf message");
}

TEST(PayloadDecoder, TablesComeBeforeEventsAndTheEndLast) {
  std::vector<std::string> lines = LinesOf(WriteTrace([](TraceWriter& w) { FeedRecording(w); }));
  std::vector<std::string> kinds;
  for (const std::string& line : lines) kinds.push_back(line.substr(0, line.find(' ')));
  EXPECT_EQ(kinds, (std::vector<std::string>{"recording", "format", "format", "clocks", "netns",
                                             "device", "program", "attachment", "event", "event",
                                             "event", "loss", "counts", "note", "end"}));
}

// A sink may keep what it made of a frame by its id: two recordings in one file share none.
TEST(PayloadDecoder, IdsAreNewInEveryChunkAndRecording) {
  class Ids : public TraceSink {
   public:
    void OnEvent(const CorrelatedEvent& event) override {
      if (event.stack != nullptr) stacks.insert(event.stack->id);
      if (event.attribution != nullptr) attributions.insert(event.attribution->id);
    }
    std::set<uint64_t> stacks;
    std::set<uint64_t> attributions;
  } ids;
  const std::string two = FiveChunks() + FiveChunks(nullptr, "another-id-16-by");
  EXPECT_EQ(ReadTraceBytes(two, ids).recordings, 2u);
  EXPECT_EQ(ids.stacks.size(), 2u);
  EXPECT_EQ(ids.attributions.size(), 4u);
}

}  // namespace
}  // namespace correlate
