// What the callchains that were taken say of drops of their kind that came without one (--stacks
// adaptive): where every chain so far shows the same program freeing the packet, `sampled` names
// it, and never as certain. Memory grows with distinct kinds. One thread.
#ifndef SYMBOLIZE_SAMPLED_STACKS_H_
#define SYMBOLIZE_SAMPLED_STACKS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "symbolize/correlated_event.h"

namespace correlate {

class SampledStacks {
 public:
  // A drop with a callchain was attributed like this.
  void Add(const EventKind& kind, const Attribution& attribution);
  // The attribution of one without, which by itself was attributed like `alone` (kNone). The id is
  // the caller's to give.
  Attribution Of(const EventKind& kind, const Attribution& alone) const;
  // Changes whenever Of() might answer otherwise for this kind; 0: no chain of it was seen.
  uint64_t Version(const EventKind& kind) const;
  void Forget() { known_.clear(); }

 private:
  struct Known {
    bool agree = true;                     // all chains so far say the same
    std::optional<BlamedProgram> program;  // nullopt: and that is nobody
    std::string verdict;
    uint64_t version = 0;
  };
  absl::flat_hash_map<EventKind, Known> known_;
  uint64_t versions_ = 0;
};

}  // namespace correlate

#endif  // SYMBOLIZE_SAMPLED_STACKS_H_
