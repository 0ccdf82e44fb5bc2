#include "symbolize/correlator.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kMs = 1'000'000;
constexpr NetnsId kBlue = {1, 1};

enum FormatId : uint32_t { kDrop, kException, kOther };

FormatField Field(const std::string& name, uint32_t offset, uint32_t size) {
  return {.name = name, .type = "int", .offset = offset, .size = size};
}

EventFormat Format(const std::string& system, const std::string& name,
                   std::vector<FormatField> fields) {
  EventFormat format;
  format.system = system;
  format.name = name;
  format.fields = std::move(fields);
  format.fields.push_back(Field("common_flags", 2, 1));
  return format;
}

EventFormat DropFormat() {
  FormatField location = Field("location", 8, 8);
  location.is_code = true;
  FormatField reason = Field("reason", 16, 4);
  reason.names = {{2, "NOT_SPECIFIED"}, {81, "TC_INGRESS"}};
  return Format("skb", "kfree_skb", {location, reason});
}

EventFormat ExceptionFormat() {
  FormatField act = Field("act", 12, 4);
  act.names = {{0, "ABORTED"}};
  return Format("xdp", "xdp_exception", {Field("prog_id", 8, 4), act, Field("ifindex", 16, 4)});
}

// An event, with what it points to kept.
struct Event {
  CorrelatedEvent event;
  std::string comm;
  std::optional<Packet> packet;
  std::optional<HookLook> look;
  std::optional<Attribution> attribution;
  std::vector<std::string> code;  // "field=symbol"
};

class Keeper : public TraceSink {
 public:
  void OnFormat(const EventFormat& format) override { formats.push_back(format.FullName()); }
  void OnNetns(const Netns& netns) override { namespaces.push_back(netns.name); }
  void OnEvent(const CorrelatedEvent& event) override {
    Event& kept = events.emplace_back();
    kept.event = event;
    kept.comm = std::string(event.comm);
    if (event.packet != nullptr) kept.packet = *event.packet;
    if (event.look != nullptr) kept.look = *event.look;
    if (event.attribution != nullptr) kept.attribution = *event.attribution;
    for (const CodePointer& pointer : event.code_pointers) {
      kept.code.push_back(pointer.field + "=" + pointer.frame->symbol);
    }
  }
  void OnLoss(const Loss& loss) override { lost += loss.count; }

  std::vector<std::string> formats;
  std::vector<std::string> namespaces;
  std::vector<Event> events;
  uint64_t lost = 0;
};

class CorrelatorTest : public ::testing::Test {
 protected:
  CorrelatorTest() {
    correlator_.AddFormat(DropFormat());
    correlator_.AddFormat(ExceptionFormat());
    correlator_.AddFormat(Format("sched", "sched_switch", {}));
    correlator_.SetKernelSymbols(
        *KernelSymbols::Parse("ffffffff81000000 T veth_xdp_rcv_skb\n"
                              "ffffffff81000100 T end_of_text\n"));
  }

  // A look at a namespace in which nothing is.
  void AddNetns(const Netns& netns) {
    AttachmentLook look;
    look.netns = netns;
    correlator_.OnAttachmentNews(look);
  }

  // A place in time and on the machine.
  struct At {
    uint64_t time_ns = 0;
    uint32_t cpu = 0;
    Context context = Context::kSoftirq;
    NetnsId netns = kBlue;
    uint32_t ifindex = 4;
  };

  Enrichment Enriched(const At& at) {
    Enrichment enrichment;
    enrichment.context = at.context;
    enrichment.packet.has_netns = true;
    enrichment.packet.netns = at.netns;
    enrichment.packet.ifindex = at.ifindex;
    enrichment.packet.ifname = "veth1";
    return enrichment;
  }

  const Event& Hit(uint32_t format, const At& at, std::vector<uint8_t> raw,
                   const Enrichment* enrichment) {
    TracepointSample sample;
    sample.time_ns = at.time_ns;
    sample.cpu = at.cpu;
    sample.tid = 4579;
    sample.format_id = format;
    sample.raw = raw;
    sample.enrichment = enrichment;
    correlator_.OnRawEvent(sample);
    return keeper_.events.back();
  }

