#include "symbolize/attribution.h"

#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Hook = HookWalk::Hook;
using ::testing::IsEmpty;
using ::testing::SizeIs;

FormatField Field(const std::string& name, uint32_t offset) {
  return {.name = name, .type = "int", .offset = offset, .size = 4};
}

class AttributionTest : public ::testing::Test {
 protected:
  AttributionTest() {
    drop_.id = 0;
    drop_.system = "skb";
    drop_.name = "kfree_skb";
    drop_.fields = {Field("reason", 0)};
    drop_.fields[0].names = {{2, "NOT_SPECIFIED"}, {3, "NO_SOCKET"}, {80, "TC_EGRESS"},
                             {81, "TC_INGRESS"},   {82, "XDP"},      {83, "SOCKET_FILTER"}};
    xdp_.id = 1;
    xdp_.system = "xdp";
    xdp_.name = "xdp_exception";
    xdp_.fields = {Field("prog_id", 0), Field("act", 4), Field("ifindex", 8)};
    xdp_.fields[1].names = {{0, "ABORTED"}, {1, "DROP"}, {3, "TX"}};
  }

  void AddProgram(uint32_t id, const std::string& type, const std::string& name,
                  bool ours = false) {
    ProgramInfo info;
    info.id = id;
    info.type_name = type;
    info.name = name;
    info.load_time_ns = 10;
    info.opened = true;
    info.ours = ours;
    programs_.AddProgram(info);
  }

  const Frame* Kernel(const std::string& symbol) {
    Frame& frame = frames_.emplace_back();
    frame.kind = FrameKind::kKernel;
    frame.symbol = symbol;
    return &frame;
  }
  const Frame* Bpf(uint32_t program_id, const std::string& function = "f") {
    Frame& frame = frames_.emplace_back();
    frame.kind = FrameKind::kBpf;
    frame.symbol = "bpf_prog_0102030405060708_" + function;
    frame.program_id = program_id;
    frame.function = function;
    frame.file = "drop.c";
    frame.line = 14;
    return &frame;
  }

  const Attribution* Drop(uint32_t reason, std::vector<const Frame*> frames) {
    Stack& stack = stacks_.emplace_back();
    stack.id = stacks_.size();
    stack.frames = std::move(frames);
    AttributionRequest request;
    request.format = &drop_;
    request.raw = Raw({reason});
    request.time_ns = 1000;
    request.stack = &stack;
    return attributor_.Attribute(request);
  }
  // A drop that came with a look at the hook.
  const Attribution* DropAt(uint32_t reason, const HookLook& look, bool confirmed = true,
                            const Attribution* exception = nullptr,
                            std::vector<const Frame*> frames = {}) {
    Stack& stack = stacks_.emplace_back();
    stack.id = stacks_.size();
    stack.frames = std::move(frames);
    AttributionRequest request;
    request.format = &drop_;
    request.raw = Raw({reason});
    request.time_ns = 1000;
    request.stack = stack.frames.empty() ? nullptr : &stack;
    request.seen = {.look = &look, .confirmed = confirmed};
    request.exception = exception;
    request.exceptions_recorded = true;
    return attributor_.Attribute(request);
  }
  const HookLook& Look(HookWalk::Hook hook, HookWalk::Kind kind, std::vector<uint32_t> programs) {
    HookLook& look = looks_.emplace_back();
    look.id = looks_.size();
    look.has_netns = true;
    look.netns = {1, 1};
    look.ifindex = 4;
    look.ifname = "veth1";
    look.walk.hook = hook;
    for (const uint32_t program : programs) {
      look.walk.entries.push_back({.kind = kind, .program_id = program});
    }
    return look;
  }
  const HookLook& Tc(HookWalk::Hook hook, std::vector<uint32_t> programs) {
    return Look(hook, HookWalk::Kind::kTcx, std::move(programs));
  }
  const HookLook& Xdp(HookWalk::Hook hook, std::vector<uint32_t> programs) {
    return Look(hook, HookWalk::Kind::kXdp, std::move(programs));
  }
  const Attribution* Exception(uint32_t program, uint32_t act, uint32_t ifindex) {
    AttributionRequest request;
    request.format = &xdp_;
    request.raw = Raw({program, act, ifindex});
    request.time_ns = 1000;
    return attributor_.Attribute(request);
  }
  absl::Span<const uint8_t> Raw(std::vector<uint32_t> values) {
    raw_.resize(values.size() * 4);
    std::memcpy(raw_.data(), values.data(), raw_.size());
    return raw_;
  }

