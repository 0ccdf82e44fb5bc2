#include "query/filter.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/recording.h"

namespace correlate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Which of the test recording's events that a filter takes.
class Matching : public EventView {
 public:
  explicit Matching(Filter filter) : filter_(std::move(filter)) {}
  void OnEvent(const CorrelatedEvent& event) override {
    EventView::OnEvent(event);
    const size_t number = seen_++;
    if (filter_.Matches(*this)) taken.push_back(number);
  }
  std::vector<size_t> taken;

 private:
  const Filter filter_;
  size_t seen_ = 0;
};

std::vector<size_t> Take(const std::string& expression) {
  const auto filter = Filter::Parse(expression);
  EXPECT_TRUE(filter.ok()) << filter.status();
  if (!filter.ok()) return {999};
  Matching matching(*filter);
  FeedTestRecording(matching);
  return matching.taken;
}

// 0: a drop without a program, NO_SOCKET; 1: a drop inside of program 90 `mirror`; 2: an XDP
// exception of program 231. See tests/fakes/recording.cc.
TEST(Filter, ComparesNamesAndNumbers) {
  EXPECT_THAT(Take("event == skb:kfree_skb"), ElementsAre(0, 1, 2));
  EXPECT_THAT(Take("event = skb:*"), ElementsAre(0, 1, 2));
  EXPECT_THAT(Take("event == \"skb:*\""), IsEmpty());
  EXPECT_THAT(Take("event in (skb:kfree_skb, xdp:xdp_exception)"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Take("fields.reason == NO_SOCKET"), ElementsAre(0, 1));
  EXPECT_THAT(Take("fields.reason == 3"), ElementsAre(0, 1));
  EXPECT_THAT(Take("reason == XDP_ABORTED"), ElementsAre(3));
  EXPECT_THAT(Take("fields.reason < 3"), ElementsAre(2));
  EXPECT_THAT(Take("fields.location == 0xffffffff81e64b01 && fields.reason >= 3"),
              ElementsAre(0, 1));
  EXPECT_THAT(Take("program == 90"), ElementsAre(2));
  EXPECT_THAT(Take("program == mirror"), ElementsAre(2));
  EXPECT_THAT(Take("program ~ '^mir'"), ElementsAre(2));
  EXPECT_THAT(Take("program !~ ^mir"), ElementsAre(0, 1, 3));
  EXPECT_THAT(Take("program"), ElementsAre(2, 3));
  EXPECT_THAT(Take("attribution.programs.attachments.hook == xdp"), ElementsAre(3));
  EXPECT_THAT(Take("location == udp4_lib_rcv+0x2f"), ElementsAre(0, 1, 2));
}

TEST(Filter, JoinsComparisons) {
  EXPECT_THAT(Take("program == mirror || evidence == event"), ElementsAre(2, 3));
  EXPECT_THAT(Take("program == mirror or evidence == event and cpu == 77"), ElementsAre(2));
  EXPECT_THAT(Take("(program == mirror or evidence == event) and not (program == 90)"),
              ElementsAre(3));
  EXPECT_THAT(Take("!program"), ElementsAre(0, 1));
  EXPECT_THAT(Take("!!program"), ElementsAre(2, 3));
}

TEST(Filter, WhatAnEventDoesNotTellFitsNoValue) {
  EXPECT_THAT(Take("fields.prog_id == 231"), ElementsAre(3));
  EXPECT_THAT(Take("fields.prog_id != 231"), ElementsAre(0, 1, 2));
  EXPECT_THAT(Take("fields.nothing"), IsEmpty());
}

TEST(Filter, ComparesAddressesWithNetworks) {
  struct Source : ValueSource {
    explicit Source(EventValue value) : value(value) {}
    bool Visit(const EventKey&, ValueVisitor visitor) const override {
      visitor(value);
      return true;
    }
    EventValue value;
  };
  const auto takes = [](const std::string& text, IpFamily family, std::array<uint8_t, 16> address) {
    return Filter::Parse(text)->Evaluate(Source(EventValue::Address(family, address))) ==
           Match::kYes;
  };
  const std::array<uint8_t, 16> ten = {10, 77, 0, 1};
  EXPECT_TRUE(takes("src == 10.77.0.1", IpFamily::kIpv4, ten));
  EXPECT_TRUE(takes("src == 10.64.0.0/10", IpFamily::kIpv4, ten));
  EXPECT_FALSE(takes("src == 10.128.0.0/9", IpFamily::kIpv4, ten));
  EXPECT_TRUE(takes("src == 0.0.0.0/0", IpFamily::kIpv4, ten));
  EXPECT_FALSE(takes("src == ::/0", IpFamily::kIpv4, ten));
  EXPECT_TRUE(takes("src in (1.1.1.1, 10.0.0.0/8)", IpFamily::kIpv4, ten));
  EXPECT_TRUE(takes("src ~ '^10[.]77'", IpFamily::kIpv4, ten));
  EXPECT_TRUE(takes("src == 2001:db8::/33", IpFamily::kIpv6, {0x20, 1, 0xd, 0xb8, 0x7f}));
  EXPECT_FALSE(takes("src == 2001:db8::/33", IpFamily::kIpv6, {0x20, 1, 0xd, 0xb8, 0x80}));
}

TEST(Filter, WhatASourceCannotTellIsUnknown) {
  struct Source : ValueSource {
    bool Visit(const EventKey& key, ValueVisitor visitor) const override {
      if (key.name != "reason") return false;
      visitor(EventValue::Named("NO_SOCKET", 3));
      return true;
    }
  };
  const auto evaluate = [](const std::string& text) {
    return Filter::Parse(text)->Evaluate(Source());
  };
  EXPECT_EQ(evaluate("reason == NO_SOCKET"), Match::kYes);
  EXPECT_EQ(evaluate("reason == NO_SOCKET && comm == ping"), Match::kUnknown);
  EXPECT_EQ(evaluate("reason == TC_INGRESS && comm == ping"), Match::kNo);
  EXPECT_EQ(evaluate("reason == NO_SOCKET || comm == ping"), Match::kYes);
  EXPECT_EQ(evaluate("reason == TC_INGRESS || comm == ping"), Match::kUnknown);
  EXPECT_EQ(evaluate("!(comm == ping)"), Match::kUnknown);
  EXPECT_EQ(evaluate("comm != ping"), Match::kUnknown);
}

std::string Refusal(const std::string& expression) {
  const auto filter = Filter::Parse(expression);
  return filter.ok() ? "" : std::string(filter.status().message());
}

TEST(Filter, ErrorsPointAtTheColumn) {
  EXPECT_THAT(Refusal("cpu == 1 && reasn == 3"),
              HasSubstr("column 13: there is no key 'reasn', did you mean 'reason'?\n"
                        "  cpu == 1 && reasn == 3\n"
                        "              ^"));
  EXPECT_THAT(Refusal("cpu == one"),
              HasSubstr("column 8: expected a number for 'cpu', found 'one'"));
  EXPECT_THAT(Refusal("src == 10.0.0.0/33"), HasSubstr("column 8: expected an address"));
  EXPECT_THAT(Refusal("comm < 5"), HasSubstr("column 6: 'comm' is no number"));
  EXPECT_THAT(Refusal("reason < TC_INGRESS"), HasSubstr("column 10: '<' compares numbers"));
  EXPECT_THAT(Refusal("(cpu == 1"), HasSubstr("column 1: this parenthesis has no end"));
  EXPECT_THAT(Refusal("cpu == 1)"), HasSubstr("column 9: expected '&&', '||' or the end"));
  EXPECT_THAT(Refusal("comm == 'x"), HasSubstr("column 9: this quote has no end"));
  EXPECT_THAT(Refusal("comm ~ '('"), HasSubstr("column 8: no regular expression"));
  EXPECT_THAT(Refusal("comm in (a b)"), HasSubstr("column 12: expected ',' or ')'"));
  EXPECT_THAT(Refusal("comm =="), HasSubstr("expected a value, found the end"));
  EXPECT_THAT(Refusal(""), HasSubstr("column 1: expected a key"));
  EXPECT_THAT(Refusal("ifindex == 2"), HasSubstr("did you mean 'packet.ifindex'"));
  EXPECT_THAT(Refusal("cpu & 1"), HasSubstr("column 5: '&' means nothing"));
}

TEST(Filter, HostileTextIsRefused) {
  EXPECT_THAT(Refusal(std::string(100'000, '(')), HasSubstr("64 KiB"));
  EXPECT_THAT(Refusal(std::string(10'000, '(')), HasSubstr("too many levels"));
  EXPECT_THAT(Refusal(std::string(10'000, '!')), HasSubstr("too many levels"));
  EXPECT_THAT(Refusal("comm == \x1b[2J &"), testing::Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace correlate