  static std::vector<uint8_t> Raw(const std::vector<uint32_t>& words_from_8, uint8_t flags = 0) {
    std::vector<uint8_t> raw(8);
    for (const uint32_t word : words_from_8) {
      for (int shift = 0; shift < 32; shift += 8)
        raw.push_back(static_cast<uint8_t>(word >> shift));
    }
    raw[2] = flags;
    return raw;
  }

  const Event& Exception(const At& at, uint32_t program = 231) {
    const Enrichment enrichment = Enriched(at);
    return Hit(kException, at, Raw({program, 0, at.ifindex}), &enrichment);
  }
  // A packet that native XDP dropped.
  const Event& XdpDrop(const At& at, uint32_t program = 231) {
    Enrichment enrichment = Enriched(at);
    enrichment.walk.hook = HookWalk::Hook::kXdpNative;
    enrichment.walk.entries = {{.kind = HookWalk::Kind::kXdp, .program_id = program}};
    return Hit(kDrop, at, Raw({0x81000050, 0xffffffff, 2}), &enrichment);
  }
  const Event& Other(const At& at) {
    const uint8_t flags = at.context == Context::kHardirq   ? 0x08
                          : at.context == Context::kSoftirq ? 0x10
                                                            : 0;
    return Hit(kOther, at, Raw({}, flags), nullptr);
  }
  bool Follows(const At& at) { return XdpDrop(at).attribution->follows_exception; }

  Keeper keeper_;
  Correlator correlator_{&keeper_};
};

TEST_F(CorrelatorTest, ThePlainTracepointsFlagsTellTheContext) {
  const std::vector<std::pair<uint8_t, Context>> cases = {
      {0, Context::kTask},       {0x01 | 0x04, Context::kTask},
      {0x10, Context::kSoftirq}, {0x80, Context::kTask},  // softirqs are off, none is served
      {0x08, Context::kHardirq}, {0x18, Context::kHardirq},
      {0x40, Context::kNmi},     {0x40 | 0x18, Context::kNmi},
  };
  for (const auto& [flags, context] : cases) {
    EXPECT_EQ(Hit(kOther, {}, Raw({}, flags), nullptr).event.context, context) << int{flags};
  }
  EXPECT_EQ(Hit(kOther, {}, {}, nullptr).event.context, Context::kUnknown);
}

TEST_F(CorrelatorTest, AnEnrichmentsContextGoesBeforeTheFlags) {
  for (const Context context : {Context::kUnknown, Context::kTask, Context::kHardirq}) {
    const Enrichment enrichment = Enriched({.context = context});
    EXPECT_EQ(Hit(kDrop, {}, Raw({0, 0, 2}, 0x10), &enrichment).event.context, context);
  }
}

TEST_F(CorrelatorTest, OnlyEnrichedEventsHaveAPacketAndALook) {
  EXPECT_FALSE(Hit(kDrop, {}, Raw({0, 0, 2}), nullptr).packet.has_value());
  const Event& drop = XdpDrop({});
  ASSERT_TRUE(drop.packet.has_value());
  EXPECT_EQ(drop.packet->ifindex, 4u);
  ASSERT_TRUE(drop.look.has_value());
  EXPECT_EQ(drop.look->walk.entries.at(0).program_id, 231u);
  const Event& exception = Exception({});
  EXPECT_TRUE(exception.packet.has_value());
  EXPECT_FALSE(exception.look.has_value());
}

TEST_F(CorrelatorTest, FieldsOfCodeAreResolved) {
  EXPECT_THAT(XdpDrop({}).code, ElementsAre("location=veth_xdp_rcv_skb"));
  EXPECT_THAT(Hit(kDrop, {}, Raw({0, 0, 2}), nullptr).code, IsEmpty());
}

