#include "symbolize/hook_looks.h"

#include <functional>
#include <vector>

#include "gtest/gtest.h"

namespace correlate {
namespace {

using Hook = HookWalk::Hook;

constexpr uint64_t kMs = 1'000'000;

Enrichment Look(std::vector<uint32_t> programs, Context context = Context::kSoftirq) {
  Enrichment enrichment;
  enrichment.context = context;
  enrichment.packet.has_netns = true;
  enrichment.packet.netns = {4026532213, 4117};
  enrichment.packet.ifindex = 7;
  enrichment.packet.ifname = "veth1";
  enrichment.walk.hook = Hook::kTcIngress;
  for (const uint32_t program : programs) {
    enrichment.walk.entries.push_back({.kind = HookWalk::Kind::kTcx, .program_id = program});
  }
  return enrichment;
}

TEST(HookLooks, NoHookIsNoLook) {
  HookLooks looks;
  const HookLooks::Seen seen = looks.Add(0, 1, Enrichment());
  EXPECT_EQ(seen.look, nullptr);
  EXPECT_FALSE(seen.confirmed);
  EXPECT_EQ(looks.size(), 0u);
}

TEST(HookLooks, ALookHoldsWhatWasSeen) {
  HookLooks looks;
  const Enrichment enrichment = Look({100, 101});
  const HookLook& look = *looks.Add(0, 1, enrichment).look;
  EXPECT_EQ(look.id, 1u);
  EXPECT_TRUE(look.has_netns);
  EXPECT_EQ(look.netns, enrichment.packet.netns);
  EXPECT_EQ(look.ifindex, 7u);
  EXPECT_EQ(look.ifname, "veth1");
  EXPECT_EQ(look.walk, enrichment.walk);
}

TEST(HookLooks, TheSecondEqualLookOfACpuAndContextIsConfirmed) {
  HookLooks looks;
  EXPECT_FALSE(looks.Add(0, 1, Look({100})).confirmed);
  EXPECT_TRUE(looks.Add(0, 2, Look({100})).confirmed);
  EXPECT_TRUE(looks.Add(0, 3, Look({100})).confirmed);
  // Another context may have interrupted this one between the program and the look.
  EXPECT_FALSE(looks.Add(0, 4, Look({100}, Context::kTask)).confirmed);
  EXPECT_TRUE(looks.Add(0, 5, Look({100}, Context::kTask)).confirmed);
}

TEST(HookLooks, AnotherCpuConfirmsOnlyWhatIsSettled) {
  HookLooks looks;
  EXPECT_FALSE(looks.Add(0, 1, Look({100})).confirmed);
  EXPECT_FALSE(looks.Add(1, HookLooks::kSettledNs, Look({100})).confirmed);
  EXPECT_TRUE(looks.Add(2, HookLooks::kSettledNs + 1, Look({100})).confirmed);
}

TEST(HookLooks, AChangeInBetweenStartsTheTimeAnew) {
  HookLooks looks;
  looks.Add(0, 0, Look({100}));
  looks.Add(0, 50 * kMs, Look({200}));
  looks.Add(0, 90 * kMs, Look({100}));
  EXPECT_FALSE(looks.Add(1, 150 * kMs, Look({100})).confirmed);
  EXPECT_TRUE(looks.Add(2, 190 * kMs, Look({100})).confirmed);
}

TEST(HookLooks, AChangeInBetweenResets) {
  HookLooks looks;
  looks.Add(0, 1, Look({100}));
  EXPECT_FALSE(looks.Add(0, 2, Look({200})).confirmed);
  EXPECT_FALSE(looks.Add(0, 3, Look({100})).confirmed);
  EXPECT_TRUE(looks.Add(0, 4, Look({100})).confirmed);
}

TEST(HookLooks, AChangeThatAnotherCpuSawResetsToo) {
  HookLooks looks;
  looks.Add(0, 1, Look({100}));
  EXPECT_TRUE(looks.Add(0, 2, Look({100})).confirmed);
  // 200 was there and has gone again: CPU 0's next packet may be its.
  EXPECT_FALSE(looks.Add(1, 3, Look({200})).confirmed);
  EXPECT_FALSE(looks.Add(0, 4, Look({100})).confirmed);
  EXPECT_TRUE(looks.Add(0, 5, Look({100})).confirmed);
}

TEST(HookLooks, WhatIsNotConfirmedKnowsTheListOfBefore) {
  HookLooks looks;
  EXPECT_EQ(looks.Add(0, 1, Look({100})).before, nullptr);
  const HookLook* old = looks.Add(0, 2, Look({100})).look;
  EXPECT_EQ(looks.Add(0, 3, Look({200})).before, old);
  EXPECT_EQ(looks.Add(1, 4, Look({200})).before, old);  // the other CPU's first look at it
  EXPECT_EQ(looks.Add(0, 5, Look({200})).before, nullptr);
}

TEST(HookLooks, ARevisionTellsOfAChangeThatLeftTheListAsItWas) {
  HookLooks looks;
  Enrichment enrichment = Look({100});
  enrichment.walk.revision = 1;
  looks.Add(0, 1, enrichment);
  enrichment.walk.revision = 2;
  EXPECT_FALSE(looks.Add(0, 2, enrichment).confirmed);
  EXPECT_TRUE(looks.Add(0, 3, enrichment).confirmed);
  EXPECT_EQ(looks.size(), 2u);
}

TEST(HookLooks, PlacesDoNotMix) {
  const std::vector<std::function<void(Enrichment*)>> elsewhere = {
      [](Enrichment* e) { e->packet.ifindex = 8; },
      [](Enrichment* e) { e->packet.netns.inode = 5; },
      [](Enrichment* e) { e->packet.netns.cookie = 5; },
      [](Enrichment* e) { e->walk.hook = Hook::kTcEgress; },
      [](Enrichment* e) { e->walk.cgroup_id = 5; },
  };
  for (size_t i = 0; i < elsewhere.size(); ++i) {
    HookLooks looks;
    Enrichment other = Look({100});
    elsewhere[i](&other);
    const HookLook* here = looks.Add(0, 1, Look({100})).look;
    const HookLooks::Seen there = looks.Add(0, 2, other);
    EXPECT_NE(there.look, here) << i;
    EXPECT_FALSE(there.confirmed) << i;
    // And a list elsewhere is no change of the list here.
    EXPECT_TRUE(looks.Add(0, 3, Look({100})).confirmed) << i;
    EXPECT_TRUE(looks.Add(0, 4, other).confirmed) << i;
  }
}

TEST(HookLooks, ARenamedDeviceIsTheSamePlaceButAnotherLook) {
  HookLooks looks;
  const HookLook* before = looks.Add(0, 1, Look({100})).look;
  Enrichment renamed = Look({100});
  renamed.packet.ifname = "eth0";
  const HookLooks::Seen seen = looks.Add(0, 2, renamed);
  EXPECT_NE(seen.look, before);
  EXPECT_EQ(seen.look->ifname, "eth0");
}

TEST(HookLooks, AnUnknownContextConfirmsNothingButByTime) {
  HookLooks looks;
  looks.Add(0, 1, Look({100}, Context::kUnknown));
  EXPECT_FALSE(looks.Add(0, 2, Look({100}, Context::kUnknown)).confirmed);
  EXPECT_FALSE(looks.Add(0, 3, Look({100}, Context::kUnknown)).confirmed);
  EXPECT_TRUE(looks.Add(0, 1 + HookLooks::kSettledNs, Look({100}, Context::kUnknown)).confirmed);
}

TEST(HookLooks, EqualLooksAreOne) {
  HookLooks looks;
  const HookLook* first = looks.Add(0, 1, Look({100})).look;
  for (uint32_t i = 0; i < 10'000; ++i) {
    ASSERT_EQ(looks.Add(i % 4, i + 2, Look({100})).look, first);
  }
  EXPECT_EQ(looks.size(), 1u);
}

TEST(HookLooks, EveryPartOfAnEntryMakesAnotherLook) {
  using Entry = HookWalk::Entry;
  const std::vector<std::function<void(Enrichment*)>> changes = {
      [](Enrichment* e) { e->walk.truncated = true; },
      [](Enrichment* e) { e->walk.shared_block = true; },
      [](Enrichment* e) { e->walk.broken = true; },
      [](Enrichment* e) { e->walk.entries.clear(); },
      [](Enrichment* e) { e->walk.entries.push_back(Entry()); },
      [](Enrichment* e) { e->walk.entries[0].kind = HookWalk::Kind::kClsBpf; },
      [](Enrichment* e) { e->walk.entries[0].other_protocol = true; },
      [](Enrichment* e) { e->walk.entries[0].not_direct = true; },
      [](Enrichment* e) { e->walk.entries[0].pref = 1; },
      [](Enrichment* e) { e->walk.entries[0].chain = 1; },
      [](Enrichment* e) { e->walk.entries[0].program_id = 1; },
      [](Enrichment* e) { e->walk.entries[0].handle = 1; },
      [](Enrichment* e) { e->walk.entries[0].link_id = 1; },
      [](Enrichment* e) { e->walk.entries[0].classifier = "u32"; },
  };
  HookLooks looks;
  looks.Add(0, 1, Look({100}));
  for (size_t i = 0; i < changes.size(); ++i) {
    Enrichment other = Look({100});
    changes[i](&other);
    EXPECT_EQ(looks.Add(0, 1, other).look->id, i + 2) << i;
  }
}

// A list that is replaced and put back looks as if nothing had happened.
TEST(HookLooks, WhereChangesAreFastTheOthersOfLateMayHaveStoodThereUnseen) {
  HookLooks looks;
  uint64_t now = 1'000'000;
  const auto look = [&](uint32_t cpu, uint32_t program) {
    Enrichment enrichment = Look({program});
    for (HookWalk::Entry& entry : enrichment.walk.entries) entry.kind = HookWalk::Kind::kClsBpf;
    return looks.Add(cpu, now, enrichment);
  };
  look(0, 100);
  EXPECT_TRUE(look(0, 100).of_late.empty()) << "nothing has changed so far";
  // Twice, four milliseconds apart.
  now += 4'000'000;
  look(0, 200);
  now += 4'000'000;
  look(0, 100);
  now += 100'000;
  EXPECT_TRUE(look(0, 100).of_late.empty()) << "too soon for two changes";
  now += 3'000'000;
  const HookLooks::Seen seen = look(0, 100);
  EXPECT_TRUE(seen.confirmed);
  ASSERT_EQ(seen.of_late.size(), 1u);
  EXPECT_EQ(seen.of_late[0]->walk.entries[0].program_id, 200u);
  // Peace comes back.
  now += HookLooks::kSettledNs;
  EXPECT_TRUE(look(0, 100).of_late.empty());
}

TEST(HookLooks, AListWithARevisionIsNotPutBackUnseen) {
  HookLooks looks;
  uint64_t now = 1'000'000;
  uint64_t revision = 0;
  const auto look = [&](uint32_t program, bool changed) {
    Enrichment enrichment = Look({program});
    enrichment.walk.revision = revision += changed;
    for (HookWalk::Entry& entry : enrichment.walk.entries) entry.kind = HookWalk::Kind::kTcx;
    now += 4'000'000;
    return looks.Add(0, now, enrichment);
  };
  look(100, true);
  look(200, true);
  look(100, true);
  EXPECT_TRUE(look(100, false).of_late.empty());
  EXPECT_TRUE(look(100, false).confirmed);
}

}  // namespace
}  // namespace correlate
