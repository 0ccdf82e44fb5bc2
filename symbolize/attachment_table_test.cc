#include "symbolize/attachment_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace correlate {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr NetnsId kBlue = {.inode = 100, .cookie = 7};
constexpr uint32_t kVeth = 3;

Attachment Tcx(uint32_t program_id, uint32_t link_id) {
  return {.hook = "tcx",
          .direction = "ingress",
          .program_id = program_id,
          .netns = kBlue,
          .ifindex = kVeth,
          .ifname = "veth",
          .link_id = link_id,
          .positions = 1};
}

Attachment Tc(uint32_t program_id, uint32_t pref) {
  return {.hook = "tc",
          .direction = "ingress",
          .program_id = program_id,
          .netns = kBlue,
          .ifindex = kVeth,
          .ifname = "veth",
          .pref = pref,
          .handle = 1};
}

AttachmentLook Look(uint64_t begin_ns, uint64_t end_ns, std::vector<Attachment> attachments) {
  AttachmentLook look;
  look.netns = {.id = kBlue, .name = "blue"};
  look.begin_ns = begin_ns;
  look.end_ns = end_ns;
  look.devices = {{.netns = kBlue, .ifindex = kVeth, .ifname = "veth"}};
  look.attachments = std::move(attachments);
  return look;
}

AttachmentLook Unchanged(uint64_t begin_ns, uint64_t end_ns) {
  AttachmentLook look = Look(begin_ns, end_ns, {});
  look.devices.clear();
  look.unchanged = true;
  return look;
}

// "5" held, "5?" perhaps held, "u32" an obstacle; then whether looks agree.
std::vector<std::string> On(const AttachmentTable& table, absl::string_view hook, uint64_t time_ns,
                            NetnsId netns = kBlue) {
  std::vector<std::string> lines;
  const AttachmentTable::HookState state = table.At(netns, kVeth, hook, "ingress", time_ns);
  for (const auto& [attachment, certainty] : state.entries) {
    lines.push_back(absl::StrCat(
        attachment.IsObstacle() ? attachment.kind : absl::StrCat(attachment.program_id),
        certainty == Certainty::kCertain ? "" : "?"));
  }
  if (state.obstacles) lines.push_back("obstacles");
  if (state.looks_agree) lines.push_back("agree");
  return lines;
}

TEST(AttachmentTableTest, IsCertainBetweenLooksThatSawIt) {
  AttachmentTable table;
  table.Apply(Look(100, 110, {Tcx(5, 50)}));
  // One look tells of no other moment.
  EXPECT_THAT(On(table, "tcx", 105), ElementsAre("5?"));
  EXPECT_THAT(On(table, "tcx", 150), ElementsAre("5?"));
  table.Apply(Unchanged(200, 210));
  EXPECT_THAT(On(table, "tcx", 150), ElementsAre("5", "agree"));
  EXPECT_THAT(On(table, "tcx", 205), ElementsAre("5?"));  // not yet
  EXPECT_THAT(On(table, "tcx", 99), ElementsAre("5?"));   // before anybody looked
}

TEST(AttachmentTableTest, ComesAndGoesBetweenLooks) {
  AttachmentTable table;
  table.Apply(Look(100, 110, {}));
  EXPECT_THAT(table.Apply(Look(200, 210, {Tcx(5, 50)})).attachments.size(), 1);
  table.Apply(Look(300, 310, {Tcx(5, 50)}));
  const auto gone = table.Apply(Look(400, 410, {})).attachments;
  ASSERT_EQ(gone.size(), 1);
  EXPECT_EQ(gone[0].absent_before_ns, 100);
  EXPECT_EQ(gone[0].from_ns, 210);
  EXPECT_EQ(gone[0].to_ns, 300);
  EXPECT_EQ(gone[0].absent_after_ns, 410);
  table.Apply(Look(500, 510, {}));

  EXPECT_THAT(On(table, "tcx", 110), ElementsAre("5?"));
  EXPECT_THAT(On(table, "tcx", 209), ElementsAre("5?"));
  EXPECT_THAT(On(table, "tcx", 210), ElementsAre("5", "agree"));
  EXPECT_THAT(On(table, "tcx", 350), ElementsAre("5?"));
  EXPECT_THAT(On(table, "tcx", 450), ElementsAre("agree"));
  EXPECT_THAT(On(table, "tcx", 100), IsEmpty());  // certainly not, but no look before it agrees
}