TEST_F(CorrelatorTest, ThePacketRightAfterAnExceptionFollowsIt) {
  EXPECT_EQ(Exception({.time_ns = 1000}).attribution->evidence, Evidence::kEvent);
  const Event& drop = XdpDrop({.time_ns = 2000});
  EXPECT_TRUE(drop.attribution->follows_exception);
  EXPECT_EQ(drop.attribution->evidence, Evidence::kVerdict);
  EXPECT_EQ(drop.attribution->verdict, "XDP_ABORTED");
  // One exception, one packet.
  const Event& next = XdpDrop({.time_ns = 3000});
  EXPECT_FALSE(next.attribution->follows_exception);
  EXPECT_EQ(next.attribution->verdict, "XDP_DROP");
}

TEST_F(CorrelatorTest, ExceptionsBelongToTheirCpu) {
  Exception({.time_ns = 1000, .cpu = 0});
  EXPECT_FALSE(Follows({.time_ns = 1100, .cpu = 1}));
  Other({.time_ns = 1200, .cpu = 1});
  EXPECT_TRUE(Follows({.time_ns = 1300, .cpu = 0}));
}

TEST_F(CorrelatorTest, AnotherEventInBetweenEndsIt) {
  Exception({.time_ns = 1000});
  Other({.time_ns = 1100});
  EXPECT_FALSE(Follows({.time_ns = 1200}));
  // The packet's end was lost: what runs below it goes on.
  Exception({.time_ns = 2000});
  Other({.time_ns = 2100, .context = Context::kTask});
  EXPECT_FALSE(Follows({.time_ns = 2200}));
  // The last one counts.
  Exception({.time_ns = 3000}, 230);
  Exception({.time_ns = 3100}, 231);
  EXPECT_TRUE(Follows({.time_ns = 3200}));
}

TEST_F(CorrelatorTest, WhatInterruptsDoesNotEndIt) {
  Exception({.time_ns = 1000});
  Other({.time_ns = 1100, .context = Context::kHardirq});
  EXPECT_FALSE(Follows({.time_ns = 1200, .context = Context::kHardirq}));
  EXPECT_TRUE(Follows({.time_ns = 1300}));
  // Of an unknown context nothing is known to have been interrupted.
  Exception({.time_ns = 2000, .context = Context::kUnknown});
  Other({.time_ns = 2100, .context = Context::kHardirq});
  EXPECT_FALSE(Follows({.time_ns = 2200, .context = Context::kUnknown}));
}

TEST_F(CorrelatorTest, ExceptionsBelongToTheirDevice) {
  Exception({.time_ns = 1000, .ifindex = 4});
  EXPECT_FALSE(Follows({.time_ns = 1100, .ifindex = 5}));
  Exception({.time_ns = 2000, .netns = {1, 1}});
  EXPECT_FALSE(Follows({.time_ns = 2100, .netns = {1, 2}}));
  Exception({.time_ns = 3000, .netns = {1, 1}});
  EXPECT_FALSE(Follows({.time_ns = 3100, .netns = {2, 1}}));
}

TEST_F(CorrelatorTest, ExceptionsAreForgottenInTime) {
  Exception({.time_ns = 1 * kMs});
  EXPECT_TRUE(Follows({.time_ns = 2 * kMs - 1}));
  Exception({.time_ns = 3 * kMs});
  EXPECT_FALSE(Follows({.time_ns = 4 * kMs}));
  // An event that came too late to be put in order.
  Exception({.time_ns = 5 * kMs});
  EXPECT_FALSE(Follows({.time_ns = 5 * kMs - 1}));
}

TEST_F(CorrelatorTest, APlainExceptionIsFollowedByNobody) {
  Hit(kException, {.time_ns = 1000}, Raw({231, 0, 4}), nullptr);
  EXPECT_FALSE(Follows({.time_ns = 1100}));
}

TEST_F(CorrelatorTest, WithoutThatEventAskedForAnXdpVerdictIsUnknown) {
  Keeper keeper;
  Correlator drops_alone(&keeper);
  drops_alone.AddFormat(DropFormat());
  Enrichment enrichment = Enriched({});
  enrichment.walk.hook = HookWalk::Hook::kXdpNative;
  enrichment.walk.entries = {{.kind = HookWalk::Kind::kXdp, .program_id = 231}};
  const std::vector<uint8_t> raw = Raw({0, 0, 2});
  for (const uint64_t time_ns : {1000, 2000}) {
    TracepointSample sample = {.time_ns = time_ns, .raw = raw, .enrichment = &enrichment};
    drops_alone.OnRawEvent(sample);
  }
  EXPECT_EQ(keeper.events.at(1).attribution->evidence, Evidence::kSole);
  EXPECT_EQ(keeper.events[1].attribution->verdict, "");
}