  EventFormat drop_;
  EventFormat xdp_;
  ProgramTable programs_;
  AttachmentTable attachments_;
  NetnsNames names_;
  Attributor attributor_{&programs_, &attachments_, &names_};
  std::deque<Frame> frames_;
  std::deque<Stack> stacks_;
  std::deque<HookLook> looks_;
  std::vector<uint8_t> raw_;
};

TEST_F(AttributionTest, AFreeInsideAHelperBlamesTheProgramThatCalledIt) {
  AddProgram(90, "sched_cls", "mirror");
  const Attribution* a =
      Drop(2, {Kernel("kfree_skb"), Kernel("bpf_clone_redirect"), Bpf(90, "clone_to"),
               Bpf(90, "mirror"), Kernel("cls_bpf_classify")});
  EXPECT_EQ(a->evidence, Evidence::kStack);
  ASSERT_THAT(a->programs, SizeIs(1));
  EXPECT_EQ(a->programs[0].id, 90u);
  EXPECT_EQ(a->programs[0].function, "clone_to");
  EXPECT_EQ(a->programs[0].line, 14u);
}

TEST_F(AttributionTest, APrintedLineIsItsProgramsWhateverItsType) {
  AddProgram(7, "kprobe", "watch");
  EventFormat format;
  format.id = 9;
  format.system = "bpf_trace";
  format.name = "bpf_trace_printk";
  const auto printed = [&](std::vector<const Frame*> frames) {
    Stack& stack = stacks_.emplace_back();
    stack.id = stacks_.size();
    stack.frames = std::move(frames);
    AttributionRequest request;
    request.format = &format;
    request.time_ns = 1000;
    request.stack = &stack;
    return attributor_.Attribute(request);
  };
  const Attribution* line = printed({Kernel("bpf_trace_printk"), Bpf(7, "on_open"), Bpf(8)});
  EXPECT_EQ(line->evidence, Evidence::kStack);
  ASSERT_EQ(line->programs.size(), 1);
  EXPECT_EQ(line->programs[0].name, "watch");
  EXPECT_EQ(line->programs[0].function, "on_open");
  EXPECT_EQ(printed({Bpf(7), Kernel("kfree_skb_reason")})->evidence, Evidence::kNone);
  EXPECT_EQ(printed({Kernel("bpf_trace_printk"), Kernel("other"), Bpf(7)})->evidence,
            Evidence::kNone);
}

TEST_F(AttributionTest, ObserversOnTheChainAreNeverBlamed) {
  AddProgram(1, "tracing", "on_kfree");
  AddProgram(2, "raw_tracepoint", "other_tool");
  AddProgram(3, "sched_cls", "ours", /*ours=*/true);
  for (const uint32_t id : {1, 2, 3}) {
    const Attribution* a = Drop(3, {Kernel("kfree_skb"), Bpf(id), Kernel("bpf_trace_run4")});
    EXPECT_EQ(a->evidence, Evidence::kNone) << id;
    EXPECT_THAT(a->programs, IsEmpty());
    EXPECT_FALSE(a->why.empty());
  }
  // Behind an observer the culprit still counts.
  AddProgram(90, "sched_cls", "mirror");
  EXPECT_EQ(Drop(2, {Bpf(1), Kernel("kfree_skb"), Bpf(90)})->programs[0].id, 90u);
}