TEST(AttachmentTableTest, WhatComesBackIsAnotherInterval) {
  AttachmentTable table;
  table.Apply(Look(100, 110, {Tc(5, 1)}));
  table.Apply(Look(200, 210, {}));
  const auto again = table.Apply(Look(300, 310, {Tc(5, 1)})).attachments;
  ASSERT_EQ(again.size(), 1);
  EXPECT_EQ(again[0].absent_before_ns, 210);  // the later of two words of its absence
  EXPECT_EQ(again[0].from_ns, 310);
  table.Apply(Look(400, 410, {Tc(5, 1)}));
  EXPECT_THAT(On(table, "tc", 350), ElementsAre("5", "agree"));
  EXPECT_THAT(On(table, "tc", 160), ElementsAre("5?"));
  EXPECT_EQ(table.size(), 2);
  EXPECT_EQ(table.Find("tc", kVeth, 5).size(), 1);  // one place
}

TEST(AttachmentTableTest, OneReplacesAnother) {
  AttachmentTable table;
  table.Apply(Look(100, 110, {Tcx(5, 50)}));
  table.Apply(Look(200, 210, {Tcx(5, 50)}));
  table.Apply(Look(300, 310, {Tcx(6, 50)}));  // BPF_LINK_UPDATE
  table.Apply(Look(400, 410, {Tcx(6, 50)}));
  EXPECT_THAT(On(table, "tcx", 150), ElementsAre("5", "agree"));
  EXPECT_THAT(On(table, "tcx", 250), testing::UnorderedElementsAre("5?", "6?"));
  EXPECT_THAT(On(table, "tcx", 350), ElementsAre("6", "agree"));
}

TEST(AttachmentTableTest, OrderIsThatOfTheMoment) {
  AttachmentTable table;
  const auto look = [&](uint64_t at, std::vector<uint32_t> ids) {
    std::vector<Attachment> attachments;
    for (const uint32_t id : ids) {
      attachments.push_back(Tcx(id, 10 * id));
      attachments.back().position = static_cast<uint32_t>(attachments.size());
      attachments.back().positions = static_cast<uint32_t>(ids.size());
    }
    table.Apply(Look(at, at + 1, std::move(attachments)));
  };
  look(100, {1, 2});
  look(200, {1, 2});
  look(300, {3, 1, 4, 2});
  look(400, {3, 1, 4, 2});
  look(500, {4, 5});
  look(600, {4, 5});
  EXPECT_THAT(On(table, "tcx", 150), ElementsAre("1", "2", "agree"));
  EXPECT_THAT(On(table, "tcx", 350), ElementsAre("3", "1", "4", "2", "agree"));
  EXPECT_THAT(On(table, "tcx", 550), ElementsAre("4", "5", "agree"));
  const auto then = table.At(kBlue, kVeth, "tcx", "ingress", 350).entries;
  EXPECT_EQ(then[2].attachment.position, 3);
  EXPECT_EQ(then[2].attachment.positions, 4);
  EXPECT_EQ(table.At(kBlue, kVeth, "tcx", "ingress", 550).entries[0].attachment.position, 1);
}

