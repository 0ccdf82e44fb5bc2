#include "symbolize/run_counts.h"

#include <cstdint>
#include <limits>

#include "absl/container/flat_hash_map.h"

namespace correlate {

std::optional<size_t> LastThatRan(const HookWalk& walk) {
  if (!walk.counted || walk.truncated || walk.broken) return std::nullopt;
  // Runs by program, not yet explained by a place in the list.
  absl::flat_hash_map<uint32_t, uint32_t> left;
  for (const HookWalk::Entry& entry : walk.entries) {
    if (entry.program_id == 0 || entry.not_direct || entry.chain != 0) return std::nullopt;
    if (entry.runs == std::numeric_limits<uint8_t>::max()) return std::nullopt;
    left[entry.program_id] = entry.runs;
  }
  std::optional<size_t> last;
  for (size_t i = 0; i < walk.entries.size(); ++i) {
    uint32_t& runs = left[walk.entries[i].program_id];
    // A filter for another protocol does not run, and then its program must not have counted.
    if (walk.entries[i].other_protocol) continue;
    if (runs == 0) break;
    --runs;
    last = i;
  }
  for (const auto& [program_id, runs] : left) {
    if (runs != 0) return std::nullopt;
  }
  return last;
}

}  // namespace correlate
