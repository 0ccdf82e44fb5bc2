// The looks at hooks that came with drops, each distinct one kept once, and whether what a look saw
// can be trusted to have been there when the packet went through the hook.
//
// A look happens when the packet is freed, a moment after the program ran, and in that moment a
// program may have been replaced. So a look is confirmed only by an earlier one that saw the same:
// the last one on the same CPU and in the same context (packets of one context do not interrupt
// each other there, so it lies before this packet's way through the hook), or one so long ago that
// no packet is under way for that long; with nothing else seen in between on any CPU. Where a list
// is replaced and put back between two looks, both see the same: that is thought possible where
// changes have been seen to follow each other as fast. One thread.
#ifndef SYMBOLIZE_HOOK_LOOKS_H_
#define SYMBOLIZE_HOOK_LOOKS_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "collector/event.h"
#include "symbolize/correlated_event.h"

namespace correlate {

class HookLooks {
 public:
  // No packet takes longer from a program's verdict to its end, unless a virtual CPU stood still.
  static constexpr uint64_t kSettledNs = 100'000'000;

  struct Seen {
    const HookLook* look = nullptr;  // lives as long as this object; null: no hook was walked
    bool confirmed = false;
    // Unless confirmed, the last other list that was seen there: the packet may have met that one.
    const HookLook* before = nullptr;
    uint64_t before_ns = 0;  // when it was last seen
    // Where lists come and go so fast that another one may have stood there unseen since the last
    // look from here, which saw the same: the others of late.
    std::vector<const HookLook*> of_late;
  };
  // `enrichment` is that of an event on `cpu` at `time_ns`. Times of one CPU do not go back.
  Seen Add(uint32_t cpu, uint64_t time_ns, const Enrichment& enrichment);

  // Drops everything once it is much: looks that were handed out end, and the next one at a place
  // is the first one there.
  void Forget();

  size_t size() const { return count_; }

 private:
  // A hook of a device or of a cgroup.
  struct Place {
    HookWalk::Hook hook = HookWalk::Hook::kNone;
    NetnsId netns;
    uint32_t ifindex = 0;
    uint64_t cgroup_id = 0;
    friend bool operator==(const Place&, const Place&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const Place& p) {
      return H::combine(std::move(h), p.hook, p.netns.inode, p.netns.cookie, p.ifindex,
                        p.cgroup_id);
    }
  };
  // The unbroken row of equal looks, by whomever, that goes on.
  struct OnePlace {
    uint64_t list_id = 0;
    const HookLook* last = nullptr;
    const HookLook* before = nullptr;  // of the row before
    uint64_t last_ns = 0;              // when they were seen
    uint64_t before_ns = 0;
    uint64_t since_ns = 0;
    uint64_t row = 0;  // counts them
    struct LastLook {
      uint64_t row = 0;
      uint64_t time_ns = 0;
    };
    std::map<std::pair<uint32_t, Context>, LastLook> by;  // by CPU and context
    // The first looks of the rows of late, oldest first, and the shortest time between two.
    std::deque<std::pair<uint64_t, const HookLook*>> rows;
    uint64_t pace_ns = 0;  // 0: fewer than two changes
  };
  static void BeginRow(uint64_t time_ns, const HookLook* look, OnePlace* place);
  static constexpr uint64_t kOfLateNs = 1'000'000'000;
  static constexpr size_t kMostRows = 16;
  const HookLook* Intern(const Enrichment& enrichment);
  // The look, and where it was.
  struct Known {
    uint64_t place_id = 0;  // Enrichment's
    const HookLook* look = nullptr;
    OnePlace* place = nullptr;
  };
  const Known& Find(const Enrichment& enrichment);

  absl::flat_hash_map<uint64_t, std::vector<std::unique_ptr<HookLook>>> looks_;  // by hash
  absl::node_hash_map<Place, OnePlace> places_;
  std::vector<Known> known_ = std::vector<Known>(4096);  // by place_id, those of late
  uint64_t count_ = 0;
  uint64_t forgotten_ = 0;  // of these
};

}  // namespace correlate

#endif  // SYMBOLIZE_HOOK_LOOKS_H_
