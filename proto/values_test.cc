// Every field of every message survives message -> value -> message: the messages are filled by
// reflection, so that a field that somebody adds to the schema alone is found here.
#include "proto/values.h"

#include <string>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "gtest/gtest.h"
#include "proto/packet_values.h"
#include "proto/program_values.h"

namespace correlate {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void SetScalar(Message* message, const FieldDescriptor* field, int salt, bool add) {
  const Reflection* reflection = message->GetReflection();
  const std::string bytes = "\xff byte " + std::to_string(salt);  // no UTF-8
#define CORRELATE_SET(Type, value) \
  add ? reflection->Add##Type(message, field, value) : reflection->Set##Type(message, field, value)
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      CORRELATE_SET(UInt32, static_cast<uint32_t>(salt));
      break;
    case FieldDescriptor::CPPTYPE_INT32:
      CORRELATE_SET(Int32, -salt);
      break;
    case FieldDescriptor::CPPTYPE_UINT64:
      CORRELATE_SET(UInt64, uint64_t{1} << 40 | static_cast<uint64_t>(salt));
      break;
    case FieldDescriptor::CPPTYPE_INT64:
      CORRELATE_SET(Int64, -(int64_t{1} << 40) - salt);
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      CORRELATE_SET(Bool, true);
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      CORRELATE_SET(EnumValue, 1);
      break;
    case FieldDescriptor::CPPTYPE_STRING:
      CORRELATE_SET(
          String, field->name() == "tag" ? std::string("\x01\x02\x03\xff\x05\x06\x07\x08") : bytes);
      break;
    default:
      FAIL() << "a kind of field that no message had: " << field->full_name();
  }
#undef CORRELATE_SET
}

void FillEveryField(Message* message, int salt = 1) {
  const Reflection* reflection = message->GetReflection();
  for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message->GetDescriptor()->field(i);
    for (int n = 0; n < (field->is_repeated() ? 2 : 1); ++n) {
      ++salt;
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        FillEveryField(field->is_repeated() ? reflection->AddMessage(message, field)
                                            : reflection->MutableMessage(message, field),
                       salt * 10);
      } else {
        SetScalar(message, field, salt, field->is_repeated());
      }
    }
  }
}

// message -> value -> message
template <typename M>
void ExpectRoundTrip(const M& message) {
  M again;
  ToProto(FromProto(message), &again);
  EXPECT_EQ(message.DebugString(), again.DebugString());
}

template <typename M>
M Full() {
  M message;
  FillEveryField(&message);
  return message;
}

TEST(Values, EveryFieldComesBack) {
  ExpectRoundTrip(Full<pb::Recording>());
  ExpectRoundTrip(Full<pb::Format>());
  ExpectRoundTrip(Full<pb::ClockReading>());
  ExpectRoundTrip(Full<pb::NetnsId>());
  ExpectRoundTrip(Full<pb::Netns>());
  ExpectRoundTrip(Full<pb::Device>());
  ExpectRoundTrip(Full<pb::Program>());
  ExpectRoundTrip(Full<pb::Map>());
  ExpectRoundTrip(Full<pb::MapSnapshot>());
  ExpectRoundTrip(Full<pb::ProgramImage>());
  ExpectRoundTrip(Full<pb::Btf>());
  ExpectRoundTrip(Full<pb::Attachment>());
  ExpectRoundTrip(Full<pb::BlamedProgram>());
  ExpectRoundTrip(Full<pb::Loss>());
  ExpectRoundTrip(Full<pb::EventCounts>());
  ExpectRoundTrip(Full<pb::XdpActionCounts>());
  ExpectRoundTrip(Full<pb::HostCounters>());
  ExpectRoundTrip(Full<pb::Note>());
  ExpectRoundTrip(Full<pb::End>());
}

TEST(Values, NothingStaysNothing) {
  ExpectRoundTrip(pb::Recording());
  ExpectRoundTrip(pb::Format());
  ExpectRoundTrip(pb::End());
}

// Strings of packets and looks are numbers of the interned ones.
uint32_t Number(absl::string_view text) { return static_cast<uint32_t>(text.size()); }
absl::string_view Text(uint32_t number) {
  static const std::string& all = *new std::string(4096, 's');
  return absl::string_view(all).substr(0, number);
}

void MakePlausible(pb::PacketHeaders* headers, const std::string& address) {
  headers->set_src(address);
  headers->set_dst(address);
  headers->set_l4(18);
}

TEST(Values, EveryFieldOfAPacketComesBack) {
  pb::Packet message = Full<pb::Packet>();
  MakePlausible(message.mutable_outer(), "\x0a\x01\x02\xff");
  MakePlausible(message.mutable_inner(),
                "\xfd\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f");
  pb::Packet again;
  ToProto(FromProto(message, Text), Number, &again);
  EXPECT_EQ(message.DebugString(), again.DebugString());
}

TEST(Values, EveryFieldOfALookComesBack) {
  const pb::HookLook message = Full<pb::HookLook>();
  pb::HookLook again;
  ToProto(FromProto(message, Text), Number, &again);
  EXPECT_EQ(message.DebugString(), again.DebugString());
}

TEST(Values, APacketOfBrokenLengthsHasNoAddresses) {
  pb::Packet message;
  message.mutable_outer()->set_src("\x0a\x01\x02");
  message.mutable_outer()->set_dst("\x0a\x01\x02\x03");
  message.set_vlan(5000);
  const Packet packet = FromProto(message, Text);
  EXPECT_EQ(packet.outer.family, IpFamily::kNone);
  EXPECT_FALSE(packet.has_vlan);
}

TEST(Values, EnumerationsAreTheSameOnBothSides) {
  for (int i = 0; i <= static_cast<int>(Context::kNmi); ++i) {
    EXPECT_EQ(FromProto(ToProto(static_cast<Context>(i))), static_cast<Context>(i));
  }
  for (int i = 0; i <= static_cast<int>(FrameKind::kUser); ++i) {
    EXPECT_EQ(FromProto(ToProto(static_cast<FrameKind>(i))), static_cast<FrameKind>(i));
  }
  for (int i = 0; i <= static_cast<int>(Evidence::kNone); ++i) {
    EXPECT_EQ(FromProto(ToProto(static_cast<Evidence>(i))), static_cast<Evidence>(i));
  }
  // Of a later version: none that this one can vouch for.
  EXPECT_EQ(FromProto(static_cast<pb::Evidence>(99)), Evidence::kNone);
  EXPECT_EQ(FromProto(static_cast<pb::Context>(99)), Context::kUnknown);
  EXPECT_EQ(FromProto(static_cast<pb::FrameKind>(99)), FrameKind::kUnknown);
}

}  // namespace
}  // namespace correlate
