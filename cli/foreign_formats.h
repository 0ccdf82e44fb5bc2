// Tracepoint formats out of a file that somebody else wrote, taken apart by libtraceevent, which
// trusts what it reads: so in a process of its own, of which only the outcome comes back.
#ifndef CLI_FOREIGN_FORMATS_H_
#define CLI_FOREIGN_FORMATS_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "collector/event.h"
#include "collector/perf_data_features.h"

namespace correlate {

// By system and text: for who reads many files, since each that is new costs a process.
using KnownFormats = absl::flat_hash_map<std::string, EventFormat>;

// In the order of `formats`. DataLoss: one of them is none that a kernel writes. `known` is used
// and added to; may be null. Forks: for a process of one thread.
absl::StatusOr<std::vector<EventFormat>> ParseForeignFormats(
    const std::vector<PerfDataFormat>& formats, KnownFormats* known);

}  // namespace correlate

#endif  // CLI_FOREIGN_FORMATS_H_
