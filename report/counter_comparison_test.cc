#include "report/counter_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace correlate {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr NetnsId kNetns = {.inode = 4026531840, .cookie = 1};
constexpr NetnsId kOther = {.inode = 4026532000, .cookie = 2};

class CounterComparisonTest : public testing::Test {
 protected:
  CounterComparisonTest() {
    format_.system = "skb";
    format_.name = "kfree_skb";
    comparison_.OnRecording({.hostname = "host", .boot_id = "boot"});
    comparison_.OnFormat(format_);
  }

  void Read(uint64_t time_ns, const std::string& source,
            std::vector<HostCounters::Counter> counters, uint32_t ifindex = 2) {
    HostCounters reading = {.time_ns = time_ns, .source = source, .netns = kNetns};
    reading.ifindex = ifindex;
    reading.ifname = "eth0";
    reading.counters = std::move(counters);
    comparison_.OnHostCounters(reading);
  }

  void Drop(const NetnsId& netns, uint32_t ifindex, int times) {
    Packet packet;
    packet.has_netns = netns.inode != 0;
    packet.netns = netns;
    packet.ifindex = ifindex;
    CorrelatedEvent event;
    event.format = &format_;
    event.packet = &packet;
    for (int i = 0; i < times; ++i) comparison_.OnEvent(event);
  }

  Json Line(const std::string& counter) {
    for (const Json& line : comparison_.ToJson()) {
      if (line["counter"] == counter) return line;
    }
    return Json();
  }

  EventFormat format_;
  CounterComparison comparison_;
};

TEST_F(CounterComparisonTest, WhatNoTracepointTellsIsUnseenWhateverElseWasDropped) {
  Read(1, "device", {{"rx_missed_errors", 10}});
  Drop(kNetns, 2, 100);
  Read(2, "device", {{"rx_missed_errors", 15}});
  EXPECT_EQ(Line("rx_missed_errors")["increase"], "5");
  EXPECT_EQ(Line("rx_missed_errors")["unseen"], "5");
  EXPECT_THAT(comparison_.Hint(), HasSubstr("5 by rx_missed_errors of eth0 (--counters)"));
}

TEST_F(CounterComparisonTest, OfOthersOnlyWhatIsMoreThanWasSeenThere) {
  Read(1, "device", {});
  Drop(kNetns, 2, 5);
  Drop(kNetns, 3, 100);   // another device
  Drop(kOther, 2, 1000);  // another namespace
  Read(2, "device", {{"rx_dropped", 12}});
  EXPECT_EQ(Line("rx_dropped")["increase"], "12");
  EXPECT_EQ(Line("rx_dropped")["drops_seen"], "5");
  EXPECT_EQ(Line("rx_dropped")["unseen"], "7");
  EXPECT_EQ(comparison_.Hint(), "");
}

TEST_F(CounterComparisonTest, DropsOfUnknownPlacesStandForAny) {
  Read(1, "device", {});
  Drop(NetnsId(), 0, 12);
  Read(2, "device", {{"rx_dropped", 12}});
  EXPECT_EQ(Line("rx_dropped")["unseen"], "0");
}

TEST_F(CounterComparisonTest, KindsAreAllDropsAndEventsOnlySome) {
  Read(1, "device", {});
  Drop(kNetns, 2, 3);
  KindCount kind;
  kind.format = &format_;
  kind.count.kind.netns = kNetns;
  kind.count.kind.ifindex = 2;
  kind.count.counted = 4;
  comparison_.OnKindCount(kind);
  kind.count.counted = 10;
  comparison_.OnKindCount(kind);
  Read(2, "device", {{"rx_dropped", 12}});
  EXPECT_EQ(Line("rx_dropped")["drops_seen"], "10");
}

TEST_F(CounterComparisonTest, TheEarliestReadingCountsInWhateverOrderTheyCome) {
  Read(5, "ethtool", {{"rx_xdp_drop", 50}});
  Read(1, "ethtool", {{"rx_xdp_drop", 20}});
  Read(9, "ethtool", {{"rx_xdp_drop", 60}});
  EXPECT_EQ(Line("rx_xdp_drop")["increase"], "40");
}

TEST_F(CounterComparisonTest, NamesWhatIsAttachedWhereXdpDrops) {
  ProgramInfo program;
  program.id = 12;
  program.name = "filter";
  comparison_.OnProgram(program);
  Attachment attachment;
  attachment.hook = "xdp";
  attachment.mode = "native";
  attachment.program_id = 12;
  attachment.netns = kNetns;
  attachment.ifindex = 2;
  comparison_.OnAttachment(attachment);
  Read(1, "ethtool", {});
  Read(2, "ethtool", {{"rx_xdp_drop", 3}});
  EXPECT_THAT(comparison_.Text(), HasSubstr("attached there: filter #12"));
}

TEST_F(CounterComparisonTest, TextHasLossesAlone) {
  Read(1, "device", {{"rx_packets", 1}, {"rx_missed_errors", 1}});
  Read(2, "device", {{"rx_packets", 9}, {"rx_missed_errors", 2}});
  EXPECT_THAT(comparison_.Text(), HasSubstr("rx_missed_errors"));
  EXPECT_THAT(comparison_.Text(), Not(HasSubstr("rx_packets")));
  EXPECT_EQ(Line("rx_packets")["increase"], "8");
  EXPECT_FALSE(Line("rx_packets").contains("unseen"));
}

TEST_F(CounterComparisonTest, GaugesThatFellSayNothing) {
  Read(1, "snmp", {{"Tcp.CurrEstab", 10}}, 0);
  Read(2, "snmp", {{"Tcp.CurrEstab", 2}}, 0);
  EXPECT_TRUE(comparison_.ToJson().empty());
  EXPECT_THAT(comparison_.Text(), HasSubstr("nothing that counts losses moved"));
}

TEST(CounterComparison, ATraceWithoutCountersSaysSo) {
  EXPECT_THAT(CounterComparison().Text(), HasSubstr("none are in this trace"));
}

}  // namespace
}  // namespace correlate
