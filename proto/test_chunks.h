// The whole chunks of a trace, as they stand in it.
#ifndef PROTO_TEST_CHUNKS_H_
#define PROTO_TEST_CHUNKS_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "proto/chunk.h"

namespace correlate {

// Up to the first that is none; views of `trace`.
inline std::vector<absl::string_view> ChunksOf(absl::string_view trace) {
  std::vector<absl::string_view> chunks;
  while (!trace.empty()) {
    const auto bytes = ChunkBytes(trace);
    if (!bytes.ok() || *bytes > trace.size()) break;
    chunks.push_back(trace.substr(0, *bytes));
    trace.remove_prefix(*bytes);
  }
  return chunks;
}

}  // namespace correlate

#endif  // PROTO_TEST_CHUNKS_H_
