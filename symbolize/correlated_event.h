// The values that leave symbolize/: an event with its names, its stack and what it is attributed
// to. Everything here is borrowed from whoever produced it and valid until the sink returns; `id`
// of frames, stacks and attributions is unique within one producer and never reused, so a consumer
// may intern by id.
#ifndef SYMBOLIZE_CORRELATED_EVENT_H_
#define SYMBOLIZE_CORRELATED_EVENT_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "collector/event.h"

namespace correlate {

enum class FrameKind { kUnknown, kKernel, kModule, kBpf, kBpfTrampoline, kBpfDispatcher, kUser };
absl::string_view FrameKindName(FrameKind kind);  // "kernel", "bpf_trampoline", ...

struct Frame {
  uint64_t id = 0;
  uint64_t address = 0;
  std::string symbol;   // "kfree_skb_reason", "bpf_prog_54b8cbdd07165999_decide"; empty if unknown
  uint64_t offset = 0;  // address - start of symbol
  FrameKind kind = FrameKind::kUnknown;
  std::string module;  // kModule
  // kBpf, where known:
  uint32_t program_id = 0;  // 0: unknown
  std::string function;
  std::string file;
  uint32_t line = 0;  // 0: unknown
};

struct Stack {
  uint64_t id = 0;
  std::vector<const Frame*> frames;  // leaf first
};

// Strongest first, as in docs/json.md.
enum class Evidence { kEvent, kVerdict, kStack, kSole, kSampled, kCandidates, kNone };
absl::string_view EvidenceName(Evidence evidence);  // "event", "stack", "none"

// What an attribution says of one program; enough to be understood without the program table.
struct BlamedProgram {
  uint32_t id = 0;
  uint64_t load_time_ns = 0;  // 0: unknown
  std::string name;
  std::string tag;        // 16 hexadecimal digits; empty: unknown
  std::string type_name;  // "xdp"; empty: unknown
  std::string function;   // where the evidence points inside the program; empty: unknown
  std::string file;
  uint32_t line = 0;
  std::vector<Attachment> attachments;  // those that fit the event
};

struct Attribution {
  uint64_t id = 0;
  Evidence evidence = Evidence::kNone;
  std::string verdict;                  // "XDP_ABORTED"; empty: unknown
  std::string why;                      // one plain sentence, never empty
  std::vector<BlamedProgram> programs;  // empty exactly for kNone
  // The packet is that of the XDP exception right before, which stands for it: not another one.
  bool follows_exception = false;
  // Of an XDP exception: the program that the event names, which may be a dispatcher of those
  // below. Not in a trace.
  uint32_t attached_id = 0;
};

// A pointer field of the event that is an address of code (kfree_skb's `location`), resolved.
struct CodePointer {
  std::string field;
  const Frame* frame = nullptr;
};

// Who was attached to one hook of one device (or of one socket's cgroup) when a packet was freed.
struct HookLook {
  uint64_t id = 0;
  uint64_t list_id = 0;  // the same for looks that saw the same list, whatever ran of it
  bool has_netns = false;
  NetnsId netns;
  uint32_t ifindex = 0;
  std::string ifname;
  HookWalk walk;
};

struct CorrelatedEvent {
  uint64_t time_ns = 0;  // CLOCK_MONOTONIC of the recording host
  uint32_t cpu = 0;
  int32_t pid = 0;
  int32_t tid = 0;
  absl::string_view comm;               // of tid at that time; empty: unknown
  const EventFormat* format = nullptr;  // never null; text may be empty in a damaged trace
  absl::Span<const uint8_t> raw;
  const Stack* stack = nullptr;  // null: no callchain was taken
  bool stack_omitted = false;  // one was not taken because enough had been, of this kind or in all
  absl::Span<const CodePointer> code_pointers;
  Context context = Context::kUnknown;  // outside kTask the process is whoever was interrupted
  const Packet* packet = nullptr;       // null: the event told none
  CapturedPacket captured;
  const HookLook* look = nullptr;            // null: no hook was walked
  const Attribution* attribution = nullptr;  // null: an event that attribution does not apply to
};

// EventKindCount with its names.
struct KindCount {
  uint64_t time_ns = 0;  // as of then
  const EventFormat* format = nullptr;
  const Frame* location = nullptr;  // null: the event has none
  EventKindCount count;
};

}  // namespace correlate

#endif  // SYMBOLIZE_CORRELATED_EVENT_H_