TEST_F(CorrelatorTest, TheSecondLookConfirmsTheFirst) {
  EXPECT_EQ(XdpDrop({.time_ns = 1000}).attribution->evidence, Evidence::kCandidates);
  EXPECT_EQ(XdpDrop({.time_ns = 2000}).attribution->evidence, Evidence::kSole);
  EXPECT_EQ(XdpDrop({.time_ns = 3'000'000'000}, 232).attribution->evidence, Evidence::kNone);
}

TEST_F(CorrelatorTest, NamespacesHaveTheirNamesInAttributions) {
  const auto name_now = [&] {
    return XdpDrop({}).attribution->programs.at(0).attachments.at(0).netns_name;
  };
  EXPECT_EQ(name_now(), "");
  AddNetns({.id = kBlue, .name = "blue"});
  EXPECT_EQ(name_now(), "blue");
  AddNetns({.id = {1, 2}, .name = "another"});
  EXPECT_EQ(name_now(), "blue");
  EXPECT_THAT(keeper_.namespaces, ElementsAre("blue", "another"));
}

TEST_F(CorrelatorTest, EventsAndLossesAreCounted) {
  Other({});
  correlator_.OnRawEvent(Loss{.source = "skb:kfree_skb", .count = 7});
  EXPECT_EQ(correlator_.events(), 1u);
  EXPECT_EQ(correlator_.lost(), 7u);
  EXPECT_EQ(keeper_.lost, 7u);
  TracepointSample unheard_of;
  unheard_of.format_id = 99;
  correlator_.OnRawEvent(unheard_of);
  EXPECT_EQ(correlator_.events(), 1u);
}

TEST_F(CorrelatorTest, WhatIsForgottenIsFoundOutAnew) {
  Exception({.time_ns = 1000});
  correlator_.Forget(0);
  EXPECT_FALSE(Follows({.time_ns = 1100}));
  for (uint32_t i = 0; i < 5000; ++i) {  // more answers than are kept
    XdpDrop({.time_ns = 2000 + i, .ifindex = 10 + i});
  }
  correlator_.Forget(0);
  Exception({.time_ns = 10'000});
  EXPECT_TRUE(Follows({.time_ns = 10'100}));
  EXPECT_EQ(XdpDrop({.time_ns = 10'200, .ifindex = 10}).attribution->verdict, "");
  EXPECT_EQ(XdpDrop({.time_ns = 10'300, .ifindex = 10}).attribution->verdict, "XDP_DROP");
}

TEST_F(CorrelatorTest, ProgramLoadsAreEventsWhereAskedFor) {
  correlator_.OnRawEvent(BpfProgramRecord{.time_ns = 1, .load = true, .program_id = 5});
  EXPECT_THAT(keeper_.events, IsEmpty());
  correlator_.EmitProgramLoads();
  correlator_.EmitProgramUnloads();
  correlator_.AddTask(9, "loader");
  correlator_.OnRawEvent(BpfProgramRecord{.time_ns = 2, .tid = 9, .load = true, .program_id = 6});
  correlator_.OnRawEvent(BpfProgramRecord{.time_ns = 3, .tid = 9, .load = false, .program_id = 6});
  ASSERT_EQ(keeper_.events.size(), 2u);
  EXPECT_EQ(keeper_.events[0].event.format->FullName(), "bpf:bpf_prog_load");
  EXPECT_EQ(keeper_.events[0].comm, "loader");
  EXPECT_EQ(keeper_.events[1].event.format->FullName(), "bpf:bpf_prog_put_rcu");
  EXPECT_FALSE(keeper_.events[0].attribution.has_value());
}

}  // namespace
}  // namespace correlate
