#include "symbolize/hook_attribution.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Entry = HookWalk::Entry;
using Hook = HookWalk::Hook;
using Kind = HookWalk::Kind;

Entry Tcx(uint32_t id) { return {.kind = Kind::kTcx, .program_id = id, .link_id = 50 + id}; }
Entry Cls(uint32_t id, uint16_t pref = 49152) {
  return {.kind = Kind::kClsBpf, .pref = pref, .chain = 3, .program_id = id, .handle = 1};
}
Entry Classifier(const std::string& name, uint16_t pref) {
  return {.kind = Kind::kClassifier, .pref = pref, .classifier = name};
}

HookLook Look(Hook hook, std::vector<Entry> entries) {
  HookLook look;
  look.id = 1;
  look.has_netns = true;
  look.netns = {4026532213, 4117};
  look.ifindex = 7;
  look.ifname = "veth1";
  look.walk.hook = hook;
  look.walk.entries = std::move(entries);
  return look;
}

HookJudgement Judge(const HookLook& look, bool confirmed = true,
                    absl::string_view reason = "TC_INGRESS", bool exceptions_recorded = true,
                    bool runs_elsewhere = false) {
  NetnsNames names;
  names.Add({.id = {4026532213, 4117}, .name = "blue"});
  return JudgeHook(look, confirmed, reason, exceptions_recorded, names,
                   [&](uint32_t) { return runs_elsewhere; });
}

std::vector<uint32_t> Ids(const HookJudgement& judgement) {
  std::vector<uint32_t> ids;
  for (const auto& suspect : judgement.suspects) ids.push_back(suspect.program_id);
  return ids;
}

TEST(HookAttribution, TheOnlyProgramIsSole) {
  for (const Entry& entry : {Tcx(100), Cls(100)}) {
    const HookJudgement judgement = Judge(Look(Hook::kTcIngress, {entry}));
    EXPECT_EQ(judgement.evidence, Evidence::kSole);
    EXPECT_EQ(judgement.verdict, "TC_ACT_SHOT");
    EXPECT_EQ(judgement.why, "the only program on tc ingress of veth1");
    EXPECT_THAT(Ids(judgement), ElementsAre(100));
  }
  EXPECT_EQ(Judge(Look(Hook::kTcEgress, {Cls(100)})).why, "the only program on tc egress of veth1");
}

TEST(HookAttribution, WhereItIsAttached) {
  HookJudgement judgement = Judge(Look(Hook::kTcIngress, {Cls(100)}));
  ASSERT_THAT(judgement.suspects.at(0).attachments, SizeIs(1));
  Attachment a = judgement.suspects[0].attachments[0];
  EXPECT_EQ(a.hook, "tc");
  EXPECT_EQ(a.direction, "ingress");
  EXPECT_EQ(a.mode, "");
  EXPECT_EQ(a.program_id, 100u);
  EXPECT_EQ(a.netns, (NetnsId{4026532213, 4117}));
  EXPECT_EQ(a.netns_name, "blue");
  EXPECT_EQ(a.ifindex, 7u);
  EXPECT_EQ(a.ifname, "veth1");
  EXPECT_EQ(a.chain, 3u);
  EXPECT_EQ(a.pref, 49152u);
  EXPECT_EQ(a.handle, 1u);

  judgement = Judge(Look(Hook::kTcEgress, {Tcx(100)}));
  a = judgement.suspects.at(0).attachments.at(0);
  EXPECT_EQ(a.hook, "tcx");
  EXPECT_EQ(a.direction, "egress");
  EXPECT_EQ(a.link_id, 150u);

  const Entry xdp = {.kind = Kind::kXdp, .program_id = 9};
  a = Judge(Look(Hook::kXdpNative, {xdp})).suspects.at(0).attachments.at(0);
  EXPECT_EQ(a.hook, "xdp");
  EXPECT_EQ(a.mode, "native");
  EXPECT_EQ(a.direction, "");
  EXPECT_EQ(Judge(Look(Hook::kXdpGeneric, {xdp})).suspects.at(0).attachments.at(0).mode, "generic");

  // Programs of a cgroup or a socket are at no device.
  a = Judge(Look(Hook::kCgroupEgress, {{.kind = Kind::kCgroup, .program_id = 9}}))
          .suspects.at(0)
          .attachments.at(0);
  EXPECT_EQ(a.hook, "cgroup");
  EXPECT_EQ(a.direction, "egress");
  EXPECT_EQ(a.ifindex, 0u);
  EXPECT_EQ(a.ifname, "");
  a = Judge(Look(Hook::kSocket, {{.kind = Kind::kSocketFilter, .program_id = 9}}))
          .suspects.at(0)
          .attachments.at(0);
  EXPECT_EQ(a.hook, "socket");
  EXPECT_EQ(a.direction, "ingress");

  HookLook nowhere = Look(Hook::kTcIngress, {Tcx(100)});
  nowhere.has_netns = false;
  EXPECT_EQ(Judge(nowhere).suspects.at(0).attachments.at(0).netns, NetnsId());
}

