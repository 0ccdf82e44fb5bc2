// Chunks of several traces as one file: chunks stand alone, so they are copied, and every one only
// once.
#ifndef PROTO_TRACE_MERGE_H_
#define PROTO_TRACE_MERGE_H_

#include <cstdint>
#include <ostream>
#include <set>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace correlate {

class TraceMerge {
 public:
  explicit TraceMerge(std::ostream* out) : out_(out) {}  // borrowed

  struct Appended {
    uint64_t chunks = 0;
    uint64_t doubles = 0;        // chunks that an earlier file had already
    uint64_t skipped_bytes = 0;  // belonged to no whole chunk, and are left out
  };
  // The next file, behind what was appended so far. Error: it cannot be read, or the output took no
  // more (see out). `path` "-" is stdin.
  absl::StatusOr<Appended> Append(const std::string& path);

 private:
  std::ostream* const out_;
  std::set<std::pair<std::string, uint64_t>> seen_;  // recording ids and sequence numbers
};

}  // namespace correlate

#endif  // PROTO_TRACE_MERGE_H_
