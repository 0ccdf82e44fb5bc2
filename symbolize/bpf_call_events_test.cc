#include "symbolize/bpf_call_events.h"

#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "symbolize/bpf_names.h"
#include "symbolize/raw_fields.h"

namespace correlate {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// libbpf's names, in small letters, of as many numbers as its headers know.
template <size_t N, typename Enum>
void ExpectNames(const absl::string_view (&names)[N], const char* (*of)(Enum)) {
  for (size_t i = 0; i < N; ++i) {
    const char* known = of(static_cast<Enum>(i));
    if (known == nullptr) continue;
    EXPECT_EQ(absl::AsciiStrToLower(names[i]), known) << i;
  }
}

TEST(BpfNamesTest, AreThoseOfLibbpf) {
  ExpectNames(kBpfProgramTypes, libbpf_bpf_prog_type_str);
  ExpectNames(kBpfMapTypes, libbpf_bpf_map_type_str);
  ExpectNames(kBpfAttachTypes, libbpf_bpf_attach_type_str);
  EXPECT_STREQ(libbpf_bpf_prog_type_str(static_cast<bpf_prog_type>(std::size(kBpfProgramTypes))),
               nullptr);
}

std::vector<std::string> All() {
  std::vector<std::string> events;
  for (const char* name :
       {"bpf_map_create", "bpf_map_update_elem", "bpf_map_lookup_elem", "bpf_map_delete_elem",
        "bpf_map_next_key", "bpf_obj_pin_map", "bpf_obj_pin_prog", "bpf_obj_get_map",
        "bpf_obj_get_prog", "bpf_prog_load", "bpf_prog_get_type", "bpf_link_create",
        "bpf_prog_attach"}) {
    events.push_back(std::string("bpf:") + name);
  }
  return events;
}

std::vector<std::string> Made(BpfCallEvents& events, const BpfCallRecord& call) {
  std::vector<std::string> made;
  const std::vector<EventFormat> formats = events.formats();
  events.Make(
      call, [&](size_t event, absl::Span<const uint8_t>) { made.push_back(formats[event].name); });
  return made;
}

TEST(BpfCallEventsTest, EachCommandMakesItsEvents) {
  BpfCallEvents events(All());
  EXPECT_EQ(events.formats().size(), All().size());
  BpfCallRecord call;
  const auto made = [&](uint32_t command, BpfCallRecord::Object object) {
    call.command = command;
    call.object = object;
    return Made(events, call);
  };
  using Object = BpfCallRecord::Object;
  EXPECT_THAT(made(BPF_MAP_CREATE, Object::kMap), ElementsAre("bpf_map_create"));
  EXPECT_THAT(made(BPF_OBJ_PIN, Object::kProgram), ElementsAre("bpf_obj_pin_prog"));
  EXPECT_THAT(made(BPF_OBJ_PIN, Object::kNone), ElementsAre("bpf_obj_pin_map"));
  EXPECT_THAT(made(BPF_OBJ_GET, Object::kProgram), ElementsAre("bpf_obj_get_prog"));
  EXPECT_THAT(made(BPF_LINK_CREATE, Object::kProgram),
              UnorderedElementsAre("bpf_prog_get_type", "bpf_link_create"));
  EXPECT_THAT(made(BPF_PROG_ATTACH, Object::kProgram),
              UnorderedElementsAre("bpf_prog_get_type", "bpf_prog_attach"));
  EXPECT_THAT(made(BPF_PROG_TEST_RUN, Object::kProgram), IsEmpty());
  EXPECT_THAT(made(UINT32_MAX, Object::kProgram), IsEmpty());
}

TEST(BpfCallEventsTest, OnlyThoseAskedFor) {
  BpfCallEvents events(std::vector<std::string>{"bpf:bpf_prog_attach", "skb:kfree_skb"});
  BpfCallRecord call;
  call.command = BPF_PROG_ATTACH;
  EXPECT_THAT(Made(events, call), ElementsAre("bpf_prog_attach"));
  call.command = BPF_LINK_CREATE;
  EXPECT_THAT(Made(events, call), IsEmpty());
}

TEST(BpfCallEventsTest, FieldsHoldWhatTheCallWas) {
  BpfCallEvents events({"bpf:bpf_map_update_elem"});
  const uint8_t key[] = {6, 0, 0, 0};
  const uint8_t value[] = {20, 0};
  BpfCallRecord call;
  call.command = BPF_MAP_UPDATE_ELEM;
  call.tid = 77;
  call.result = -E2BIG;
  call.fd = 4;
  call.object = BpfCallRecord::Object::kMap;
  call.object_id = 12;
  call.object_type = BPF_MAP_TYPE_ARRAY;
  call.key_size = 4;
  call.value_size = 8;
  call.name = "counters";
  call.key = key;
  call.value = value;
  std::vector<uint8_t> raw;
  events.Make(call, [&](size_t, absl::Span<const uint8_t> bytes) {
    raw.assign(bytes.begin(), bytes.end());
  });
  const EventFormat format = events.formats()[0];
  const auto number = [&](const char* name) {
    const FormatField* field = FindField(format, name);
    return static_cast<int64_t>(ReadInteger(*field, raw).value_or(-99));
  };
  EXPECT_EQ(number("common_pid"), 77);
  EXPECT_EQ(number("type"), BPF_MAP_TYPE_ARRAY);
  EXPECT_EQ(EnumName(*FindField(format, "type"), number("type")), "ARRAY");
  EXPECT_EQ(number("ufd"), 4);
  EXPECT_EQ(number("id"), 12);
  EXPECT_EQ(number("key_len"), 4);
  EXPECT_EQ(number("key_trunc"), 0);
  EXPECT_EQ(number("val_len"), 8);
  EXPECT_EQ(number("val_trunc"), 1);
  EXPECT_EQ(number("ret"), -E2BIG);
  EXPECT_EQ(EnumName(*FindField(format, "error"), number("error")), "E2BIG");
  uint32_t location = 0;  // __data_loc: length and offset
  std::memcpy(&location, raw.data() + FindField(format, "val")->offset, sizeof location);
  ASSERT_EQ(location >> 16, sizeof value);
  EXPECT_EQ(std::memcmp(raw.data() + (location & 0xffff), value, sizeof value), 0);
  EXPECT_THAT(format.text, ::testing::HasSubstr("field:__data_loc u8[] key;\toffset:"));
}

}  // namespace
}  // namespace correlate