TEST(HookAttribution, EachDoubtMakesCandidatesAndIsTold) {
  struct Case {
    HookLook look;
    std::string words;
  };
  std::vector<Case> cases = {
      {Look(Hook::kTcIngress, {Tcx(100), Cls(101)}), "one of 2 programs there"},
      {Look(Hook::kTcIngress, {Cls(100), Classifier("u32", 10)}), "u32 at pref 10 may drop too"},
      {Look(Hook::kTcIngress, {Cls(100), Classifier("", 10)}),
       "a classifier at pref 10 may drop too"},
      {Look(Hook::kTcIngress, {Cls(100), Cls(0, 11)}), "classic BPF at pref 11 may drop too"},
      {Look(Hook::kTcIngress, {Tcx(100), Tcx(0)}), "a program that has lost its id may drop too"},
  };
  HookLook look = Look(Hook::kTcIngress, {Cls(100)});
  look.walk.shared_block = true;
  cases.push_back({look, "a shared block's"});
  look = Look(Hook::kTcIngress, {Cls(100)});
  look.walk.truncated = true;
  cases.push_back({look, "more is attached than was looked at"});
  look = Look(Hook::kTcIngress, {Cls(100)});
  look.walk.broken = true;
  cases.push_back({look, "could not be read"});
  look = Look(Hook::kTcIngress, {Cls(100)});
  look.walk.entries[0].not_direct = true;
  cases.push_back({look, "without direct-action"});
  look = Look(Hook::kTcIngress, {Cls(100)});
  look.walk.entries[0].other_protocol = true;
  cases.push_back({look, "for another protocol"});
  for (const Case& c : cases) {
    const HookJudgement judgement = Judge(c.look);
    EXPECT_EQ(judgement.evidence, Evidence::kCandidates) << c.words;
    EXPECT_EQ(judgement.verdict, "") << c.words;
    EXPECT_EQ(judgement.why.find("on tc ingress of veth1: "), 0u) << judgement.why;
    EXPECT_THAT(judgement.why, HasSubstr(c.words));
    EXPECT_EQ(Ids(judgement).at(0), 100u) << c.words;
  }
  const HookJudgement unconfirmed = Judge(Look(Hook::kTcIngress, {Cls(100)}), false);
  EXPECT_EQ(unconfirmed.evidence, Evidence::kCandidates);
  EXPECT_EQ(unconfirmed.verdict, "");
  EXPECT_EQ(unconfirmed.why,
            "on tc ingress of veth1: nothing confirms that it was there a moment before");
}

TEST(HookAttribution, SeveralDoubtsAreAllTold) {
  HookLook look = Look(Hook::kTcEgress, {Tcx(100), Cls(101), Classifier("flower", 7)});
  look.walk.shared_block = true;
  EXPECT_EQ(Judge(look, false).why,
            "on tc egress of veth1: one of 2 programs there; flower at pref 7 may drop too; the "
            "filters are a shared block's; nothing confirms that it was there a moment before");
}