TEST(AttachmentTableTest, NotificationsFillTheGapsBetweenLooks) {
  AttachmentTable table;
  table.Apply(Look(100, 110, {Tc(1, 20)}));
  EXPECT_EQ(table.Apply(AttachmentNotice{150, true, Tc(5, 10)}).attachments.size(), 1);
  EXPECT_THAT(table.Apply(AttachmentNotice{151, true, Tc(5, 10)}).attachments, IsEmpty());
  // Under the same number: it replaces the one before.
  const auto replaced = table.Apply(AttachmentNotice{160, true, Tc(6, 10)}).attachments;
  ASSERT_EQ(replaced.size(), 2);
  EXPECT_EQ(replaced[0].program_id, 5);
  EXPECT_EQ(replaced[0].to_ns, 150);
  EXPECT_EQ(replaced[0].absent_after_ns, 160);
  EXPECT_EQ(replaced[1].from_ns, 160);
  EXPECT_EQ(replaced[1].absent_before_ns, 100);
  // The look finds it in its place before the other one.
  table.Apply(Look(200, 210, {Tc(6, 10), Tc(1, 20)}));
  EXPECT_THAT(On(table, "tc", 180), ElementsAre("6", "1", "agree"));
  table.Apply(AttachmentNotice{250, false, Tc(6, 10)});
  table.Apply(AttachmentNotice{251, false, Tc(9, 90)});  // of what nobody saw
  table.Apply(Look(300, 310, {Tc(1, 20)}));
  EXPECT_THAT(On(table, "tc", 180), ElementsAre("6", "1", "agree"));
  EXPECT_THAT(On(table, "tc", 225), ElementsAre("6?", "1"));
  EXPECT_THAT(On(table, "tc", 260), ElementsAre("1", "agree"));
}

TEST(AttachmentTableTest, ObstaclesAreNoPrograms) {
  AttachmentTable table;
  Attachment u32 = Tc(0, 5);
  u32.kind = "u32";
  table.Apply(Look(100, 110, {u32, Tc(5, 10)}));
  table.Apply(Unchanged(200, 210));
  EXPECT_THAT(On(table, "tc", 150), ElementsAre("u32", "5", "obstacles", "agree"));
  EXPECT_EQ(table.size(), 1);
}

TEST(AttachmentTableTest, IncompleteLooksEndNothing) {
  AttachmentTable table;
  table.Apply(Look(100, 110, {Tcx(5, 50)}));
  AttachmentLook partial = Look(200, 210, {});
  partial.complete = false;
  EXPECT_THAT(table.Apply(partial).attachments, IsEmpty());
  EXPECT_THAT(On(table, "tcx", 150), ElementsAre("5?"));
  table.Apply(Look(300, 310, {Tcx(5, 50)}));
  EXPECT_THAT(On(table, "tcx", 250), ElementsAre("5", "agree"));
}

TEST(AttachmentTableTest, WhatCannotBeSeenIsNotAgreedOn) {
  AttachmentTable table;
  for (const uint64_t at : {100, 200}) {
    AttachmentLook look = Look(at, at + 1, {});
    look.unseen_hooks = {"tcx"};
    table.Apply(look);
  }
  EXPECT_THAT(On(table, "tcx", 150), IsEmpty());
  EXPECT_THAT(On(table, "tc", 150), ElementsAre("agree"));
}

TEST(AttachmentTableTest, DevicesThatNobodySawAreNotAgreedOn) {
  AttachmentTable table;
  table.Apply(Look(100, 110, {}));
  table.Apply(Look(200, 210, {}));
  EXPECT_TRUE(table.At(kBlue, kVeth, "tcx", "ingress", 150).looks_agree);
  EXPECT_FALSE(table.At(kBlue, kVeth + 1, "tcx", "ingress", 150).looks_agree);
}

TEST(AttachmentTableTest, NamespacesOfOneInodeAreTwo) {
  AttachmentTable table;
  table.Apply(Look(100, 110, {Tcx(5, 50)}));
  table.Apply(Look(200, 210, {Tcx(5, 50)}));
  const auto lost = table.Apply(NetnsLost{kBlue, 300, /*ended=*/true});
  ASSERT_EQ(lost.attachments.size(), 1);
  EXPECT_EQ(lost.attachments[0].absent_after_ns, 300);
  EXPECT_EQ(lost.namespaces.size(), 1);
  EXPECT_EQ(lost.devices.size(), 1);
  constexpr NetnsId kNext = {.inode = kBlue.inode, .cookie = 8};
  for (const uint64_t at : {400, 500}) {
    Attachment attachment = Tcx(6, 60);
    attachment.netns = kNext;
    AttachmentLook look = Look(at, at + 1, {attachment});
    look.netns.id = look.devices[0].netns = kNext;
    table.Apply(look);
  }
  EXPECT_THAT(On(table, "tcx", 450, kNext), ElementsAre("6", "agree"));
  EXPECT_THAT(On(table, "tcx", 450, kBlue), IsEmpty());
  EXPECT_THAT(On(table, "tcx", 450, {.inode = kBlue.inode}), ElementsAre("6", "agree"));
}

