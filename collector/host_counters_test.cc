#include "collector/host_counters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace correlate {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Counter = HostCounters::Counter;

TEST(HostCounters, NamesOfProtocolsStandAboveTheirValues) {
  HostCounters counters;
  ParseSnmp(
      "Ip: Forwarding InDiscards OutDiscards\nIp: 2 0 7\n"
      "Tcp: MaxConn InErrs\nTcp: -1 3\n",
      &counters);
  EXPECT_THAT(counters.counters,
              ElementsAre(Counter{"Ip.Forwarding", 2}, Counter{"Ip.OutDiscards", 7},
                          Counter{"Tcp.InErrs", 3}));
}

TEST(HostCounters, LinesThatDoNotBelongTogetherAreLeftOut) {
  HostCounters counters;
  ParseSnmp("Ip: A B\nUdp: 1 2\nIp: A\nIp: 1 2\n\nTcp: C\nTcp: 5", &counters);
  EXPECT_THAT(counters.counters, ElementsAre(Counter{"Tcp.C", 5}));
}

TEST(HostCounters, Snmp6HasALineEach) {
  HostCounters counters;
  ParseSnmp6("Ip6InReceives \t0\nIp6InDiscards                   \t12\nbroken\n", &counters);
  EXPECT_THAT(counters.counters, ElementsAre(Counter{"Ip6InDiscards", 12}));
}

TEST(HostCounters, SoftnetTellsItsCpu) {
  const auto cpus = ParseSoftnet(
      "0000000a 00000002 00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000000 "
      "00000000 00000000 00000004 00000000 00000000\n");
  ASSERT_EQ(cpus.size(), 1);
  EXPECT_EQ(cpus[0].label, "CPU 4");
  EXPECT_THAT(cpus[0].counters, ElementsAre(Counter{"processed", 10}, Counter{"dropped", 2},
                                            Counter{"time_squeeze", 1}));
}

TEST(HostCounters, SoftnetOfOlderKernelsIsNumberedByLine) {
  const auto cpus = ParseSoftnet("00000001 00000000 00000000\n00000002 00000003 00000000\n");
  ASSERT_EQ(cpus.size(), 2);
  EXPECT_EQ(cpus[1].label, "CPU 1");
  EXPECT_THAT(cpus[1].counters, ElementsAre(Counter{"processed", 2}, Counter{"dropped", 3}));
}

TEST(HostCounters, OfDriversOnlyWhatSoundsOfLoss) {
  EXPECT_TRUE(SoundsOfLoss("rx_queue_0_xdp_drops"));
  EXPECT_TRUE(SoundsOfLoss("rx_out_of_buffer"));
  EXPECT_TRUE(SoundsOfLoss("rx_discards_phy"));
  EXPECT_FALSE(SoundsOfLoss("tx_queue_3_bytes"));
}

TEST(HostCounters, OfThisHost) {
  const auto all = ReadHostCounters();
  ASSERT_TRUE(all.ok()) << all.status();
  bool loopback = false;
  bool softnet = false;
  for (const HostCounters& counters : *all) {
    EXPECT_NE(counters.time_ns, 0);
    loopback |= counters.source == "device" && counters.ifname == "lo";
    softnet |= counters.source == "softnet" && !counters.counters.empty();
  }
  EXPECT_TRUE(loopback);
  EXPECT_TRUE(softnet);
}

}  // namespace
}  // namespace correlate
