#include "symbolize/look_confirmation.h"

#include <vector>

#include "gtest/gtest.h"
#include "symbolize/hook_looks.h"

namespace correlate {
namespace {

using Kind = HookWalk::Kind;

constexpr uint64_t kNow = 10 * HookLooks::kSettledNs;

class TablesConfirmTest : public testing::Test {
 protected:
  void Attached(uint32_t program_id, uint16_t pref, uint64_t from_ns) {
    attachments_.Add({.hook = "tc",
                      .direction = "ingress",
                      .program_id = program_id,
                      .netns = {1, 1},
                      .ifindex = 4,
                      .pref = pref,
                      .handle = 1,
                      .from_ns = from_ns,
                      .to_ns = kNow});
  }
  static HookLook Look(std::vector<uint32_t> programs) {
    HookLook look;
    look.has_netns = true;
    look.netns = {1, 1};
    look.ifindex = 4;
    look.walk.hook = HookWalk::Hook::kTcIngress;
    uint16_t pref = 0;
    for (const uint32_t program : programs) {
      look.walk.entries.push_back(
          {.kind = Kind::kClsBpf, .pref = ++pref, .program_id = program, .handle = 1});
    }
    return look;
  }
  bool Confirm(const HookLook& look, uint64_t other_seen_ns = 0) {
    return TablesConfirm(attachments_, look, kNow, other_seen_ns);
  }

  AttachmentTable attachments_;
};

TEST_F(TablesConfirmTest, TheSameListOfLongAgo) {
  Attached(7, 1, 1000);
  Attached(8, 2, 2000);
  EXPECT_TRUE(Confirm(Look({7, 8})));
  EXPECT_FALSE(Confirm(Look({7}))) << "one is gone";
  EXPECT_FALSE(Confirm(Look({7, 8, 9}))) << "one has come";
  EXPECT_FALSE(Confirm(Look({8, 7}))) << "each stands where the other stood";
  EXPECT_FALSE(Confirm(Look({})));
}

TEST_F(TablesConfirmTest, WhatCameJustNowMayBeYoungerThanThePacket) {
  AttachmentLook look;
  look.part = AttachmentLook::Part::kNetns;
  look.netns.id = {1, 1};
  look.begin_ns = 1000;
  look.end_ns = 2000;
  look.complete = true;
  attachments_.Apply(look);
  AttachmentNotice notice;
  notice.time_ns = kNow - HookLooks::kSettledNs + 1;
  notice.added = true;
  notice.attachment = {.hook = "tc",
                       .direction = "ingress",
                       .program_id = 7,
                       .netns = {1, 1},
                       .ifindex = 4,
                       .pref = 1,
                       .handle = 1};
  attachments_.Apply(notice);
  EXPECT_FALSE(Confirm(Look({7})));
}

TEST_F(TablesConfirmTest, WhatTheFirstLookSawNeedNotBeOld) {
  Attached(7, 1, kNow - 1);
  EXPECT_TRUE(Confirm(Look({7})));
  EXPECT_FALSE(Confirm(Look({7}), kNow - 2)) << "but something else was seen since";
}

TEST_F(TablesConfirmTest, ATableThatDoesNotKnowOfWhatWasSeenSinceIsOld) {
  Attached(7, 1, 1000);
  EXPECT_TRUE(Confirm(Look({7}), 999));
  EXPECT_FALSE(Confirm(Look({7}), 1001));
}

TEST_F(TablesConfirmTest, OtherNamespacesAndDevicesSayNothing) {
  Attached(7, 1, 1000);
  HookLook look = Look({7});
  look.netns = {2, 2};
  EXPECT_FALSE(Confirm(look));
  look = Look({7});
  look.ifindex = 5;
  EXPECT_FALSE(Confirm(look));
  look = Look({7});
  look.has_netns = false;
  EXPECT_FALSE(Confirm(look));
}

}  // namespace
}  // namespace correlate