TEST(AttachmentTableTest, OutOfSightIsNotGone) {
  AttachmentTable table;
  table.Apply(Look(100, 110, {Tcx(5, 50)}));
  table.Apply(Look(200, 210, {Tcx(5, 50)}));
  EXPECT_EQ(table.Apply(NetnsLost{kBlue, 300, /*ended=*/false}).attachments[0].absent_after_ns, 0);
  EXPECT_THAT(On(table, "tcx", 400), ElementsAre("5?"));
  EXPECT_THAT(table.Current().attachments, IsEmpty());
  // Back in sight: it was there all along.
  EXPECT_THAT(table.Apply(Look(500, 510, {Tcx(5, 50)})).attachments, IsEmpty());
  EXPECT_THAT(On(table, "tcx", 400), ElementsAre("5"));  // but no looks at others agree
  EXPECT_EQ(table.Current().attachments.size(), 1);
}

TEST(AttachmentTableTest, WordOfItsEndMayComeWhenItIsOutOfSight) {
  AttachmentTable table;
  table.Apply(Look(100, 110, {Tcx(5, 50)}));
  table.Apply(NetnsLost{kBlue, 200, /*ended=*/false});
  EXPECT_THAT(table.Apply(NetnsLost{kBlue, 210, /*ended=*/false}).attachments, IsEmpty());
  const auto ended = table.Apply(NetnsLost{kBlue, 300, /*ended=*/true}).attachments;
  ASSERT_EQ(ended.size(), 1);
  EXPECT_EQ(ended[0].absent_after_ns, 300);
  EXPECT_THAT(On(table, "tcx", 310), IsEmpty());
}

TEST(AttachmentTableTest, WhatStaysOutOfSightIsForgotten) {
  constexpr uint64_t kMinute = 60'000'000'000;
  AttachmentTable table;
  table.Apply(Look(100, 110, {Tcx(5, 50)}));
  table.Apply(NetnsLost{kBlue, 200, /*ended=*/false});
  table.Apply(Look(300, 310, {Tcx(5, 50)}));  // back
  AttachmentLook elsewhere = Look(2 * kMinute, 2 * kMinute + 1, {});
  elsewhere.netns.id = elsewhere.devices[0].netns = {.inode = 101, .cookie = 8};
  table.Apply(elsewhere);
  EXPECT_EQ(table.Find("tcx", kVeth, 5).size(), 1);
  table.Apply(NetnsLost{kBlue, 2 * kMinute + 2, /*ended=*/false});
  elsewhere.begin_ns = 4 * kMinute;
  elsewhere.end_ns = 4 * kMinute + 1;
  table.Apply(elsewhere);
  EXPECT_THAT(table.Find("tcx", kVeth, 5), IsEmpty());
  EXPECT_THAT(table.Apply(NetnsLost{kBlue, 5 * kMinute, /*ended=*/true}).attachments, IsEmpty());
}

TEST(AttachmentTableTest, WhatOnlyItsLinkToldIsSeenLater) {
  AttachmentTable table;
  AttachmentLook links;
  links.part = AttachmentLook::Part::kLinks;
  links.begin_ns = links.end_ns = 100;
  links.attachments = {Tcx(5, 50)};
  table.Apply(links);
  table.Apply(Look(200, 210, {Tcx(5, 50)}));
  links.begin_ns = links.end_ns = 220;
  links.attachments.clear();
  EXPECT_THAT(table.Apply(links).attachments, IsEmpty());  // it is still there
  EXPECT_EQ(table.Apply(Look(300, 310, {})).attachments.size(), 1);
  EXPECT_EQ(table.Find("tcx", kVeth, 5)[0].from_ns, 100);
}

