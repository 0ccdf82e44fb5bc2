#include "collector/event_filter.h"

#include <netinet/in.h>

#include <cstring>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

EventFormat KfreeSkb() {
  EventFormat format;
  format.system = "skb";
  format.name = "kfree_skb";
  FormatField reason;
  reason.name = "reason";
  reason.names = {{2, "NOT_SPECIFIED"}, {3, "NO_SOCKET"}, {73, "TC_INGRESS"}, {62, "TC_EGRESS"}};
  format.fields.push_back(reason);
  return format;
}

std::string RefusalOf(const EventFilterText& text) {
  const auto filter = ParseEventFilter(text);
  EXPECT_TRUE(absl::IsInvalidArgument(filter.status())) << filter.status();
  return std::string(filter.status().message());
}

TEST(EventFilter, NothingAskedFor) {
  const EventFilterText text;
  EXPECT_TRUE(text.empty());
  const auto filter = ParseEventFilter(text);
  ASSERT_TRUE(filter.ok());
  const event_filter_constants constants = ToConstants(*filter);
  const event_filter_constants zero = {};
  EXPECT_EQ(std::memcmp(&constants, &zero, sizeof zero), 0);
}

TEST(EventFilter, EveryOption) {
  EventFilterText text;
  text.ifnames = {"eth0", "a-name-of-15-ch"};
  text.netns = {"blue"};
  text.programs = {"17"};
  text.reasons = {"NO_SOCKET"};
  text.hosts = {"10.77.0.9/8", "2001:db8::1"};
  text.ports = {"53", "0"};
  text.l4 = {"TCP", "17", "icmpv6"};
  const auto filter = ParseEventFilter(text);
  ASSERT_TRUE(filter.ok()) << filter.status();
  EXPECT_THAT(filter->programs, ElementsAre(17));
  EXPECT_THAT(filter->ports, ElementsAre(53, 0));
  EXPECT_THAT(filter->l4, ElementsAre(IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6));
  EXPECT_THAT(text.PacketOptions(), ElementsAre("--reason", "--host", "--port", "--l4"));
  EXPECT_EQ(text.ToStrings().size(), 12u);
  EXPECT_EQ(text.ToStrings().front(), "--ifname eth0");

  const event_filter_constants constants = ToConstants(*filter);
  EXPECT_EQ(constants.ifnames, 2u);
  EXPECT_STREQ(constants.ifname[1], "a-name-of-15-ch");
  ASSERT_EQ(constants.prefixes, 2u);
  EXPECT_EQ(constants.prefix[0].family, 4u);
  EXPECT_EQ(ntohl(constants.prefix[0].mask[0]), 0xff000000u);
  EXPECT_EQ(ntohl(constants.prefix[0].address[0]), 0x0a000000u);  // the host's part is cut off
  EXPECT_EQ(constants.prefix[0].mask[1], 0u);
  EXPECT_EQ(constants.prefix[1].family, 6u);
  EXPECT_EQ(constants.prefix[1].mask[3], 0xffffffffu);
}

TEST(EventFilter, SameValueTwiceIsOne) {
  EventFilterText text;
  text.ports = std::vector<std::string>(40, "53");
  text.l4 = {"udp", "17"};
  const auto filter = ParseEventFilter(text);
  ASSERT_TRUE(filter.ok());
  EXPECT_THAT(filter->ports, ElementsAre(53));
  EXPECT_THAT(filter->l4, ElementsAre(IPPROTO_UDP));
}

TEST(EventFilter, PrefixesOfEveryLength) {
  for (uint32_t bits = 0; bits <= 128; ++bits) {
    EventFilterText text;
    text.hosts = {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/" + std::to_string(bits)};
    const auto filter = ParseEventFilter(text);
    ASSERT_TRUE(filter.ok());
    const event_filter_constants constants = ToConstants(*filter);
    uint32_t ones = 0;
    for (const uint32_t word : constants.prefix[0].mask) {
      ones += static_cast<uint32_t>(__builtin_popcount(word));
    }
    EXPECT_EQ(ones, bits);
    EXPECT_EQ(std::memcmp(constants.prefix[0].mask, constants.prefix[0].address, 16), 0);
  }
}

TEST(EventFilter, BadValuesAreNamed) {
  for (const char* host :
       {"", "10.0.0", "10.0.0.1/33", "10.0.0.1/", "10.0.0.1/-1", "10.0.0.1/+1", "10.0.0.1/8/8",
        "fe80::1/129", "example.org", "fe80::1%eth0", "10.0.0.1 "}) {
    EventFilterText text;
    text.hosts = {host};
    EXPECT_THAT(RefusalOf(text), HasSubstr("--host '" + std::string(host) + "'"));
  }
  for (const char* port : {"", "65536", "-1", "http", "5 3x"}) {
    EventFilterText text;
    text.ports = {port};
    EXPECT_THAT(RefusalOf(text), HasSubstr("--port '" + std::string(port) + "'"));
  }
  for (const char* l4 : {"", "256", "tcpp"}) {
    EventFilterText text;
    text.l4 = {l4};
    EXPECT_THAT(RefusalOf(text), HasSubstr("icmpv6"));
  }
  for (const char* program : {"", "0", "-3", "tc_drop", "4294967296"}) {
    EventFilterText text;
    text.programs = {program};
    EXPECT_THAT(RefusalOf(text), HasSubstr("--program"));
  }
  for (const char* ifname : {"", "sixteen-letters-", "a/b", "a b", ".."}) {
    EventFilterText text;
    text.ifnames = {ifname};
    EXPECT_THAT(RefusalOf(text), HasSubstr("--ifname"));
  }
}

TEST(EventFilter, MoreValuesThanFit) {
  EventFilterText text;
  for (int port = 0; port < FILTER_MOST_VALUES; ++port) text.ports.push_back(std::to_string(port));
  EXPECT_TRUE(ParseEventFilter(text).ok());
  text.ports.push_back("99");
  EXPECT_THAT(RefusalOf(text), HasSubstr("at most 16"));
}

TEST(EventFilter, DropReasons) {
  const EventFormat format = KfreeSkb();
  EXPECT_EQ(*DropReasonNumber("TC_INGRESS", format), 73u);
  EXPECT_EQ(*DropReasonNumber("SKB_DROP_REASON_TC_INGRESS", format), 73u);
  EXPECT_EQ(*DropReasonNumber("tc_ingress", format), 73u);
  EXPECT_EQ(*DropReasonNumber("0x30001", format), 0x30001u);  // a subsystem's
  EXPECT_EQ(*DropReasonNumber("196609", format), 0x30001u);
}

TEST(EventFilter, UnknownReasonNamesWhatIsNear) {
  const auto typo = DropReasonNumber("TC_INGRES", KfreeSkb());
  EXPECT_TRUE(absl::IsNotFound(typo.status()));
  EXPECT_THAT(std::string(typo.status().message()), HasSubstr("did you mean TC_INGRESS"));
  const auto part = DropReasonNumber("egress", KfreeSkb());
  EXPECT_THAT(std::string(part.status().message()), HasSubstr("TC_EGRESS"));
  const auto nothing = DropReasonNumber("ZZZZZZZZZZZZZZ", KfreeSkb());
  EXPECT_THAT(std::string(nothing.status().message()), HasSubstr("kfree_skb/format"));
  EventFormat old = KfreeSkb();
  old.fields.clear();
  EXPECT_TRUE(absl::IsFailedPrecondition(DropReasonNumber("NO_SOCKET", old).status()));
}

}  // namespace
}  // namespace correlate