TEST(HookAttribution, NoProgramIsNone) {
  HookJudgement judgement = Judge(Look(Hook::kTcIngress, {}), false);
  EXPECT_EQ(judgement.evidence, Evidence::kNone);
  EXPECT_THAT(judgement.suspects, IsEmpty());
  EXPECT_EQ(judgement.why, "no BPF program on tc ingress of veth1");

  judgement = Judge(Look(Hook::kTcIngress, {Classifier("u32", 10)}));
  EXPECT_EQ(judgement.evidence, Evidence::kNone);
  EXPECT_EQ(judgement.why, "no BPF program on tc ingress of veth1: u32 at pref 10 may drop");

  HookLook broken = Look(Hook::kTcIngress, {});
  broken.walk.broken = true;
  EXPECT_THAT(Judge(broken).why, HasSubstr("could not be read"));
  // One that is there, but by no name.
  judgement = Judge(Look(Hook::kTcIngress, {Tcx(0)}));
  EXPECT_EQ(judgement.evidence, Evidence::kNone);
  EXPECT_EQ(judgement.why,
            "no BPF program that can be named on tc ingress of veth1: a program that has lost its "
            "id may drop");
}

TEST(HookAttribution, ClassicFiltersAreNotBlamedAndSpoilCertainty) {
  HookJudgement judgement = Judge(Look(Hook::kTcIngress, {Cls(0)}));
  EXPECT_EQ(judgement.evidence, Evidence::kNone);
  EXPECT_THAT(judgement.why, HasSubstr("classic BPF at pref 49152"));
  judgement = Judge(Look(
      Hook::kSocket, {{.kind = Kind::kCgroup, .program_id = 9}, {.kind = Kind::kSocketFilter}}));
  EXPECT_EQ(judgement.evidence, Evidence::kCandidates);
  EXPECT_THAT(Ids(judgement), ElementsAre(9));
  EXPECT_THAT(judgement.why, HasSubstr("a classic filter may drop too"));
}

TEST(HookAttribution, ASocketIsNeverSole) {
  for (const Kind kind : {Kind::kSocketFilter, Kind::kCgroup}) {
    const HookJudgement judgement =
        Judge(Look(Hook::kSocket, {{.kind = kind, .program_id = 9}}), true, "SOCKET_FILTER");
    EXPECT_EQ(judgement.evidence, Evidence::kCandidates);
    EXPECT_THAT(judgement.why, HasSubstr("a security module"));
    EXPECT_EQ(judgement.verdict, "");
  }
}

TEST(HookAttribution, ACgroupsOnlyProgramIsSole) {
  const HookJudgement judgement =
      Judge(Look(Hook::kCgroupEgress, {{.kind = Kind::kCgroup, .program_id = 9}}), true,
            "BPF_CGROUP_EGRESS");
  EXPECT_EQ(judgement.evidence, Evidence::kSole);
  EXPECT_EQ(judgement.verdict, "");
  EXPECT_EQ(judgement.why, "the only program on egress of the socket's cgroup");
}

TEST(HookAttribution, AProgramAttachedTwiceIsOneSuspect) {
  HookJudgement judgement = Judge(Look(Hook::kTcIngress, {Cls(100, 1), Cls(100, 2)}));
  EXPECT_EQ(judgement.evidence, Evidence::kSole);
  EXPECT_EQ(judgement.why, "the only program on tc ingress of veth1, attached there 2 times");
  EXPECT_THAT(Ids(judgement), ElementsAre(100));
  ASSERT_THAT(judgement.suspects[0].attachments, SizeIs(2));
  EXPECT_EQ(judgement.suspects[0].attachments[0].pref, 1u);
  EXPECT_EQ(judgement.suspects[0].attachments[1].pref, 2u);

  judgement = Judge(Look(Hook::kTcIngress, {Cls(100, 1), Cls(101, 2), Cls(100, 3)}));
  EXPECT_EQ(judgement.evidence, Evidence::kCandidates);
  EXPECT_THAT(judgement.why, HasSubstr("one of 2 programs there"));
  EXPECT_THAT(Ids(judgement), ElementsAre(100, 101));
  EXPECT_THAT(judgement.suspects[0].attachments, SizeIs(2));
}

