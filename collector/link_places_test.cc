#include "collector/link_places.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/netfilter.h>

#include <vector>

namespace correlate {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr NetnsId kBlue = {.inode = 1, .cookie = 11};
constexpr NetnsId kRed = {.inode = 2, .cookie = 12};

Attachment Xdp(NetnsId netns, uint32_t ifindex, uint32_t program_id) {
  return {.hook = "xdp", .program_id = program_id, .netns = netns, .ifindex = ifindex};
}

BpfLink XdpLink(uint32_t id, NetnsId netns, uint32_t ifindex, uint32_t program_id) {
  return {.link_id = id,
          .type = BPF_LINK_TYPE_XDP,
          .program_id = program_id,
          .attach_type = BPF_XDP,
          .ifindex = ifindex,
          .ifname = "eth0",
          .netns = netns};
}

BpfLink Extension(uint32_t id, uint32_t program_id, uint32_t target, uint32_t function) {
  return {.link_id = id,
          .type = BPF_LINK_TYPE_TRACING,
          .program_id = program_id,
          .program_type = BPF_PROG_TYPE_EXT,
          .target_program_id = target,
          .target_btf_id = function};
}

TEST(NameLinksTest, TheNamespaceTellsDevicesApart) {
  std::vector<Attachment> attachments = {Xdp(kBlue, 2, 100), Xdp(kRed, 2, 100), Xdp(kBlue, 3, 100)};
  NameLinks({XdpLink(50, kRed, 2, 100), XdpLink(51, kBlue, 2, 100)}, attachments);
  EXPECT_EQ(attachments[0].link_id, 51);
  EXPECT_EQ(attachments[1].link_id, 50);
  EXPECT_EQ(attachments[2].link_id, 0);
}

TEST(NameLinksTest, WithoutNamespacesNothingIsNamed) {
  std::vector<Attachment> attachments = {Xdp(kBlue, 2, 100)};
  NameLinks({XdpLink(50, {}, 2, 100)}, attachments);
  EXPECT_EQ(attachments[0].link_id, 0);
}

TEST(NameLinksTest, EachLinkOfACgroupNamesOne) {
  Attachment egress = {
      .hook = "cgroup", .program_id = 5, .attach_type = "inet_egress", .cgroup_id = 9};
  std::vector<Attachment> attachments = {egress, egress};
  attachments[1].attach_type = "inet_ingress";
  NameLinks({{.link_id = 60,
              .type = BPF_LINK_TYPE_CGROUP,
              .program_id = 5,
              .attach_type = BPF_CGROUP_INET_EGRESS,
              .cgroup_id = 9}},
            attachments);
  EXPECT_EQ(attachments[0].link_id, 60);
  EXPECT_EQ(attachments[1].link_id, 0);
}

TEST(AddBehindDispatchersTest, ExtensionsFollowInTheOrderOfTheirFunctions) {
  std::vector<Attachment> attachments = {Xdp(kBlue, 2, 100), Xdp(kBlue, 3, 101)};
  attachments[0].mode = "native";
  AddBehindDispatchers({Extension(70, 201, 100, 30), Extension(71, 202, 100, 20)}, attachments);
  ASSERT_EQ(attachments.size(), 4);
  EXPECT_EQ(attachments[0].program_id, 100);
  EXPECT_EQ(attachments[1].program_id, 202);
  EXPECT_EQ(attachments[1].dispatcher_id, 100);
  EXPECT_EQ(attachments[1].position, 1);
  EXPECT_EQ(attachments[1].positions, 2);
  EXPECT_EQ(attachments[1].link_id, 71);
  EXPECT_EQ(attachments[1].mode, "native");
  EXPECT_EQ(attachments[2].program_id, 201);
  EXPECT_EQ(attachments[3].program_id, 101);
  EXPECT_EQ(attachments[3].dispatcher_id, 0);
}

TEST(PlacesOnlyLinksTellTest, OfNamespacesThatWereNotLookedInto) {
  const std::map<NetnsId, Netns> seen = {{kBlue, {.id = kBlue, .name = "blue"}}};
  BpfLink tcx = XdpLink(50, kRed, 2, 100);
  tcx.type = BPF_LINK_TYPE_TCX;
  tcx.attach_type = BPF_TCX_EGRESS;
  const LinkOnlyPlaces places = PlacesOnlyLinksTell(
      {tcx, XdpLink(51, kRed, 2, 101), XdpLink(52, kBlue, 2, 102), XdpLink(53, {}, 2, 103),
       XdpLink(54, kRed, 0, 104) /* its device is gone */},
      seen, {});
  ASSERT_EQ(places.attachments.size(), 2);
  EXPECT_EQ(places.attachments[0].hook, "tcx");
  EXPECT_EQ(places.attachments[0].direction, "egress");
  EXPECT_EQ(places.attachments[0].link_id, 50);
  EXPECT_EQ(places.attachments[0].position, 0);  // unknown
  EXPECT_EQ(places.attachments[1].hook, "xdp");
  ASSERT_EQ(places.devices.size(), 1);
  EXPECT_EQ(places.devices[0].ifname, "eth0");
  EXPECT_EQ(places.devices[0].netns, kRed);
}

TEST(PlacesOnlyLinksTellTest, Netfilter) {
  const std::map<NetnsId, Netns> seen = {{kBlue, {.id = kBlue, .name = "blue"}}};
  const LinkOnlyPlaces places = PlacesOnlyLinksTell({{.link_id = 80,
                                                      .type = BPF_LINK_TYPE_NETFILTER,
                                                      .program_id = 7,
                                                      .netns = kBlue,
                                                      .netfilter_family = NFPROTO_IPV6,
                                                      .netfilter_hook = NF_INET_LOCAL_IN,
                                                      .netfilter_priority = -128}},
                                                    seen, {});
  ASSERT_EQ(places.attachments.size(), 1);
  const Attachment& attachment = places.attachments[0];
  EXPECT_EQ(attachment.hook, "netfilter");
  EXPECT_EQ(attachment.family, "ipv6");
  EXPECT_EQ(attachment.point, "input");
  EXPECT_EQ(attachment.priority, -128);
  EXPECT_EQ(attachment.netns_name, "blue");
}

TEST(PlacesOnlyLinksTellTest, CgroupsThatAreNotBelowAnyMount) {
  const auto tell = [](std::set<uint64_t> seen) {
    return PlacesOnlyLinksTell({{.link_id = 60,
                                 .type = BPF_LINK_TYPE_CGROUP,
                                 .program_id = 5,
                                 .attach_type = BPF_CGROUP_INET_EGRESS,
                                 .cgroup_id = 9}},
                               {}, seen)
        .attachments;
  };
  EXPECT_THAT(tell({9}), IsEmpty());
  ASSERT_EQ(tell({}).size(), 1);
  EXPECT_EQ(tell({})[0].direction, "egress");
  EXPECT_EQ(tell({})[0].attach_type, "inet_egress");
}

}  // namespace
}  // namespace correlate