TEST_F(AttributionTest, AProgramThatWasInterruptedIsNotToBlame) {
  AddProgram(90, "sched_cls", "innocent");
  for (const char* boundary :
       {"asm_sysvec_apic_timer_interrupt", "common_interrupt", "__irq_exit_rcu", "handle_softirqs",
        "__do_softirq", "do_softirq.part.0", "asm_common_interrupt", "el1h_64_irq"}) {
    const Attribution* a = Drop(3, {Kernel("kfree_skb"), Kernel("net_rx_action"), Kernel(boundary),
                                    Bpf(90), Kernel("cls_bpf_classify")});
    EXPECT_EQ(a->evidence, Evidence::kNone) << boundary;
  }
  // The softirq further out than the program is where the program itself runs.
  EXPECT_EQ(Drop(3, {Kernel("kfree_skb"), Bpf(90), Kernel("handle_softirqs")})->evidence,
            Evidence::kStack);
}

TEST_F(AttributionTest, AProgramOfUnknownTypeIsNotBlamed) {
  const Attribution* a = Drop(2, {Kernel("kfree_skb"), Bpf(0), Kernel("cls_bpf_classify")});
  EXPECT_EQ(a->evidence, Evidence::kNone);
  EXPECT_THAT(a->why, HasSubstr("unknown type"));
  // And nobody further out instead of it.
  AddProgram(90, "sched_cls", "further_out");
  EXPECT_EQ(Drop(2, {Kernel("kfree_skb"), Bpf(0), Bpf(90)})->evidence, Evidence::kNone);
}

TEST_F(AttributionTest, AVerdictDropSaysWhereToLookAndBlamesNobody) {
  const Attribution* a = Drop(81, {Kernel("__netif_receive_skb_core")});
  EXPECT_EQ(a->evidence, Evidence::kNone);
  EXPECT_THAT(a->why, HasSubstr("tc or tcx filter on ingress"));
  EXPECT_THAT(Drop(3, {Kernel("udp_rcv")})->why, HasSubstr("NO_SOCKET"));
}

TEST_F(AttributionTest, AnXdpExceptionNamesItsProgram) {
  AddProgram(231, "xdp", "fw_main");
  const Attribution* a = Exception(231, 0, 4);
  EXPECT_EQ(a->evidence, Evidence::kEvent);
  EXPECT_EQ(a->verdict, "XDP_ABORTED");
  ASSERT_THAT(a->programs, SizeIs(1));
  EXPECT_EQ(a->programs[0].name, "fw_main");
  EXPECT_THAT(a->programs[0].attachments, IsEmpty());
  EXPECT_EQ(Exception(231, 42, 4)->verdict, "XDP action 42");
}

TEST_F(AttributionTest, AnExceptionOfAProgramNobodyKnowsNamesItsIdAlone) {
  const Attribution* a = Exception(999, 0, 4);
  EXPECT_EQ(a->evidence, Evidence::kEvent);
  EXPECT_EQ(a->programs[0].id, 999u);
  EXPECT_EQ(a->programs[0].name, "");
  EXPECT_THAT(a->why, HasSubstr("no more than its id"));
  EXPECT_EQ(Exception(0, 0, 4)->evidence, Evidence::kNone);
}

TEST_F(AttributionTest, AnIfindexWithoutItsNamespaceIsNoPlace) {
  AddProgram(231, "xdp", "fw_main");
  EXPECT_EQ(Exception(231, 0, 4)->why,
            "the event names the program; of the place it tells ifindex 4 alone");
  Attachment a = {
      .hook = "xdp", .program_id = 231, .netns = {1, 1}, .ifindex = 4, .ifname = "veth1"};
  attachments_.Add(a);
  a.netns = {2, 2};
  a.netns_name = "blue";
  attachments_.Add(a);
  a.netns = {3, 3};
  a.ifindex = 5;
  attachments_.Add(a);
  const Attribution* exception = Exception(231, 0, 4);
  EXPECT_EQ(exception->evidence, Evidence::kEvent);
  EXPECT_THAT(exception->programs.at(0).attachments, IsEmpty());
  EXPECT_EQ(exception->why,
            "the event names the program; of the place it tells ifindex 4 alone, seen on veth1 of "
            "netns 1, veth1 of netns blue");
}

