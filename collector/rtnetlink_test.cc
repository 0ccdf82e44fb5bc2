#include "collector/rtnetlink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_gact.h>

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/files.h"

namespace correlate {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

// testdata/README.md tells how these were recorded, and the numbers in them.
std::vector<uint8_t> Recorded(const std::string& name) {
  const auto bytes = ReadFile("collector/testdata/" + name);
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  if (!bytes.ok()) return {};
  return {bytes->begin(), bytes->end()};
}

auto Link(uint32_t ifindex, const std::string& ifname, const std::string& kind, uint32_t native,
          uint32_t generic, uint32_t offload) {
  return AllOf(Field(&LinkMessage::ifindex, ifindex), Field(&LinkMessage::ifname, ifname),
               Field(&LinkMessage::kind, kind), Field(&LinkMessage::xdp_native_id, native),
               Field(&LinkMessage::xdp_generic_id, generic),
               Field(&LinkMessage::xdp_offload_id, offload));
}

auto Filter(const std::string& kind, uint32_t chain, uint32_t pref, uint32_t handle,
            uint32_t program_id) {
  return AllOf(Field(&FilterMessage::kind, kind), Field(&FilterMessage::chain, chain),
               Field(&FilterMessage::pref, pref), Field(&FilterMessage::handle, handle),
               Field(&FilterMessage::program_id, program_id));
}

TEST(RtnetlinkTest, ReadsRecordedLinks) {
  std::vector<LinkMessage> links;
  const auto state = ParseLinks(Recorded("links.bin"), links);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_TRUE(state->done);
  EXPECT_FALSE(state->interrupted);
  EXPECT_THAT(links, Contains(Link(1, "lo", "", 0, 0, 0)));
  EXPECT_THAT(links, Contains(Link(2, "native", "veth", 1007, 0, 0)));
  EXPECT_THAT(links, Contains(Link(3, "generic", "veth", 0, 1007, 0)));
}

TEST(RtnetlinkTest, ReadsRecordedQdiscs) {
  std::vector<QdiscMessage> qdiscs;
  const auto state = ParseQdiscs(Recorded("qdiscs.bin"), qdiscs);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_TRUE(state->done);
  EXPECT_THAT(qdiscs, Contains(AllOf(Field(&QdiscMessage::ifindex, 3),
                                     Field(&QdiscMessage::kind, "clsact"))));
}

TEST(RtnetlinkTest, ReadsRecordedFilters) {
  std::vector<FilterMessage> filters;
  const auto state = ParseFilters(Recorded("filters.bin"), filters);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_TRUE(state->done);
  EXPECT_THAT(filters,
              ElementsAre(Filter("u32", 0, 3, 0, 0), Filter("u32", 0, 3, 0x80000000, 0),
                          Filter("u32", 0, 3, 0x80000800, 0), Filter("bpf", 0, 10, 0, 0),
                          Filter("bpf", 0, 10, 0xabc, 1008), Filter("bpf", 0, 10, 1, 1008),
                          Filter("bpf", 5, 49152, 0, 0), Filter("bpf", 5, 49152, 1, 1008)));
}

TEST(RtnetlinkTest, AnEmptyListIsDoneAtOnce) {
  std::vector<FilterMessage> filters;
  const auto state = ParseFilters(Recorded("no_filters.bin"), filters);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_TRUE(state->done);
  EXPECT_THAT(filters, IsEmpty());
}

TEST(RtnetlinkTest, ADatagramInTheMiddleIsNotDone) {
  std::vector<uint8_t> bytes = Recorded("filters.bin");
  bytes.resize(bytes.size() - 20);  // NLMSG_DONE
  std::vector<FilterMessage> filters;
  const auto state = ParseFilters(bytes, filters);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_FALSE(state->done);
  EXPECT_EQ(filters.size(), 8);
}

// One message made by hand.
std::vector<uint8_t> Message(uint16_t type, uint16_t flags,
                             absl::FunctionRef<void(nlmsghdr*)> fill) {
  std::vector<uint8_t> bytes(4096);
  nlmsghdr* message = mnl_nlmsg_put_header(bytes.data());
  message->nlmsg_type = type;
  message->nlmsg_flags = flags;
  fill(message);
  bytes.resize(message->nlmsg_len);
  return bytes;
}

std::vector<uint8_t> XdpLink(absl::FunctionRef<void(nlmsghdr*)> fill, uint16_t flags = 0) {
  return Message(RTM_NEWLINK, flags, [&](nlmsghdr* message) {
    auto* header = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
    header->ifi_index = 7;
    mnl_attr_put_strz(message, IFLA_IFNAME, "eth0");
    nlattr* xdp = mnl_attr_nest_start(message, IFLA_XDP);
    fill(message);
    mnl_attr_nest_end(message, xdp);
  });
}

TEST(RtnetlinkTest, SeveralXdpModesAtOnce) {
  std::vector<LinkMessage> links;
  ASSERT_TRUE(ParseLinks(XdpLink([](nlmsghdr* message) {
                           mnl_attr_put_u8(message, IFLA_XDP_ATTACHED, XDP_ATTACHED_MULTI);
                           mnl_attr_put_u32(message, IFLA_XDP_DRV_PROG_ID, 11);
                           mnl_attr_put_u32(message, IFLA_XDP_SKB_PROG_ID, 12);
                           mnl_attr_put_u32(message, IFLA_XDP_HW_PROG_ID, 13);
                         }),
                         links)
                  .ok());
  EXPECT_THAT(links, ElementsAre(Link(7, "eth0", "", 11, 12, 13)));
}

TEST(RtnetlinkTest, AKernelThatKnowsOneXdpProgramOnly) {
  const auto parse = [](uint8_t mode) {
    std::vector<LinkMessage> links;
    EXPECT_TRUE(ParseLinks(XdpLink([mode](nlmsghdr* message) {
                             mnl_attr_put_u8(message, IFLA_XDP_ATTACHED, mode);
                             mnl_attr_put_u32(message, IFLA_XDP_PROG_ID, 9);
                           }),
                           links)
                    .ok());
    return links;
  };
  EXPECT_THAT(parse(XDP_ATTACHED_DRV), ElementsAre(Link(7, "eth0", "", 9, 0, 0)));
  EXPECT_THAT(parse(XDP_ATTACHED_SKB), ElementsAre(Link(7, "eth0", "", 0, 9, 0)));
  EXPECT_THAT(parse(XDP_ATTACHED_HW), ElementsAre(Link(7, "eth0", "", 0, 0, 9)));
  EXPECT_THAT(parse(XDP_ATTACHED_NONE), ElementsAre(Link(7, "eth0", "", 0, 0, 0)));
}

TEST(RtnetlinkTest, SaysWhenTheListChangedMeanwhile) {
  std::vector<LinkMessage> links;
  const auto state = ParseLinks(XdpLink([](nlmsghdr*) {}, NLM_F_DUMP_INTR), links);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_TRUE(state->interrupted);
}

TEST(RtnetlinkTest, ErrorsOfTheKernel) {
  const auto error = [](uint16_t type, int32_t number) {
    std::vector<LinkMessage> links;
    return ParseLinks(Message(type, 0,
                              [number](nlmsghdr* message) {
                                *static_cast<int32_t*>(
                                    mnl_nlmsg_put_extra_header(message, sizeof number)) = number;
                              }),
                      links);
  };
  EXPECT_EQ(error(NLMSG_ERROR, -EPERM).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(error(NLMSG_DONE, -EINVAL).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(error(NLMSG_ERROR, 0).ok());
  std::vector<LinkMessage> links;
  EXPECT_EQ(ParseLinks(Message(NLMSG_ERROR, 0, [](nlmsghdr*) {}), links).status().code(),
            absl::StatusCode::kDataLoss);
}

// Whatever is cut off or changed: no crash, and no read beyond the end (under --config=asan).
TEST(RtnetlinkTest, SurvivesDamage) {
  const auto parse_all = [](const std::vector<uint8_t>& bytes) {
    std::vector<LinkMessage> links;
    std::vector<QdiscMessage> qdiscs;
    std::vector<FilterMessage> filters;
    ParseLinks(bytes, links).IgnoreError();
    ParseQdiscs(bytes, qdiscs).IgnoreError();
    ParseFilters(bytes, filters).IgnoreError();
    ParseNotifications(bytes);
    ParseNsid(bytes).IgnoreError();
  };
  for (const char* name : {"links.bin", "qdiscs.bin", "filters.bin"}) {
    const std::vector<uint8_t> bytes = Recorded(name);
    for (size_t size = 0; size <= bytes.size(); ++size) {
      parse_all({bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)});
    }
    for (size_t at = 0; at < bytes.size(); ++at) {
      for (const uint8_t change : {0xff, 0x01, 0x80}) {
        std::vector<uint8_t> damaged = bytes;
        damaged[at] ^= change;
        parse_all(damaged);
      }
    }
  }
}

TEST(RtnetlinkTest, ACutMessageIsAnError) {
  std::vector<uint8_t> bytes = Recorded("filters.bin");
  bytes.resize(bytes.size() - 30);
  std::vector<FilterMessage> filters;
  EXPECT_EQ(ParseFilters(bytes, filters).status().code(), absl::StatusCode::kDataLoss);
}

// What a socket heard of `tc filter add dev va ingress pref 10 handle 1 bpf da object-pinned ...`.
constexpr unsigned char kFilterNotification[] = {
    0x78, 0x00, 0x00, 0x00, 0x2c, 0x00, 0x00, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0xf2, 0xff,
    0xff, 0xff, 0x00, 0x03, 0x0a, 0x00, 0x08, 0x00, 0x01, 0x00, 0x62, 0x70, 0x66, 0x00, 0x08,
    0x00, 0x0b, 0x00, 0x00, 0x00, 0x00, 0x00, 0x44, 0x00, 0x02, 0x00, 0x1c, 0x00, 0x07, 0x00,
    0x6c, 0x61, 0x62, 0x5f, 0x74, 0x63, 0x5f, 0x76, 0x65, 0x72, 0x64, 0x69, 0x63, 0x74, 0x3a,
    0x5b, 0x2a, 0x66, 0x73, 0x6f, 0x62, 0x6a, 0x5d, 0x00, 0x08, 0x00, 0x0b, 0x00, 0x7d, 0x0d,
    0x00, 0x00, 0x0c, 0x00, 0x0a, 0x00, 0x29, 0x21, 0x66, 0xdd, 0x84, 0xe7, 0x4f, 0x77, 0x08,
    0x00, 0x08, 0x00, 0x01, 0x00, 0x00, 0x00, 0x08, 0x00, 0x09, 0x00, 0x08, 0x00, 0x00, 0x00};

TEST(RtnetlinkTest, HearsOfAFilter) {
  const std::vector<Notification> heard = ParseNotifications(kFilterNotification);
  ASSERT_EQ(heard.size(), 1);
  EXPECT_EQ(heard[0].type, RTM_NEWTFILTER);
  EXPECT_EQ(heard[0].ifindex, 4);
  EXPECT_THAT(heard[0].filter, Filter("bpf", 0, 10, 1, 3453));
  EXPECT_EQ(heard[0].filter.hook, TcHook::kIngress);
}

TEST(RtnetlinkTest, HearsOfDevicesAndNumbersOneAfterTheOther) {
  std::vector<uint8_t> bytes = XdpLink([](nlmsghdr*) {});
  bytes.resize((bytes.size() + 3) & ~size_t{3});
  const std::vector<uint8_t> number = Message(RTM_DELNSID, 0, [](nlmsghdr* message) {
    mnl_nlmsg_put_extra_header(message, sizeof(rtgenmsg));
    mnl_attr_put_u32(message, NETNSA_NSID, 9);
  });
  bytes.insert(bytes.end(), number.begin(), number.end());
  const std::vector<Notification> heard = ParseNotifications(bytes);
  ASSERT_EQ(heard.size(), 2);
  EXPECT_EQ(heard[0].type, RTM_NEWLINK);
  EXPECT_EQ(heard[0].ifindex, 7);
  EXPECT_EQ(heard[1].type, RTM_DELNSID);
  EXPECT_EQ(heard[1].nsid, 9);
}

TEST(RtnetlinkTest, NumbersOfNamespaces) {
  const auto answer = [](int32_t nsid) {
    return ParseNsid(Message(RTM_NEWNSID, 0, [&](nlmsghdr* message) {
      mnl_nlmsg_put_extra_header(message, sizeof(rtgenmsg));
      mnl_attr_put_u32(message, NETNSA_NSID, static_cast<uint32_t>(nsid));
    }));
  };
  EXPECT_EQ(answer(3).value(), 3);
  EXPECT_EQ(answer(-1).value(), -1);  // NETNSA_NSID_NOT_ASSIGNED
  for (const int32_t error : {0, 1, -ENOENT, INT32_MIN}) {
    EXPECT_FALSE(ParseNsid(Message(NLMSG_ERROR, 0,
                                   [&](nlmsghdr* message) {
                                     std::memcpy(mnl_nlmsg_put_extra_header(message, sizeof error),
                                                 &error, sizeof error);
                                   }))
                     .ok())
        << error;
  }
  const std::vector<uint8_t> request = NsidRequest(5);
  const auto* message = reinterpret_cast<const nlmsghdr*>(request.data());
  EXPECT_EQ(message->nlmsg_type, RTM_GETNSID);
  EXPECT_EQ(message->nlmsg_flags, NLM_F_REQUEST);  // and nothing that would give it one
}

// A filter with two actions, the second of which goes to another chain; in a shared block.
TEST(RtnetlinkTest, ActionsOfAFilter) {
  const std::vector<uint8_t> bytes = Message(RTM_NEWTFILTER, 0, [](nlmsghdr* message) {
    auto* header = static_cast<tcmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(tcmsg)));
    header->tcm_ifindex = static_cast<int>(TCM_IFINDEX_MAGIC_BLOCK);
    header->tcm_block_index = 7;
    header->tcm_info = 10 << 16;
    mnl_attr_put_strz(message, TCA_KIND, "bpf");
    nlattr* options = mnl_attr_nest_start(message, TCA_OPTIONS);
    mnl_attr_put_u32(message, TCA_BPF_ID, 1008);
    nlattr* actions = mnl_attr_nest_start(message, TCA_BPF_ACT);
    nlattr* first = mnl_attr_nest_start(message, 1);
    mnl_attr_put_strz(message, TCA_ACT_KIND, "mirred");
    mnl_attr_nest_end(message, first);
    nlattr* second = mnl_attr_nest_start(message, 2);
    mnl_attr_put_strz(message, TCA_ACT_KIND, "gact");
    nlattr* parameters = mnl_attr_nest_start(message, TCA_ACT_OPTIONS);
    tc_gact gact = {};
    gact.action = TC_ACT_GOTO_CHAIN | 5;
    mnl_attr_put(message, TCA_GACT_PARMS, sizeof gact, &gact);
    mnl_attr_nest_end(message, parameters);
    mnl_attr_nest_end(message, second);
    mnl_attr_nest_end(message, actions);
    mnl_attr_nest_end(message, options);
  });
  std::vector<FilterMessage> filters;
  ASSERT_TRUE(ParseFilters(bytes, filters).ok());
  ASSERT_EQ(filters.size(), 1);
  EXPECT_EQ(filters[0].block, 7);
  EXPECT_EQ(filters[0].ifindex, 0);
  EXPECT_EQ(filters[0].hook, std::nullopt);
  EXPECT_THAT(filters[0].actions, ElementsAre("mirred", "gact"));
  EXPECT_TRUE(filters[0].goes_to_chain);
}

TEST(RtnetlinkTest, Requests) {
  const std::vector<uint8_t> request = FilterDumpRequest(7, TcHook::kEgress);
  const auto* message = reinterpret_cast<const nlmsghdr*>(request.data());
  EXPECT_EQ(message->nlmsg_len, request.size());
  EXPECT_EQ(message->nlmsg_type, RTM_GETTFILTER);
  EXPECT_EQ(message->nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
  const auto* header = static_cast<const tcmsg*>(mnl_nlmsg_get_payload(message));
  EXPECT_EQ(header->tcm_ifindex, 7);
  EXPECT_EQ(header->tcm_parent, 0xfffffff3);  // ffff:fff3, as tc(8) writes it
}

}  // namespace
}  // namespace correlate
