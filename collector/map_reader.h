// Reads what a BPF map holds. Not one moment's picture where programs write to it meanwhile: an
// entry that moves may be missing or come twice. Needs CAP_SYS_ADMIN. Thread-safe.
#ifndef COLLECTOR_MAP_READER_H_
#define COLLECTOR_MAP_READER_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "collector/program_image.h"

namespace correlate {

// At most `most_bytes` of keys and values; time_ns and reason are left to the caller. Unimplemented
// for maps without keys to ask for: rings, queues, storages.
absl::StatusOr<MapSnapshot> ReadMapEntries(const MapInfo& map, size_t most_bytes);

}  // namespace correlate

#endif  // COLLECTOR_MAP_READER_H_