TEST_F(AttributionTest, EqualAnswersAreOneObject) {
  AddProgram(231, "xdp", "fw_main");
  EXPECT_EQ(Exception(231, 0, 4), Exception(231, 0, 4));
  EXPECT_NE(Exception(231, 0, 4)->id, Exception(231, 1, 4)->id);
}

TEST_F(AttributionTest, BytesShorterThanTheFormatBlameNobody) {
  EXPECT_EQ(attributor_.Attribute({.format = &xdp_, .time_ns = 1000})->evidence, Evidence::kNone);
  EXPECT_EQ(attributor_.Attribute({.format = &drop_, .time_ns = 1000})->evidence, Evidence::kNone);
}

TEST_F(AttributionTest, ALookAtTheHookNamesItsOnlyProgram) {
  AddProgram(100, "sched_cls", "tc_drop");
  names_.Add({.id = {1, 1}, .name = "blue"});
  const Attribution* a = DropAt(81, Tc(Hook::kTcIngress, {100}));
  EXPECT_EQ(a->evidence, Evidence::kSole);
  EXPECT_EQ(a->verdict, "TC_ACT_SHOT");
  EXPECT_FALSE(a->follows_exception);
  ASSERT_THAT(a->programs, SizeIs(1));
  EXPECT_EQ(a->programs[0].name, "tc_drop");
  EXPECT_EQ(a->programs[0].type_name, "sched_cls");
  EXPECT_EQ(a->programs[0].load_time_ns, 10u);
  ASSERT_THAT(a->programs[0].attachments, SizeIs(1));
  EXPECT_EQ(a->programs[0].attachments[0].netns_name, "blue");

  const HookLook& both = Tc(Hook::kTcIngress, {100, 101});
  a = DropAt(81, both);
  EXPECT_EQ(a->evidence, Evidence::kCandidates);
  ASSERT_THAT(a->programs, SizeIs(2));
  EXPECT_EQ(a->programs[1].id, 101u);
  EXPECT_EQ(a->programs[1].name, "");  // nobody knows it
  EXPECT_EQ(DropAt(81, Tc(Hook::kTcIngress, {}))->evidence, Evidence::kNone);
  EXPECT_THAT(DropAt(81, Tc(Hook::kTcIngress, {}))->programs, IsEmpty());
}

TEST_F(AttributionTest, OneLookIsJudgedByWhetherItIsConfirmed) {
  const HookLook& look = Tc(Hook::kTcIngress, {100});
  EXPECT_EQ(DropAt(81, look, false)->evidence, Evidence::kCandidates);
  EXPECT_EQ(DropAt(81, look, true)->evidence, Evidence::kSole);
  EXPECT_EQ(DropAt(81, look, false)->evidence, Evidence::kCandidates);
}

TEST_F(AttributionTest, AnswersFollowWhatIsLearntLater) {
  const HookLook& look = Tc(Hook::kTcIngress, {100});
  EXPECT_EQ(DropAt(81, look)->programs.at(0).attachments.at(0).netns_name, "");
  names_.Add({.id = {1, 1}, .name = "blue"});
  EXPECT_EQ(DropAt(81, look)->programs.at(0).attachments.at(0).netns_name, "blue");
  AddProgram(100, "sched_cls", "tc_drop");
  EXPECT_EQ(DropAt(81, look)->programs.at(0).name, "tc_drop");
}

