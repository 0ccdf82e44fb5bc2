// What the two implementations of PerfRing say of the same errors.
#ifndef COLLECTOR_PERF_RING_ERRORS_H_
#define COLLECTOR_PERF_RING_ERRORS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace correlate {

// `error`: an errno, of perf_event_open(2), of PERF_EVENT_IOC_SET_FILTER, of mmap(2).
absl::Status PerfEventOpenError(int error, uint32_t cpu);
absl::Status PerfFilterError(const std::string& filter);
absl::Status PerfMappingError(int error, size_t ring_bytes, uint32_t cpu);
// Whether a smaller ring may do.
bool IsMappingRefusal(int error);

}  // namespace correlate

#endif  // COLLECTOR_PERF_RING_ERRORS_H_