TEST(AttachmentTableTest, ANamespaceMayGetANameLater) {
  AttachmentTable table;
  AttachmentLook look = Look(100, 110, {Tcx(5, 50)});
  look.netns.name.clear();
  table.Apply(look);
  Attachment named = Tcx(5, 50);
  named.netns_name = "blue";
  const AttachmentTable::Changes changes = table.Apply(Look(200, 210, {named}));
  ASSERT_EQ(changes.attachments.size(), 1);
  EXPECT_EQ(changes.attachments[0].from_ns, 110);
  EXPECT_EQ(changes.attachments[0].netns_name, "blue");
  EXPECT_EQ(changes.attachments[0].absent_after_ns, 0);
  ASSERT_EQ(changes.namespaces.size(), 1);
  EXPECT_EQ(changes.namespaces[0].name, "blue");
  EXPECT_THAT(changes.devices, IsEmpty());
}

TEST(AttachmentTableTest, AnXdpLinkMayBecomeKnownLater) {
  AttachmentTable table;
  Attachment xdp = {
      .hook = "xdp", .mode = "native", .program_id = 5, .netns = kBlue, .ifindex = kVeth};
  table.Apply(Look(100, 110, {xdp}));
  xdp.link_id = 57;
  const auto named = table.Apply(Look(200, 210, {xdp})).attachments;
  ASSERT_EQ(named.size(), 1);
  EXPECT_EQ(named[0].link_id, 57);
  EXPECT_EQ(named[0].from_ns, 110);
  xdp.link_id = 58;
  EXPECT_EQ(table.Apply(Look(300, 310, {xdp})).attachments.size(), 2);  // one goes, one comes
}

TEST(AttachmentTableTest, RememberedAsLongAsEventsMayCome) {
  AttachmentTable table;
  table.Apply(Look(100, 110, {Tcx(5, 50)}));
  table.Apply(Look(200, 210, {}));
  table.Apply(Look(59'000'000'000, 59'000'000'001, {}));
  EXPECT_EQ(table.Find("tcx", kVeth, 5).size(), 1);
  table.Apply(Look(61'000'000'000, 61'000'000'001, {}));
  EXPECT_THAT(table.Find("tcx", kVeth, 5), IsEmpty());
  EXPECT_EQ(table.size(), 1);
}

TEST(AttachmentTableTest, WhatStillHoldsAtTheEnd) {
  AttachmentTable table;
  table.Apply(Look(100, 110, {Tcx(5, 50), Tcx(6, 60)}));
  table.Apply(Look(200, 210, {Tcx(6, 60)}));
  table.Apply(Unchanged(300, 310));
  const AttachmentTable::Changes current = table.Current();
  ASSERT_EQ(current.attachments.size(), 1);
  EXPECT_EQ(current.attachments[0].program_id, 6);
  EXPECT_EQ(current.attachments[0].to_ns, 300);
  EXPECT_EQ(current.devices.size(), 1);
  EXPECT_EQ(current.namespaces.size(), 1);
}

TEST(AttachmentTableTest, AnywhereOnHooksOfAKind) {
  AttachmentTable table;
  AttachmentLook look;
  look.part = AttachmentLook::Part::kCgroups;
  look.begin_ns = look.end_ns = 100;
  look.attachments = {{.hook = "cgroup", .direction = "egress", .program_id = 5, .cgroup_id = 2},
                      {.hook = "cgroup", .direction = "egress", .program_id = 6, .cgroup_id = 1},
                      {.hook = "cgroup", .direction = "ingress", .program_id = 7, .cgroup_id = 1}};
  table.Apply(look);
  look.begin_ns = look.end_ns = 200;
  table.Apply(look);
  const auto found = table.Anywhere("cgroup", "egress", 150);
  ASSERT_EQ(found.size(), 2);
  EXPECT_EQ(found[0].attachment.program_id, 6);
  EXPECT_EQ(found[0].certainty, Certainty::kCertain);
  EXPECT_EQ(found[1].attachment.program_id, 5);
}

}  // namespace
}  // namespace correlate