TEST_F(AttributionTest, AHooksProgramIsBlamedAndNotWhoeverCalledIntoTheHook) {
  // mirror clones a packet to a device whose egress filter refuses the clone.
  AddProgram(90, "sched_cls", "mirror");
  AddProgram(100, "sched_cls", "egress_filter");
  const std::vector<const Frame*> frames = {Kernel("__dev_queue_xmit"),
                                            Kernel("bpf_clone_redirect"), Bpf(90, "mirror")};
  const Attribution* a = DropAt(80, Tc(Hook::kTcEgress, {100}), true, nullptr, frames);
  EXPECT_EQ(a->evidence, Evidence::kSole);
  ASSERT_THAT(a->programs, SizeIs(1));
  EXPECT_EQ(a->programs[0].name, "egress_filter");
  // Also where nothing can be named there.
  a = DropAt(80, Tc(Hook::kTcEgress, {}), true, nullptr, frames);
  EXPECT_EQ(a->evidence, Evidence::kNone);
  EXPECT_THAT(a->programs, IsEmpty());
}

TEST_F(AttributionTest, AHooksReasonWithoutALookIsNotBlamedOnTheCallchain) {
  AddProgram(90, "sched_cls", "mirror");
  for (const uint32_t reason : {80, 81, 82, 83}) {
    const Attribution* a =
        Drop(reason, {Kernel("__dev_queue_xmit"), Kernel("bpf_clone_redirect"), Bpf(90)});
    EXPECT_EQ(a->evidence, Evidence::kNone) << reason;
    EXPECT_THAT(a->programs, IsEmpty()) << reason;
    EXPECT_THAT(a->why, HasSubstr("points to")) << reason;
  }
}

TEST_F(AttributionTest, WithoutACallchainTheReasonStillPointsToItsHook) {
  AttributionRequest request = {.format = &drop_, .raw = Raw({81}), .time_ns = 1000};
  EXPECT_THAT(attributor_.Attribute(request)->why, HasSubstr("tc or tcx filter on ingress"));
  request.raw = Raw({3});
  EXPECT_EQ(attributor_.Attribute(request)->why, "no callchain was recorded");
}

TEST_F(AttributionTest, ThePacketOfAnExceptionFollowsIt) {
  AddProgram(231, "xdp", "fw_main");
  const Attribution* exception = Exception(231, 0, 4);
  for (const Hook hook : {Hook::kXdpNative, Hook::kXdpGeneric}) {
    // Even where nothing confirms the look: the exception does.
    const Attribution* a = DropAt(2, Xdp(hook, {231}), false, exception);
    EXPECT_EQ(a->evidence, Evidence::kVerdict);
    EXPECT_EQ(a->verdict, "XDP_ABORTED");
    EXPECT_TRUE(a->follows_exception);
    EXPECT_NE(a->id, exception->id);
    ASSERT_THAT(a->programs, SizeIs(1));
    EXPECT_EQ(a->programs[0].name, "fw_main");
  }
  const Attribution* unknown = Exception(231, 42, 4);
  EXPECT_EQ(DropAt(2, Xdp(Hook::kXdpNative, {231}), true, unknown)->verdict, "XDP action 42");
}

TEST_F(AttributionTest, OnlyADropAtTheHookOfTheSameProgramFollowsAnException) {
  AddProgram(231, "xdp", "fw_main");
  const Attribution* exception = Exception(231, 0, 4);
  const Attribution* a = DropAt(2, Xdp(Hook::kXdpNative, {232}), true, exception);
  EXPECT_FALSE(a->follows_exception);
  EXPECT_EQ(a->evidence, Evidence::kSole);
  EXPECT_EQ(a->programs.at(0).id, 232u);
  a = DropAt(2, Xdp(Hook::kXdpNative, {}), true, exception);
  EXPECT_FALSE(a->follows_exception);
  EXPECT_EQ(a->evidence, Evidence::kNone);
  a = DropAt(81, Tc(Hook::kTcIngress, {231}), true, exception);
  EXPECT_FALSE(a->follows_exception);
  EXPECT_EQ(a->verdict, "TC_ACT_SHOT");
  a = DropAt(2, Xdp(Hook::kXdpNative, {231}));
  EXPECT_FALSE(a->follows_exception);
  EXPECT_EQ(a->verdict, "XDP_DROP");
}

