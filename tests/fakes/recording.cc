#include "tests/fakes/recording.h"

#include <cstring>
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
  sink.OnEvent(event);
  event.packet = nullptr;

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
  sink.OnNote({.time_ns = 2'400'000'000, .text = "something is missing"});
  sink.OnEnd({.time_ns = 3'000'000'000,
              .events = 4,
              .lost = 5,
              .missed = 1,
              .reason = "signal",
              .cpu_time_ns = 70'000'000});
}

}  // namespace correlate