TEST(HookAttribution, SuspectsComeInTheOrderInWhichTheyRun) {
  EXPECT_THAT(Ids(Judge(Look(Hook::kTcIngress, {Tcx(300), Tcx(100), Cls(200), Cls(50)}))),
              ElementsAre(300, 100, 200, 50));
}

TEST(HookAttribution, XdpVerdicts) {
  for (const Hook hook : {Hook::kXdpNative, Hook::kXdpGeneric}) {
    const HookLook look = Look(hook, {{.kind = Kind::kXdp, .program_id = 9}});
    EXPECT_EQ(Judge(look, true, "NOT_SPECIFIED").verdict, "XDP_DROP");
    EXPECT_EQ(Judge(look, true, "XDP").verdict, "XDP_REDIRECT");
    // Without exceptions nothing tells XDP_DROP from XDP_ABORTED; the program is the same.
    const HookJudgement judgement = Judge(look, true, "NOT_SPECIFIED", false);
    EXPECT_EQ(judgement.verdict, "");
    EXPECT_EQ(judgement.evidence, Evidence::kSole);
  }
}

TEST(HookAttribution, HooksInWords) {
  HookLook look = Look(Hook::kXdpNative, {});
  EXPECT_EQ(HookInWords(look), "native XDP of veth1");
  look.walk.hook = Hook::kXdpGeneric;
  EXPECT_EQ(HookInWords(look), "generic XDP of veth1");
  look.ifname.clear();
  EXPECT_EQ(HookInWords(look), "generic XDP of ifindex 7");
  look.walk.hook = Hook::kSocket;
  EXPECT_EQ(HookInWords(look), "the receiving socket and its cgroup");
  look.walk.hook = Hook::kNone;
  EXPECT_EQ(HookInWords(look), "no hook");
}

Entry Ran(Entry entry, uint8_t runs) {
  entry.chain = 0;
  entry.runs = runs;
  return entry;
}

HookLook Counted(std::vector<Entry> entries) {
  HookLook look = Look(Hook::kTcIngress, std::move(entries));
  look.walk.counted = true;
  return look;
}

TEST(HookAttribution, RunCountsTellTheLastThatRan) {
  const HookLook second = Counted({Ran(Tcx(1), 1), Ran(Cls(2), 1), Ran(Cls(3), 0)});
  const HookJudgement judgement = Judge(second, /*confirmed=*/false);
  EXPECT_EQ(judgement.evidence, Evidence::kVerdict);
  EXPECT_EQ(judgement.verdict, "TC_ACT_SHOT");
  EXPECT_THAT(Ids(judgement), ElementsAre(2));
  // Twice on the hook, and it ran twice: it was the second time.
  EXPECT_THAT(Ids(Judge(Counted({Ran(Tcx(1), 2), Ran(Cls(2), 1), Ran(Cls(1), 2)}))),
              ElementsAre(1));
}

TEST(HookAttribution, RunCountsThatProveNothingLeaveCandidates) {
  // More runs than places, a hole in the row, none at all, too many to count, a filter of the
  // kernel's between, another chain, and a program that ran though its protocol is another one.
  Entry other_protocol = Ran(Cls(2), 1);
  other_protocol.other_protocol = true;
  Entry chained = Ran(Cls(2), 1);
  chained.chain = 5;
  Entry indirect = Ran(Cls(2), 1);
  indirect.not_direct = true;
  Entry classifier;
  classifier.kind = HookWalk::Kind::kClassifier;
  classifier.classifier = "u32";
  for (const HookLook& look :
       {Counted({Ran(Tcx(1), 2), Ran(Cls(2), 0)}), Counted({Ran(Tcx(1), 0), Ran(Cls(2), 1)}),
        Counted({Ran(Tcx(1), 0), Ran(Cls(2), 0)}), Counted({Ran(Tcx(1), 255), Ran(Cls(2), 1)}),
        Counted({Ran(Tcx(1), 1), classifier}), Counted({Ran(Tcx(1), 1), chained}),
        Counted({Ran(Tcx(1), 1), other_protocol}), Counted({Ran(Tcx(1), 1), indirect})}) {
    EXPECT_EQ(Judge(look).evidence, Evidence::kCandidates);
  }
  const HookLook good = Counted({Ran(Tcx(1), 1), Ran(Cls(2), 0)});
  EXPECT_EQ(Judge(good).evidence, Evidence::kVerdict);
  EXPECT_EQ(Judge(good, true, "TC_INGRESS", true, /*runs_elsewhere=*/true).evidence,
            Evidence::kCandidates);
  HookLook uncounted = good;
  uncounted.walk.counted = false;
  EXPECT_EQ(Judge(uncounted).evidence, Evidence::kCandidates);
}