TEST_F(AttributionTest, NativeXdpThatCouldNotSendFreesNoPacket) {
  const Attribution* tx = Exception(231, 3, 4);
  ASSERT_EQ(tx->verdict, "XDP_TX");
  const Attribution* a = DropAt(2, Xdp(Hook::kXdpNative, {231}), true, tx);
  EXPECT_FALSE(a->follows_exception);
  EXPECT_EQ(a->verdict, "XDP_DROP");
  // Generic XDP does (net/core/dev.c, generic_xdp_tx).
  EXPECT_TRUE(DropAt(2, Xdp(Hook::kXdpGeneric, {231}), true, tx)->follows_exception);
}

TEST_F(AttributionTest, WithoutExceptionsRecordedAnXdpVerdictIsUnknown) {
  const HookLook& look = Xdp(Hook::kXdpNative, {231});
  AttributionRequest request = {.format = &drop_, .raw = Raw({2}), .time_ns = 1000};
  request.seen = {.look = &look, .confirmed = true};
  EXPECT_EQ(attributor_.Attribute(request)->verdict, "");
  request.exceptions_recorded = true;
  EXPECT_EQ(attributor_.Attribute(request)->verdict, "XDP_DROP");
}

TEST_F(AttributionTest, AnExceptionsNamespaceTellsItsAttachment) {
  AddProgram(231, "xdp", "fw_main");
  attachments_.Add({.hook = "xdp", .program_id = 231, .netns = {1, 1}, .ifindex = 4});
  attachments_.Add({.hook = "xdp", .program_id = 231, .netns = {2, 2}, .ifindex = 4});
  for (const uint64_t netns : {1, 2}) {
    Packet packet = {.has_netns = true, .netns = {netns, netns}, .ifindex = 4};
    const Attribution* a = attributor_.Attribute(
        {.format = &xdp_, .raw = Raw({231, 0, 4}), .time_ns = 1000, .packet = &packet});
    ASSERT_THAT(a->programs.at(0).attachments, SizeIs(1));
    EXPECT_EQ(a->programs[0].attachments[0].netns.inode, netns);
    EXPECT_EQ(a->why, "the event names the program");
  }
}

TEST_F(AttributionTest, OneProgramInTwoCgroupsIsToldApart) {
  AddProgram(7, "cgroup_skb", "refuse");
  HookLook look;
  look.walk.hook = HookWalk::Hook::kCgroupEgress;
  look.walk.entries = {{.kind = HookWalk::Kind::kCgroup, .program_id = 7}};
  for (const uint64_t cgroup : {100, 200}) {
    look.id = cgroup;
    look.walk.cgroup_id = cgroup;
    AttributionRequest request = {.format = &drop_, .raw = Raw({2}), .time_ns = 1000};
    request.seen = {.look = &look, .confirmed = true};
    const Attribution* a = attributor_.Attribute(request);
    ASSERT_THAT(a->programs, SizeIs(1));
    EXPECT_EQ(a->programs[0].attachments.at(0).cgroup_id, cgroup);
  }
}

TEST_F(AttributionTest, WhatWasReturnedTellsAnExceptionsPacketToo) {
  AddProgram(231, "xdp", "fw_main");
  HookLook look = Xdp(Hook::kXdpNative, {231});
  const auto drop = [&](int32_t verdict, uint64_t id) {
    look.id = id;
    look.walk.exit = {.program_id = 231, .verdict = verdict};
    return DropAt(2, look);
  };
  EXPECT_TRUE(drop(0, 1001)->follows_exception);
  EXPECT_EQ(drop(0, 1001)->verdict, "XDP_ABORTED");
  EXPECT_TRUE(drop(42, 1002)->follows_exception);
  EXPECT_FALSE(drop(1, 1003)->follows_exception) << "a plain XDP_DROP";
}

// ---- Behind a dispatcher ----

class DispatcherTest : public AttributionTest {
 protected:
  static constexpr uint32_t kDispatcher = 9;

