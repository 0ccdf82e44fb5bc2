#include "collector/tracepoint_format.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "collector/tracefs.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr absl::string_view kDrop = R"(name: kfree_skb
ID: 2310
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:void * skbaddr;	offset:8;	size:8;	signed:0;
	field:void * location;	offset:16;	size:8;	signed:0;
	field:unsigned short protocol;	offset:24;	size:2;	signed:0;
	field:enum skb_drop_reason reason;	offset:28;	size:4;	signed:0;

print fmt: "skbaddr=%p protocol=%u location=%pS reason: %s 100%%", REC->skbaddr, REC->protocol, REC->location, __print_symbolic(REC->reason, { 2, "NOT_SPECIFIED" }, { 0x3, "NO_SOCKET" })
)";

const FormatField* Find(const EventFormat& format, absl::string_view name) {
  for (const FormatField& field : format.fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

std::string Template(const EventFormat& format) {
  std::string text;
  for (const PrintPiece& piece : format.print) {
    absl::StrAppend(&text, piece.field.empty()
                               ? piece.literal
                               : absl::StrCat("<", piece.field, piece.conversion, ">"));
  }
  return text;
}

TEST(TracepointFormat, FieldsNamesAndTemplateOfADrop) {
  const auto format = ParseEventFormat("skb", kDrop);
  ASSERT_TRUE(format.ok()) << format.status();
  EXPECT_EQ(format->FullName(), "skb:kfree_skb");
  EXPECT_EQ(format->text, kDrop);
  EXPECT_FALSE(format->synthetic);
  EXPECT_EQ(format->fields.size(), 6u);

  const FormatField* pid = Find(*format, "common_pid");
  ASSERT_NE(pid, nullptr);
  EXPECT_TRUE(pid->is_signed);

  const FormatField* location = Find(*format, "location");
  ASSERT_NE(location, nullptr);
  EXPECT_EQ(location->offset, 16u);
  EXPECT_EQ(location->size, 8u);
  EXPECT_TRUE(location->is_pointer);
  EXPECT_TRUE(location->is_code);
  EXPECT_FALSE(Find(*format, "skbaddr")->is_code);

  EXPECT_THAT(Find(*format, "reason")->names,
              ElementsAre(Pair(2, "NOT_SPECIFIED"), Pair(3, "NO_SOCKET")));
  EXPECT_EQ(
      Template(*format),
      "skbaddr=<skbaddr%p> protocol=<protocol%u> location=<location%pS> reason: <reason%s> 100%");
}

TEST(TracepointFormat, OlderKernelsPrintADropsLocationAsANumber) {
  std::string text(kDrop);
  text.replace(text.find("location=%pS"), 12, "location=%p");
  const auto format = ParseEventFormat("skb", text);
  ASSERT_TRUE(format.ok()) << format.status();
  EXPECT_TRUE(Find(*format, "location")->is_code);
  EXPECT_FALSE(Find(*format, "skbaddr")->is_code);
  EXPECT_FALSE(Find(*ParseEventFormat("other", text), "location")->is_code);
}

TEST(TracepointFormat, DynamicStringsAndFixedArrays) {
  const auto format = ParseEventFormat("net", R"(name: netif_rx
ID: 1
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;

	field:__data_loc char[] name;	offset:8;	size:4;	signed:0;
	field:char comm[16];	offset:12;	size:16;	signed:0;
	field:unsigned char mac[6];	offset:28;	size:6;	signed:0;

print fmt: "dev=%s comm=%s", __get_str(name), REC->comm
)");
  ASSERT_TRUE(format.ok()) << format.status();
  EXPECT_TRUE(Find(*format, "name")->is_dynamic);
  EXPECT_TRUE(Find(*format, "name")->is_string);
  EXPECT_TRUE(Find(*format, "comm")->is_string);
  EXPECT_FALSE(Find(*format, "comm")->is_dynamic);
  EXPECT_TRUE(Find(*format, "mac")->is_array);
  EXPECT_EQ(Find(*format, "mac")->size, 6u);
  EXPECT_EQ(Template(*format), "dev=<name%s> comm=<comm%s>");
}

TEST(TracepointFormat, WhatIsMoreThanFieldsHasNoTemplateButItsFields) {
  const auto format = ParseEventFormat("x", R"(name: y
ID: 1
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;

	field:u32 dev;	offset:8;	size:4;	signed:0;

print fmt: "%d,%d", ((unsigned int) ((REC->dev) >> 20)), REC->dev
)");
  ASSERT_TRUE(format.ok()) << format.status();
  EXPECT_EQ(format->fields.size(), 2u);
  EXPECT_TRUE(format->print.empty());
}

TEST(TracepointFormat, NoFormatAtAllIsAnError) {
  for (const char* text : {"", "name: \n", "not a format", "name: x\nID: 1\nformat:\n"}) {
    const auto format = ParseEventFormat("a", text);
    if (!format.ok()) {
      EXPECT_NE(std::string(format.status().message()).find("tracepoint"), std::string::npos);
    } else {
      EXPECT_TRUE(format->fields.empty()) << text;
    }
  }
}

// name -> offset, size as a plain reading of the lines tells them.
std::vector<std::pair<std::string, std::pair<uint32_t, uint32_t>>> PlainFields(
    absl::string_view text) {
  std::vector<std::pair<std::string, std::pair<uint32_t, uint32_t>>> fields;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(line, ";\t");
    if (parts.size() < 3 || parts[0].find("field:") == absl::string_view::npos) continue;
    absl::string_view name = parts[0].substr(parts[0].find_last_of(" *") + 1);
    name = name.substr(0, name.find('['));
    uint32_t offset = 0;
    uint32_t size = 0;
    EXPECT_TRUE(absl::SimpleAtoi(parts[1].substr(parts[1].find(':') + 1), &offset)) << line;
    EXPECT_TRUE(absl::SimpleAtoi(parts[2].substr(parts[2].find(':') + 1), &size)) << line;
    fields.push_back({std::string(name), {offset, size}});
  }
  return fields;
}

TEST(TracepointFormat, EveryTracepointOfThisHost) {
  const auto tracefs = Tracefs::Open();
  if (!tracefs.ok()) GTEST_SKIP() << "needs root: " << tracefs.status().message();
  const auto events = tracefs->ListEvents();
  if (!events.ok()) GTEST_SKIP() << "needs root: " << events.status().message();
  int with_template = 0;
  for (const std::string& event : *events) {
    const std::pair<std::string, std::string> name = absl::StrSplit(event, absl::MaxSplits(':', 1));
    const auto text = tracefs->ReadFormat(name.first, name.second);
    if (absl::IsNotFound(text.status())) continue;  // a module went
    ASSERT_TRUE(text.ok()) << event << ": " << text.status();
    const auto format = ParseEventFormat(name.first, *text);
    ASSERT_TRUE(format.ok()) << event << ": " << format.status();
    std::vector<std::pair<std::string, std::pair<uint32_t, uint32_t>>> fields;
    for (const FormatField& field : format->fields) {
      fields.push_back({field.name, {field.offset, field.size}});
    }
    EXPECT_EQ(fields, PlainFields(*text)) << event;
    with_template += !format->print.empty();
  }
  EXPECT_GT(with_template, static_cast<int>(events->size() / 4));
}

}  // namespace
}  // namespace correlate
