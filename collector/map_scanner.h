// Looks at the BPF maps that are there now. A look opens a map, reads and closes it. Needs
// CAP_SYS_ADMIN, which the kernel wants for ids to descriptors. Thread-safe.
#ifndef COLLECTOR_MAP_SCANNER_H_
#define COLLECTOR_MAP_SCANNER_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "collector/program_image.h"

namespace correlate {

// All of them, by id. One that goes away while it is looked at is left out.
absl::StatusOr<std::vector<MapInfo>> ScanMaps();

// NotFound if it is gone.
absl::StatusOr<MapInfo> ReadMap(uint32_t id);

}  // namespace correlate

#endif  // COLLECTOR_MAP_SCANNER_H_