TEST(HookAttribution, ThoseOfBeforeAreNamedTooWhereTheListHadJustChanged) {
  NetnsNames names;
  HookJudgement judgement = Judge(Look(Hook::kTcIngress, {Tcx(2)}), /*confirmed=*/false);
  AddEarlierSuspects(
      SuspectsOf(Look(Hook::kTcIngress, {Tcx(1), Tcx(2), Classifier("u32", 7)}), names),
      &judgement);
  EXPECT_EQ(judgement.evidence, Evidence::kCandidates);
  EXPECT_THAT(Ids(judgement), ElementsAre(2, 1));
  EXPECT_THAT(judgement.why, HasSubstr("had just changed"));

  // Detached in that moment.
  judgement = Judge(Look(Hook::kTcIngress, {}), /*confirmed=*/false);
  EXPECT_EQ(judgement.evidence, Evidence::kNone);
  AddEarlierSuspects(SuspectsOf(Look(Hook::kTcIngress, {Tcx(1)}), names), &judgement);
  EXPECT_EQ(judgement.evidence, Evidence::kCandidates);
  EXPECT_THAT(Ids(judgement), ElementsAre(1));

  // Nothing new: nothing changes.
  const std::string why = judgement.why;
  AddEarlierSuspects(SuspectsOf(Look(Hook::kTcIngress, {Tcx(1)}), names), &judgement);
  EXPECT_THAT(Ids(judgement), ElementsAre(1));
  EXPECT_EQ(judgement.why, why);
}

// ---- What the last program returned for the packet ----

Entry InChain0(Entry entry) {
  entry.chain = 0;
  return entry;
}

HookLook Returned(HookLook look, uint32_t program_id, int32_t verdict, uint32_t part_id = 0) {
  look.walk.exit = {.program_id = program_id, .part_id = part_id, .verdict = verdict};
  return look;
}

TEST(HookAttribution, TheOneThatReturnedADropIsTheOne) {
  const HookLook look = Look(Hook::kTcEgress, {Tcx(100), Cls(101), Classifier("u32", 50)});
  for (const bool confirmed : {true, false}) {
    const HookJudgement judgement = Judge(Returned(look, 101, 2), confirmed, "TC_EGRESS");
    EXPECT_EQ(judgement.evidence, Evidence::kVerdict);
    EXPECT_EQ(judgement.verdict, "TC_ACT_SHOT");
    EXPECT_EQ(judgement.why, "what it returned for this packet on tc egress of veth1");
    EXPECT_TRUE(judgement.settled) << "whatever was there a moment before";
    EXPECT_THAT(Ids(judgement), ElementsAre(101));
    ASSERT_THAT(judgement.suspects[0].attachments, SizeIs(1));
    EXPECT_EQ(judgement.suspects[0].attachments[0].pref, 49152u);
  }
}

TEST(HookAttribution, NobodyIsBlamedForAPacketThatTheLastProgramLetPass) {
  const HookLook look = Look(Hook::kTcIngress, {Classifier("u32", 10), InChain0(Cls(101, 20))});
  const HookJudgement judgement = Judge(Returned(look, 101, -1));
  EXPECT_EQ(judgement.evidence, Evidence::kNone);
  EXPECT_THAT(judgement.suspects, IsEmpty());
  EXPECT_TRUE(judgement.settled);
  EXPECT_EQ(
      judgement.why,
      "the last program on tc ingress of veth1 let this packet pass (TC_ACT_UNSPEC): something "
      "else there dropped it");
}

