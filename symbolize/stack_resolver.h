// Callchains to stacks of named frames, each resolved once: a callchain seen before costs one hash
// and one comparison, and allocates nothing. What stands on BPF text, or on nothing known, is
// resolved anew after the program table changed, because addresses there are reused; frames of the
// kernel and its modules stay. Ids are never reused. Memory grows with distinct stacks. One thread.
#ifndef SYMBOLIZE_STACK_RESOLVER_H_
#define SYMBOLIZE_STACK_RESOLVER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "symbolize/correlated_event.h"
#include "symbolize/kernel_symbols.h"
#include "symbolize/program_table.h"

namespace correlate {

class StackResolver {
 public:
  // Borrows the table.
  explicit StackResolver(const ProgramTable* programs) : programs_(programs) {}

  // Replaces the kernel's symbols (a module was loaded); forgets what was unknown before.
  void SetKernelSymbols(KernelSymbols symbols);
  const KernelSymbols& kernel_symbols() const { return kernel_; }

  // Stacks keep at most so many frames; 0: all.
  void set_max_frames(size_t frames) { max_frames_ = frames; }

  // The stack of a callchain taken at `time_ns`, without the frames of the tracer itself (this
  // tool's companion program and what calls it); null for an empty one. Times must not go back
  // across changes of the program table. Lives until the next call.
  const Stack* Resolve(absl::Span<const uint64_t> callchain, uint64_t time_ns);
  // One address of code, such as kfree_skb's location. `return_address` as in ProgramTable.
  const Frame* ResolveAddress(uint64_t address, uint64_t time_ns, bool return_address);

  // Drops all stacks and frames once they are many. Those that were handed out end.
  void Forget();

  // Addresses of the kernel's half that no table knew, so far: perhaps of a module loaded since.
  uint64_t unknown_addresses() const { return unknown_addresses_; }
  size_t stacks() const { return stacks_.size(); }

 private:
  struct CachedStack {
    std::vector<uint64_t> callchain;
    Stack stack;
    bool volatile_frames = false;  // holds frames that the program table may change
  };
  using FrameKey = std::pair<uint64_t, bool>;

  // How many frames at the leaf belong to whoever recorded the event.
  size_t TracerFrames(absl::Span<const uint64_t> callchain, uint64_t time_ns);
  void FollowChanges();
  void DropVolatile();
  std::unique_ptr<Frame> MakeFrame(uint64_t address, uint64_t time_ns, bool return_address);

  const ProgramTable* const programs_;
  size_t max_frames_ = 0;
  KernelSymbols kernel_;
  uint64_t seen_generation_ = 0;
  uint64_t next_id_ = 1;
  uint64_t unknown_addresses_ = 0;
  absl::flat_hash_map<FrameKey, std::unique_ptr<Frame>> frames_;
  FrameKey last_key_ = {};
  const Frame* last_frame_ = nullptr;  // of last_key_; null: none
  absl::flat_hash_map<uint64_t, std::vector<std::unique_ptr<CachedStack>>> stacks_;  // by hash
};

}  // namespace correlate

#endif  // SYMBOLIZE_STACK_RESOLVER_H_
