// What the callchains that were taken say of drops of their kind that came without one (--stacks
// adaptive): where every chain so far shows the same program freeing the packet, `sampled` names
// it, and never as certain. Memory grows with distinct kinds. One thread.
#ifndef SYMBOLIZE_SAMPLED_STACKS_H_
#define SYMBOLIZE_SAMPLED_STACKS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "symbolize/correlated_event.h"

namespace correlate {

class SampledStacks {
 public:
  // What callchains of one kind are expected to share.
  struct Kind {
    uint32_t format_id = 0;
    uint64_t location = 0;
    uint64_t reason = 0;
    NetnsId netns;
    uint32_t ifindex = 0;
    friend bool operator==(const Kind&, const Kind&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const Kind& k) {
      return H::combine(std::move(h), k.format_id, k.location, k.reason, k.netns.inode,
                        k.netns.cookie, k.ifindex);
    }
  };

  // A drop with a callchain was attributed like this.
  void Add(const Kind& kind, const Attribution& attribution);
  // The attribution of one without, which by itself was attributed like `alone` (kNone). The id is
  // the caller's to give.
  Attribution Of(const Kind& kind, const Attribution& alone) const;
  // Changes whenever Of() might answer otherwise for this kind; 0: no chain of it was seen.
  uint64_t Version(const Kind& kind) const;

 private:
  struct Known {
    std::optional<BlamedProgram> program;  // all chains so far name it
    std::string verdict;
    bool several = false;  // they name different programs, or some of them none
    uint64_t version = 0;
  };
  absl::flat_hash_map<Kind, Known> known_;
  uint64_t versions_ = 0;
};

}  // namespace correlate

#endif  // SYMBOLIZE_SAMPLED_STACKS_H_
