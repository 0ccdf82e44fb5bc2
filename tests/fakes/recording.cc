#include "tests/fakes/recording.h"

#include <string>
#include <vector>

namespace correlate {
namespace {

// The bytes of a kfree_skb record as Linux 6.18 lays it out.
struct RawDrop {
  uint16_t common_type = 1;
  uint8_t common_flags = 0x10;  // softirq
  uint8_t common_preempt_count = 0;
  int32_t common_pid = 10;
  uint64_t skbaddr = 0xffff8881082f8200;
  uint64_t location = 0xffffffff81e64b01;
  uint64_t rx_sk = 0;
  uint16_t protocol = 2048;
  uint16_t padding = 0;
  uint32_t reason = 3;
};

struct RawException {
  uint16_t common_type = 2;
  uint8_t common_flags = 0;
  uint8_t common_preempt_count = 0;
  int32_t common_pid = 0;
  int32_t prog_id = 231;
  uint32_t act = 0;
  int32_t ifindex = 4;
};

FormatField Number(const char* name, size_t offset, uint32_t size, bool is_signed = false) {
  return {
      .name = name, .offset = static_cast<uint32_t>(offset), .size = size, .is_signed = is_signed};
}

FormatField Pointer(const char* name, size_t offset) {
  FormatField field = Number(name, offset, 8);
  field.is_pointer = true;
  return field;
}

EventFormat DropFormat() {
  EventFormat format;
  format.id = 0;
  format.system = "skb";
  format.name = "kfree_skb";
  format.text = "name: kfree_skb\n";
  format.fields = {Number("common_flags", offsetof(RawDrop, common_flags), 1),
                   Pointer("skbaddr", offsetof(RawDrop, skbaddr)),
                   Pointer("location", offsetof(RawDrop, location)),
                   Pointer("rx_sk", offsetof(RawDrop, rx_sk)),
                   Number("protocol", offsetof(RawDrop, protocol), 2),
                   Number("reason", offsetof(RawDrop, reason), 4)};
  format.fields[2].is_code = true;
  format.fields.back().names = {{2, "NOT_SPECIFIED"}, {3, "NO_SOCKET"}};
  format.print = {{.literal = "skbaddr="},   {.field = "skbaddr", .conversion = "%p"},
                  {.literal = " rx_sk="},    {.field = "rx_sk", .conversion = "%p"},
                  {.literal = " protocol="}, {.field = "protocol", .conversion = "%u"},
                  {.literal = " location="}, {.field = "location", .conversion = "%pS"},
                  {.literal = " reason: "},  {.field = "reason", .conversion = "%s"}};
  return format;
}

EventFormat ExceptionFormat() {
  EventFormat format;
  format.id = 1;
  format.system = "xdp";
  format.name = "xdp_exception";
  format.text = "name: xdp_exception\n";
  format.fields = {Number("common_flags", offsetof(RawException, common_flags), 1),
                   Number("prog_id", offsetof(RawException, prog_id), 4, true),
                   Number("act", offsetof(RawException, act), 4),
                   Number("ifindex", offsetof(RawException, ifindex), 4, true)};
  format.fields[2].names = {{0, "ABORTED"}};
  return format;
}

template <typename Raw>
absl::Span<const uint8_t> Bytes(const Raw& raw) {
  return {reinterpret_cast<const uint8_t*>(&raw), sizeof raw};
}

Attachment XdpAttachment() {
  return {.hook = "xdp",
          .mode = "native",
          .program_id = 231,
          .netns = {4026532213, 17},
          .netns_name =
              "bl\xff"
              "ue\x1b[2J",
          .ifindex = 4,
          .ifname = "veth1",
          .from_ns = 1'000,
          .to_ns = 1'000};
}

}  // namespace

void FeedTestRecording(TraceSink& sink) {
  RecordingFacts facts;
  facts.hostname = "edge-7";
  facts.kernel_release = "6.18.44";
  facts.kernel_version = "#1 SMP";
  facts.machine = "x86_64";
  facts.boot_id = "aaa0b69c";
  facts.online_cpus = 2;
  facts.memory_bytes = uint64_t{8} << 30;
  facts.tool_version = "0.1.0";
  facts.command_line = {"record", "-o", "x.pb"};
  facts.enabled_events = {"skb:kfree_skb", "xdp:xdp_exception"};
  facts.stacks = "all";
  facts.max_stack = 64;
  facts.ring_bytes_per_cpu = 8 << 20;
  facts.side_band_ring_bytes_per_cpu = 640 << 10;
  sink.OnRecording(facts);
  sink.OnClocks({.monotonic_ns = 1'000'000'000,
                 .realtime_ns = 1'763'753'461'000'000'000,
                 .boottime_ns = 1'000'000'000});
  const EventFormat drop = DropFormat();
  const EventFormat exception = ExceptionFormat();
  sink.OnFormat(drop);
  sink.OnFormat(exception);
  ProgramInfo program;
  program.id = 90;
  program.type = 3;
  program.type_name = "sched_cls";
  program.name = "mirror";
  program.load_time_ns = 5;
  program.opened = true;
  sink.OnProgram(program);
  sink.OnNetns({.id = {4026531840, 1}, .name = "ed\nge", .from_ns = 1'000});
  sink.OnAttachment(XdpAttachment());
  sink.OnAttachment({.hook = "tc",
                     .direction = "ingress",
                     .program_id = 90,
                     .netns = {4026531840, 1},
                     .ifindex = 2,
                     .ifname = "eth0",
                     .pref = 49152,
                     .handle = 1,
                     .from_ns = 1'000,
                     .to_ns = 1'000});

  Frame location = {.id = 1,
                    .address = 0xffffffff81e64b01,
                    .symbol = "udp4_lib_rcv",
                    .offset = 47,
                    .kind = FrameKind::kKernel};
  Frame bpf = {.id = 2,
               .address = 0xffffffffc0025b94,
               .symbol = "bpf_prog_54b8cbdd07165999_clone_to",
               .offset = 12,
               .kind = FrameKind::kBpf,
               .program_id = 90,
               .function = "clone_to",
               .file = "src/mirror.c",
               .line = 41};
  Frame module = {.id = 3,
                  .address = 0xffffffffc0100010,
                  .symbol = "cls_bpf_classify",
                  .offset = 16,
                  .kind = FrameKind::kModule,
                  .module = "cls_bpf"};
  Frame unknown = {.id = 4, .address = 0xffffffffa0000000};
  const Stack plain = {.id = 1, .frames = {&location, &unknown}};
  const Stack inside = {.id = 2, .frames = {&location, &bpf, &module}};
  const std::vector<CodePointer> pointers = {{"location", &location}};

  Attribution nobody = {.id = 1,
                        .evidence = Evidence::kNone,
                        .why = "no BPF program on the callchain; reason NO_SOCKET"};
  Attribution freed = {.id = 2,
                       .evidence = Evidence::kStack,
                       .verdict = "NOT_SPECIFIED",
                       .why = "freed inside the program's own call",
                       .programs = {{.id = 90,
                                     .load_time_ns = 5,
                                     .name = "mirror",
                                     .tag = "9ad5a9dc21a38da7",
                                     .type_name = "sched_cls",
                                     .function = "clone_to",
                                     .file = "src/mirror.c",
                                     .line = 41}}};
  Attribution aborted = {.id = 3,
                         .evidence = Evidence::kEvent,
                         .verdict = "XDP_ABORTED",
                         .why = "the event names the program",
                         .programs = {{.id = 231,
                                       .load_time_ns = 6,
                                       .name = "fw\xe4\xb8\xad",
                                       .tag = "0011223344556677",
                                       .type_name = "xdp",
                                       .attachments = {XdpAttachment()}}}};

  Packet tunnelled;
  tunnelled.has_netns = true;
  tunnelled.netns = {4026531840, 1};
  tunnelled.ifindex = 2;
  tunnelled.ifname = "eth\xff\x1b[2J";
  tunnelled.length_bytes = 5099;
  tunnelled.segments = 4;
  tunnelled.ethertype = 0x800;
  tunnelled.has_vlan = true;
  tunnelled.vlan_id = 7;
  tunnelled.outer = {.family = IpFamily::kIpv4,
                     .has_l4 = true,
                     .has_ports = true,
                     .l4 = 17,
                     .sport = 5000,
                     .dport = 4789,
                     .src = {10, 77, 0, 1},
                     .dst = {10, 77, 0, 2}};
  tunnelled.tunnel = Tunnel::kVxlan;
  tunnelled.inner = {.family = IpFamily::kIpv6,
                     .has_l4 = true,
                     .l4 = 58,
                     .src = {0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
                     .dst = {0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};

  CorrelatedEvent event;
  event.time_ns = 2'123'456'789;
  event.cpu = 1;
  event.pid = event.tid = 4579;
  event.comm = "pi\nng";
  event.format = &drop;
  RawDrop raw_drop;
  event.raw = Bytes(raw_drop);
  event.stack = &plain;
  event.code_pointers = pointers;
  event.attribution = &nobody;
  event.context = Context::kSoftirq;
  sink.OnEvent(event);
  event.packet = &tunnelled;
  const uint8_t beginning[] = {0x45, 0, 0, 60, 1, 2, 3};
  event.captured = {.link = CapturedPacket::Link::kIp, .wire_bytes = 60, .bytes = beginning};
  sink.OnEvent(event);
  event.packet = nullptr;
  event.captured = {};

  RawDrop raw_freed;
  raw_freed.reason = 2;
  raw_freed.common_flags = 0;
  event.time_ns = 2'200'000'000;
  event.raw = Bytes(raw_freed);
  event.stack = &inside;
  event.context = Context::kTask;
  event.attribution = &freed;
  sink.OnEvent(event);

  const RawException raw_exception;
  event.time_ns = 2'300'000'000;
  event.pid = event.tid = 0;
  event.comm = "swapper";
  event.format = &exception;
  event.raw = Bytes(raw_exception);
  event.stack = nullptr;
  event.code_pointers = {};
  event.attribution = &aborted;
  sink.OnEvent(event);

  sink.OnLoss({.from_ns = 2'300'000'000,
               .to_ns = 2'400'000'000,
               .cpu = 1,
               .source = "skb:kfree_skb",
               .count = 5});
  sink.OnCounts({.format_id = 0, .cpu = 1, .counted = 9, .written = 3, .lost = 5, .missed = 1});
  MapInfo map;
  map.id = 7;
  map.type_name = "hash";
  map.name = "flows";
  map.key_size = 4;
  sink.OnMap(map);
  ProgramImage image;
  image.program_id = 46;
  image.xlated = std::string("\x95\0\0\0\0\0\0\0", 8);
  image.functions.push_back({.prototype = "int f(void)"});
  image.lines.push_back({.text = "return;", .line = 3});
  image.calls.push_back({.instruction = 1, .target = "helper"});
  sink.OnProgramImage(image);
  sink.OnBtf({.id = 9, .data = "types"});
  MapSnapshot snapshot;
  snapshot.map_id = 7;
  snapshot.reason = "end";
  snapshot.entries.push_back({std::string("\0key", 4), "value"});
  sink.OnMapSnapshot(snapshot);
  sink.OnXdpActions({.program_id = 46, .aborted = 1, .drop = 2, .pass = 3000});
  HostCounters counters = {.time_ns = 2'350'000'000,
                           .source = "device",
                           .netns = {.inode = 4026531840, .cookie = 1},
                           .ifindex = 3,
                           .ifname = "eth0",
                           .counters = {{"rx_dropped", 5}, {"rx_missed_errors", 7}}};
  sink.OnHostCounters(counters);
  sink.OnNote({.time_ns = 2'400'000'000, .text = "something is missing"});
  sink.OnEnd({.time_ns = 3'000'000'000,
              .events = 4,
              .lost = 5,
              .missed = 1,
              .reason = "signal",
              .cpu_time_ns = 70'000'000});
}

void FeedManyEvents(const ManyEvents& many, TraceSink& sink) {
  constexpr uint64_t kStartNs = 1'000'000'000;
  constexpr char kHostile[] = "</script><img src=x onerror=\"document.title='owned'\">";
  RecordingFacts facts;
  facts.hostname = "many-1";
  facts.kernel_release = "6.18.44";
  facts.online_cpus = 2;
  facts.enabled_events = {"skb:kfree_skb", "xdp:xdp_exception"};
  facts.stacks = "all";
  sink.OnRecording(facts);
  sink.OnClocks({.monotonic_ns = kStartNs,
                 .realtime_ns = 1'763'753'461'000'000'000,
                 .boottime_ns = kStartNs});
  EventFormat drop = DropFormat();
  drop.fields.back().names = {{2, "NOT_SPECIFIED"}, {3, "NO_SOCKET"}, {71, "TC_INGRESS"}};
  const EventFormat exception = ExceptionFormat();
  sink.OnFormat(drop);
  sink.OnFormat(exception);

  const NetnsId netns = {4026531840, 1};
  sink.OnNetns({.id = netns, .name = "blue", .from_ns = kStartNs});
  std::vector<Attribution> blamed(many.programs);
  std::vector<Attribution> broken(many.programs);
  std::vector<Packet> packets(many.programs);
  for (uint32_t i = 0; i < many.programs; ++i) {
    ProgramInfo program;
    program.id = 100 + i;
    program.load_time_ns = kStartNs + i;
    program.type_name = i % 2 == 0 ? "sched_cls" : "xdp";
    program.name = i == 0 ? kHostile : "program_" + std::to_string(i);
    program.opened = true;
    sink.OnProgram(program);
    sink.OnProgramImage(
        {.program_id = program.id,
         .load_time_ns = program.load_time_ns,
         .lines = {{.file = "src/many.c", .text = "  return decide(skb);", .line = 10},
                   {.file = "src/many.c", .text = "  if (a < b && c > d)", .line = 9}}});
    const Attachment attachment = {.hook = "tc",
                                   .direction = "ingress",
                                   .program_id = program.id,
                                   .netns = netns,
                                   .netns_name = "blue",
                                   .ifindex = 2 + i,
                                   .ifname = "veth" + std::to_string(i),
                                   .pref = 1,
                                   .handle = 1,
                                   .from_ns = kStartNs,
                                   .to_ns = kStartNs,
                                   .absent_before_ns = kStartNs - 1};
    sink.OnAttachment(attachment);
    sink.OnDevice(
        {.netns = netns, .ifindex = 2 + i, .ifname = attachment.ifname, .from_ns = kStartNs});
    packets[i].has_netns = true;
    packets[i].netns = netns;
    packets[i].ifindex = 2 + i;
    packets[i].ifname = attachment.ifname;
    packets[i].length_bytes = 100 + i;
    packets[i].outer = {.family = IpFamily::kIpv4,
                        .has_l4 = true,
                        .has_ports = true,
                        .l4 = 17,
                        .sport = 5000,
                        .dport = static_cast<uint16_t>(7000 + i),
                        .src = {10, 0, 0, 1},
                        .dst = {10, 0, static_cast<uint8_t>(i), 2}};
    for (auto* attributions : {&blamed, &broken}) {
      Attribution& attribution = (*attributions)[i];
      const bool is_exception = attributions == &broken;
      attribution.id = 1 + i + (is_exception ? many.programs : 0);
      attribution.evidence = is_exception ? Evidence::kEvent : Evidence::kSole;
      attribution.verdict = is_exception ? "XDP_ABORTED" : "TC_ACT_SHOT";
      attribution.why = "as the fake has it";
      attribution.programs = {{.id = program.id,
                               .load_time_ns = program.load_time_ns,
                               .name = program.name,
                               .tag = "00112233445566aa",
                               .type_name = program.type_name,
                               .function = "decide",
                               .file = "src/many.c",
                               .line = 10,
                               .attachments = {attachment}}};
    }
  }
  Attribution nobody = {.id = 1 + 2 * uint64_t{many.programs},
                        .evidence = Evidence::kNone,
                        .why = "no BPF program on the callchain; reason NO_SOCKET"};

  // Stacks share their outer frames.
  std::vector<Frame> frames(20 + many.stacks);
  for (size_t i = 0; i < frames.size(); ++i) {
    frames[i] = {.id = 1 + i,
                 .address = 0xffffffff81000000 + 256 * i,
                 .symbol = "function_" + std::to_string(i),
                 .offset = 16,
                 .kind = i % 7 == 3 ? FrameKind::kBpf : FrameKind::kKernel};
  }
  std::vector<Stack> stacks(many.stacks);
  for (uint32_t i = 0; i < many.stacks; ++i) {
    stacks[i].id = 1 + i;
    stacks[i].frames.push_back(&frames[20 + i]);
    for (uint32_t k = 20; k > i % 5; --k) stacks[i].frames.push_back(&frames[k - 1]);
  }
  const std::vector<CodePointer> pointers = {{"location", &frames[0]}};

  CorrelatedEvent event;
  RawDrop raw_drop;
  RawException raw_exception;
  uint64_t random = 1;
  for (uint64_t i = 0; i < many.events; ++i) {
    random = random * 6364136223846793005 + 1442695040888963407;
    const auto program = static_cast<uint32_t>(random >> 33) % many.programs;
    event.time_ns = kStartNs + 1'000'000 + i * many.step_ns;
    event.cpu = static_cast<uint32_t>(i % 2);
    event.pid = event.tid = 4579;
    event.comm = "ping";
    event.context = Context::kSoftirq;
    event.packet = &packets[program];
    event.stack = many.stacks == 0 ? nullptr : &stacks[(random >> 40) % many.stacks];
    if (i % 1000 == 999) {
      raw_exception.prog_id = static_cast<int32_t>(100 + program);
      event.format = &exception;
      event.raw = Bytes(raw_exception);
      event.code_pointers = {};
      event.attribution = &broken[program];
    } else {
      const bool by_program = random >> 62 != 0;
      raw_drop.reason = by_program ? 71 : 3;
      raw_drop.skbaddr = 0xffff888100000000 + (random & 0xffff00);
      event.format = &drop;
      event.raw = Bytes(raw_drop);
      event.code_pointers = pointers;
      event.attribution = by_program ? &blamed[program] : &nobody;
    }
    sink.OnEvent(event);
  }
  sink.OnEnd({.time_ns = kStartNs + 2'000'000 + many.events * many.step_ns,
              .events = many.events,
              .reason = "end of the fake"});
}

}  // namespace correlate
