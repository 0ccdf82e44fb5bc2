// References into the tables of a chunk (Interned in trace.proto). No state.
#ifndef PROTO_INTERNED_H_
#define PROTO_INTERNED_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "proto/trace.pb.h"

namespace correlate {

// An index of 0 means "none" and is allowed even where the list is empty.
inline bool InRange(uint32_t index, int size) {
  return index == 0 || index < static_cast<uint32_t>(size);
}

// The index is in range.
inline absl::string_view StringAt(const pb::Interned& interned, uint32_t index) {
  return index == 0 ? absl::string_view()
                    : absl::string_view(interned.strings(static_cast<int>(index)));
}

}  // namespace correlate

#endif  // PROTO_INTERNED_H_
