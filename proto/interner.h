// Numbers the strings, frames, stacks and attributions that the events of one chunk share, each
// written once a chunk. Goes by the producer's ids (correlated_event.h), so that an item seen
// before costs one look-up. Number 0 is "none". Restarts with every chunk. One thread.
#ifndef PROTO_INTERNER_H_
#define PROTO_INTERNER_H_

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "proto/trace.pb.h"
#include "symbolize/correlated_event.h"

namespace correlate {

class Interner {
 public:
  // Begins a chunk: numbers go into `interned`, borrowed until the next Restart.
  void Restart(pb::Interned* interned);

  uint32_t String(absl::string_view text);
  uint32_t FrameNumber(const Frame* frame);  // null: 0
  uint32_t StackNumber(const Stack* stack);
  uint32_t AttributionNumber(const Attribution* attribution);
  uint32_t LookNumber(const HookLook* look);
  // About how many bytes the tables have come to.
  size_t bytes() const { return bytes_; }

 private:
  pb::Interned* interned_ = nullptr;
  size_t bytes_ = 0;
  absl::flat_hash_map<std::string, uint32_t> strings_;
  absl::flat_hash_map<uint64_t, uint32_t> frames_;
  absl::flat_hash_map<uint64_t, uint32_t> stacks_;
  absl::flat_hash_map<uint64_t, uint32_t> attributions_;
  absl::flat_hash_map<uint64_t, uint32_t> looks_;
};

}  // namespace correlate

#endif  // PROTO_INTERNER_H_