TEST(HookAttribution, WhereAPassSaysNothingTheListDecides) {
  // Another program comes after it.
  const HookLook two = Look(Hook::kTcIngress, {InChain0(Cls(100, 10)), InChain0(Cls(101, 20))});
  EXPECT_EQ(Judge(Returned(two, 100, -1)).evidence, Evidence::kCandidates);
  // A list of several chains is not run from its beginning to its end.
  Entry elsewhere = Cls(101, 20);
  elsewhere.chain = 7;
  const HookLook chains = Look(Hook::kTcIngress, {elsewhere});
  EXPECT_EQ(Judge(Returned(chains, 101, -1)).evidence, Evidence::kSole);
  HookLook truncated = Look(Hook::kTcIngress, {Tcx(100)});
  truncated.walk.truncated = true;
  EXPECT_EQ(Judge(Returned(truncated, 100, -1)).evidence, Evidence::kCandidates);
}

TEST(HookAttribution, AReturnOfWhoeverIsNotOnTheListSaysNothing) {
  const HookLook two = Look(Hook::kTcIngress, {Tcx(100), Tcx(101)});
  EXPECT_EQ(Judge(Returned(two, 99, 2)).evidence, Evidence::kCandidates);
}

TEST(HookAttribution, AFilterWithoutDirectActionReturnsNoVerdict) {
  Entry classic = Cls(100);
  classic.not_direct = true;
  EXPECT_EQ(Judge(Returned(Look(Hook::kTcIngress, {classic}), 100, 2)).evidence,
            Evidence::kCandidates);
}

TEST(HookAttribution, OfAProgramAttachedTwiceTheCountsTellThePlace) {
  HookLook look = Look(Hook::kTcIngress,
                       {InChain0(Cls(100, 10)), InChain0(Cls(101, 20)), InChain0(Cls(100, 30))});
  EXPECT_EQ(Judge(Returned(look, 100, 2)).evidence, Evidence::kCandidates);
  look.walk.counted = true;
  look.walk.entries[0].runs = look.walk.entries[2].runs = 2;
  look.walk.entries[1].runs = 1;
  const HookJudgement judgement = Judge(Returned(look, 100, 2));
  EXPECT_EQ(judgement.evidence, Evidence::kVerdict);
  ASSERT_THAT(judgement.suspects.at(0).attachments, SizeIs(1));
  EXPECT_EQ(judgement.suspects[0].attachments[0].pref, 30u);
}

TEST(HookAttribution, OfADispatcherThePartIsNamed) {
  const HookLook look = Look(Hook::kXdpNative, {{.kind = Kind::kXdp, .program_id = 9}});
  const HookJudgement judgement = Judge(Returned(look, 9, 1, 12), true, "NOT_SPECIFIED");
  EXPECT_EQ(judgement.evidence, Evidence::kVerdict);
  EXPECT_EQ(judgement.verdict, "XDP_DROP");
  EXPECT_THAT(Ids(judgement), ElementsAre(12));
  const Attachment& attachment = judgement.suspects[0].attachments.at(0);
  EXPECT_EQ(attachment.program_id, 12u);
  EXPECT_EQ(attachment.dispatcher_id, 9u);
  EXPECT_EQ(attachment.mode, "native");
}

TEST(HookAttribution, Netkit) {
  const HookLook look =
      Look(Hook::kNetkit, {{.kind = Kind::kNetkit, .program_id = 9, .link_id = 57}});
  const HookJudgement sole = Judge(look, true, "NOT_SPECIFIED");
  EXPECT_EQ(sole.evidence, Evidence::kSole);
  EXPECT_EQ(sole.why, "the only program on netkit towards veth1");
  const Attachment& attachment = sole.suspects.at(0).attachments.at(0);
  EXPECT_EQ(attachment.hook, "netkit");
  EXPECT_EQ(attachment.link_id, 57u);
  EXPECT_EQ(attachment.ifindex, 0u) << "the packet's device is the other end";
  EXPECT_EQ(Judge(Returned(look, 9, 2), true, "NOT_SPECIFIED").verdict, "NETKIT_DROP");
}

}  // namespace
}  // namespace correlate
