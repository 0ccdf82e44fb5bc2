// The worked example of FORMAT.md is a real trace: its bytes, taken from the document, read as what
// the document says of them.
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "proto/chunk.h"
#include "proto/trace.pb.h"

namespace correlate {
namespace {

// Two drops by ping, without a callchain.
pb::Payload Example() {
  pb::Payload payload;
  pb::Interned* interned = payload.mutable_interned();
  interned->add_strings("");
  interned->add_strings("ping");
  interned->add_frames();
  interned->add_stacks();
  interned->add_attributions();
  pb::Format* format = payload.add_formats();
  format->set_system("skb");
  format->set_name("kfree_skb");
  pb::Field* field = format->add_fields();
  field->set_name("reason");
  field->set_offset(8);
  field->set_size(4);
  pb::EnumName* name = field->add_names();
  name->set_value(3);
  name->set_name("NO_SOCKET");
  name = field->add_names();
  name->set_value(4);
  name->set_name("PKT_TOO_SMALL");
  pb::EventShape* shape = payload.mutable_events()->add_shapes();
  shape->set_cpu(1);
  shape->set_tid(4579);
  shape->set_comm(1);
  shape->set_raw(std::string("\x21\x00\x00\x00\xe3\x11\x00\x00\x03\x00\x00\x00", 12));
  // Two events of that shape, the second one with another reason.
  pb::EventColumns* events = payload.mutable_events();
  events->add_shape(0);
  events->add_time_deltas(1'000'000'007);
  events->add_raw_masks(0);
  events->add_shape(0);
  events->add_time_deltas(300);
  events->add_raw_masks(0b10);
  events->add_raw_words(3 ^ 4);
  return payload;
}

std::string HexLines(absl::string_view bytes) {
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += 16) {
    for (const char byte : bytes.substr(at, 16)) {
      absl::StrAppend(&text, absl::BytesToHexString(absl::string_view(&byte, 1)), " ");
    }
    text.back() = '\n';
  }
  return text;
}

// The lines of hexadecimal bytes in the document.
std::string DocumentBytes() {
  std::ifstream file("proto/FORMAT.md");
  std::stringstream text;
  text << file.rdbuf();
  std::string hex;
  bool inside = false;
  for (const absl::string_view line : absl::StrSplit(text.str(), '\n')) {
    if (line == "```hex") {
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      for (const char c : line) {
        if (c != ' ') hex += c;
      }
    }
  }
  return absl::HexStringToBytes(hex);
}

TEST(FormatExample, ReadsAsTheDocumentSays) {
  const ChunkHeader wanted = {
      .recording_id = "0123456789abcdef", .sequence = 0, .has_tables = true, .last = true};
  const std::string fresh = HexLines(*EncodeChunk(wanted, Example().SerializeAsString()));
  const std::string bytes = DocumentBytes();
  ChunkHeader header;
  std::string payload;
  ASSERT_TRUE(DecodeChunk(bytes, &header, &payload).ok()) << "as of now the example is\n" << fresh;
  EXPECT_EQ(header.recording_id, wanted.recording_id);
  EXPECT_EQ(header.sequence, wanted.sequence);
  EXPECT_TRUE(header.has_tables);
  EXPECT_TRUE(header.last);
  pb::Payload read;
  ASSERT_TRUE(read.ParseFromString(payload));
  EXPECT_EQ(read.DebugString(), Example().DebugString()) << "as of now the example is\n" << fresh;
}

}  // namespace
}  // namespace correlate
