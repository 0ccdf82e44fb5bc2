#include "top/screen_text.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "render/text.h"

namespace correlate {
namespace {

using testing::ElementsAre;
using testing::Eq;
using testing::HasSubstr;

// Tells what a map says.
class Values : public ValueSource {
 public:
  explicit Values(std::string program) : program_(std::move(program)) {}
  bool Visit(const EventKey& key, ValueVisitor visitor) const override {
    if (key.name != "tag") return false;
    visitor(EventValue::Text(program_));
    return true;
  }

 private:
  const std::string program_;
};

constexpr uint64_t kSecondNs = 1'000'000'000;

class ScreenTextTest : public testing::Test {
 protected:
  void Add(const std::string& program, uint64_t second, uint64_t count) {
    const Values values(program);
    table_.Add({.time_ns = second * kSecondNs, .count = count, .values = values});
  }
  std::vector<std::string> Lines(size_t columns, LiveTable::Order order = LiveTable::Order::kRate) {
    return TableLines(table_, table_.Rows(order, false), columns);
  }
  LiveTable table_{{*ParseEventKey("tag"), *ParseEventKey("device")}};
};

TEST_F(ScreenTextTest, RatesAreOfTheLastFiveWholeSeconds) {
  Add("a", 100, 1000);
  Add("a", 104, 500);
  Add("b", 104, 100);
  table_.AdvanceTo(105 * kSecondNs);
  EXPECT_THAT(Lines(80), ElementsAre("       /s         EVENTS  TAG  DEVICE",
                                     "      300          1,500  a    only counted",
                                     "       20            100  b    only counted"));
  table_.AdvanceTo(106 * kSecondNs);
  EXPECT_THAT(Lines(80)[1], HasSubstr("  100  ")) << "what was in second 100 is over";
  table_.AdvanceTo(200 * kSecondNs);
  EXPECT_THAT(Lines(80)[1], HasSubstr("  0.0  "));
  EXPECT_EQ(table_.events(), 1600);
}

TEST_F(ScreenTextTest, Orders) {
  Add("b", 100, 5);
  Add("a", 50, 9);
  table_.AdvanceTo(101 * kSecondNs);
  const auto first = [this](LiveTable::Order order) {
    return table_.Rows(order, false).front()->labels.front();
  };
  EXPECT_EQ(first(LiveTable::Order::kRate), "b");
  EXPECT_EQ(first(LiveTable::Order::kEvents), "a");
  EXPECT_EQ(first(LiveTable::Order::kLast), "b");
  EXPECT_EQ(first(LiveTable::Order::kName), "a");
  EXPECT_EQ(table_.Rows(LiveTable::Order::kName, true).front()->labels.front(), "b");
}

TEST_F(ScreenTextTest, NoLineIsWiderThanTheTerminal) {
  Add(std::string(300, 'x'), 100, 1'000'000'000);
  Add("\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\x1b[31m", 100, 1);
  table_.AdvanceTo(101 * kSecondNs);
  for (const size_t columns : {200, 80, 60, 40, 20, 5, 1}) {
    for (const std::string& line : Lines(columns)) {
      EXPECT_LE(DisplayWidth(line), columns) << line;
      EXPECT_EQ(line.find('\x1b'), std::string::npos);
    }
    for (const std::string& line : HeadLines({.host = std::string(99, 'h')}, table_, columns)) {
      EXPECT_LE(DisplayWidth(line), columns) << line;
    }
  }
}

TEST_F(ScreenTextTest, AProgramsIdStays) {
  Add(std::string(60, 'x') + " #4294967295", 100, 1);
  table_.AdvanceTo(101 * kSecondNs);
  EXPECT_THAT(Lines(80)[1], HasSubstr("x~ #4294967295"));
  EXPECT_EQ(DisplayWidth(Lines(40)[1]), 40u) << "no room for it";
}

TEST_F(ScreenTextTest, AFilterBeginsAnew) {
  Add("a", 100, 5);
  table_.SetFilter(*Filter::Parse("tag == b"));
  EXPECT_EQ(table_.events(), 0);
  Add("a", 101, 5);
  Add("b", 101, 7);
  EXPECT_EQ(table_.events(), 7);
  table_.SetFilter(*Filter::Parse("dport == 53"));
  Add("b", 101, 7);
  EXPECT_EQ(table_.undecided(), 7);
  EXPECT_THAT(HeadLines({}, table_, 80).back(), HasSubstr("cannot tell of 7"));
}

TEST_F(ScreenTextTest, MoreGroupsThanThereIsRoomFor) {
  for (size_t i = 0; i < LiveTable::kMostRows + 100; ++i) Add(std::to_string(i), 100, 1);
  EXPECT_EQ(table_.Rows(LiveTable::Order::kRate, false).size(), LiveTable::kMostRows + 1);
  EXPECT_EQ(table_.Rows(LiveTable::Order::kEvents, false).front()->labels,
            (std::vector<std::string>{"other", "other"}));
}

TEST(CutTo, CutsBetweenCharacters) {
  EXPECT_THAT(CutTo("abc", 3), Eq("abc"));
  EXPECT_THAT(CutTo("abcd", 3), Eq("ab~"));
  EXPECT_THAT(CutTo("\xc3\xa9\xc3\xa9\xc3\xa9", 2), Eq("\xc3\xa9~"));
  EXPECT_THAT(CutTo("abc", 0), Eq(""));
}

}  // namespace
}  // namespace correlate
