// Where programs were attached, and what else stood on their hooks, over time, as looks at the host
// and the kernel's notifications told; with the devices and namespaces they are in. One thread.
#ifndef SYMBOLIZE_ATTACHMENT_TABLE_H_
#define SYMBOLIZE_ATTACHMENT_TABLE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "collector/event.h"
#include "symbolize/seen_over_time.h"

namespace correlate {

// Everything is the same but times, position, and the name that a namespace may get at any time. A
// link that is unknown of one of two XDP attachments is no difference: only one program of a mode
// fits on a device.
bool SamePlace(const Attachment& a, const Attachment& b);

// The same for an entry of a trace and whatever replaces it: place, program and from_ns.
std::string AttachmentIdentity(const Attachment& attachment);

class AttachmentTable {
 public:
  // What news told that was not known: entries with their intervals as of now.
  struct Changes {
    std::vector<Netns> namespaces;
    std::vector<Device> devices;
    std::vector<Attachment> attachments;
  };

  // One thing on a hook at some moment.
  struct OnHook {
    Attachment attachment;  // position and positions are those of that moment
    Certainty certainty = Certainty::kPerhaps;
  };
  struct HookState {
    // All that held at that moment, certainly or perhaps, in the order in which it runs.
    std::vector<OnHook> entries;
    bool obstacles = false;  // one of them is no program and may drop packets as well
    // Looks before and after that moment saw this hook, and nothing differed between them: then
    // the entries are all there was. A later look can make it so.
    bool looks_agree = false;
  };

  Changes Apply(const AttachmentNews& news);
  // As a look at this one alone would: one seen before is held to have lasted since.
  const Attachment& Add(const Attachment& attachment);

  // netns.cookie 0: unknown, any namespace of that inode number is meant.
  HookState At(const NetnsId& netns, uint32_t ifindex, absl::string_view hook,
               absl::string_view direction, uint64_t time_ns) const;
  // All that was on hooks of a kind at that moment, whatever device, cgroup or namespace: for drop
  // reasons that tell no more ("cgroup" and "egress", "netfilter" and "").
  std::vector<OnHook> Anywhere(absl::string_view hook, absl::string_view direction,
                               uint64_t time_ns) const;
  // What stood behind a dispatcher on one device at that moment, in the order in which it runs.
  std::vector<OnHook> Behind(uint32_t dispatcher_id, uint64_t time_ns) const;
  // On how many places a program was at that moment, certainly or perhaps.
  size_t CountPlaces(uint32_t program_id, uint64_t time_ns) const;
  // Those of one program on one hook and device, each place once; the namespace is the caller's to
  // judge.
  std::vector<Attachment> Find(absl::string_view hook, uint32_t ifindex, uint32_t program_id) const;
  // All that the last looks saw, with to_ns as of these.
  Changes Current() const;

  size_t size() const;  // programs' attachments that ever were
  // Changes whenever Find might answer otherwise.
  uint64_t generation() const { return generation_; }

 private:
  // The looks at one part of the host so far.
  struct Looks {
    uint64_t first_end_ns = 0;  // of complete ones
    uint64_t last_begin_ns = 0;
    std::vector<std::string> unseen_hooks;  // as of the last one
  };
  void ApplyLook(const AttachmentLook& look, Changes* changes);
  void ApplyNotice(const AttachmentNotice& notice, Changes* changes);
  bool LooksSurround(const NetnsId& netns, uint32_t ifindex, absl::string_view hook,
                     uint64_t time_ns) const;

  std::map<LookScope, Looks> looks_;
  SeenOverTime<Netns> namespaces_;
  SeenOverTime<Device> devices_;
  SeenOverTime<Attachment> attachments_;
  uint64_t generation_ = 0;
};

}  // namespace correlate

#endif  // SYMBOLIZE_ATTACHMENT_TABLE_H_