  DispatcherTest() { AddProgram(kDispatcher, "xdp", "xdp_dispatcher"); }
  void AddPart(uint32_t id, const std::string& name, uint64_t from_ns = 1, uint32_t ifindex = 4) {
    AddProgram(id, "ext", name);
    attachments_.Add({.hook = "xdp",
                      .mode = "native",
                      .program_id = id,
                      .netns = {1, 1},
                      .ifindex = ifindex,
                      .from_ns = from_ns,
                      .position = ++position_,
                      .dispatcher_id = kDispatcher});
  }
  static std::vector<std::string> Names(const Attribution& attribution) {
    std::vector<std::string> names;
    for (const BlamedProgram& program : attribution.programs) names.push_back(program.name);
    return names;
  }
  uint32_t position_ = 0;
};

TEST_F(DispatcherTest, TheOnlyPartIsNamedInItsPlace) {
  AddPart(12, "firewall");
  AddPart(13, "of another device", 1, 5);
  const Attribution* a = DropAt(2, Xdp(Hook::kXdpNative, {kDispatcher}));
  EXPECT_EQ(a->evidence, Evidence::kSole);
  EXPECT_THAT(Names(*a), ElementsAre("firewall"));
  EXPECT_EQ(a->programs[0].attachments.at(0).dispatcher_id, kDispatcher);
  EXPECT_THAT(a->why, HasSubstr("9 is a dispatcher of 1"));
}

TEST_F(DispatcherTest, OfSeveralPartsEachMayHaveBeenIt) {
  AddPart(12, "counter");
  AddPart(13, "firewall");
  const Attribution* a = DropAt(2, Xdp(Hook::kXdpNative, {kDispatcher}));
  EXPECT_EQ(a->evidence, Evidence::kCandidates);
  EXPECT_THAT(Names(*a), ElementsAre("counter", "firewall"));
  a = Exception(kDispatcher, 0, 4);
  EXPECT_EQ(a->evidence, Evidence::kCandidates);
  EXPECT_EQ(a->verdict, "XDP_ABORTED");
  EXPECT_THAT(Names(*a), ElementsAre("counter", "firewall"));
  for (const BlamedProgram& program : a->programs) EXPECT_THAT(program.attachments, IsEmpty());
}

TEST_F(DispatcherTest, APartThatNoLookSawBeforeMayNotHaveBeenThere) {
  AddPart(12, "firewall", /*from_ns=*/2000);
  EXPECT_EQ(DropAt(2, Xdp(Hook::kXdpNative, {kDispatcher}))->evidence, Evidence::kCandidates);
}

TEST_F(DispatcherTest, WithoutKnownPartsTheDispatcherIsNamed) {
  const Attribution* a = DropAt(2, Xdp(Hook::kXdpNative, {kDispatcher}));
  EXPECT_EQ(a->evidence, Evidence::kSole);
  EXPECT_THAT(Names(*a), ElementsAre("xdp_dispatcher"));
}

TEST_F(DispatcherTest, ThePartThatReturnedTheSameIsNamed) {
  AddPart(12, "counter");
  AddPart(13, "firewall");
  const Attribution* a = attributor_.Attribute(
      {.format = &xdp_, .raw = Raw({kDispatcher, 0, 4}), .time_ns = 1000, .part_id = 13});
  EXPECT_EQ(a->evidence, Evidence::kEvent);
  EXPECT_THAT(Names(*a), ElementsAre("firewall"));
  HookLook look = Xdp(Hook::kXdpNative, {kDispatcher});
  look.walk.exit = {.program_id = kDispatcher, .part_id = 13, .verdict = 0};
  look.id = 1000;
  const Attribution* drop = DropAt(2, look, true, a);
  EXPECT_TRUE(drop->follows_exception);
  EXPECT_EQ(drop->evidence, Evidence::kVerdict);
  EXPECT_THAT(Names(*drop), ElementsAre("firewall"));
}

TEST_F(AttributionTest, OtherEventsAreNobodysFault) {
  EventFormat other;
  other.id = 2;
  other.system = "sched";
  other.name = "sched_switch";
  EXPECT_EQ(attributor_.Attribute({.format = &other, .time_ns = 1000}), nullptr);
}

}  // namespace
}  // namespace correlate
