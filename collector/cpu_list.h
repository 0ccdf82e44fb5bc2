// The kernel's lists of CPUs ("0-3,8"), as in /sys/devices/system/cpu/online.
#ifndef COLLECTOR_CPU_LIST_H_
#define COLLECTOR_CPU_LIST_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace correlate {

absl::StatusOr<std::vector<uint32_t>> ParseCpuList(absl::string_view text);
absl::StatusOr<std::vector<uint32_t>> OnlineCpus();
// All that may ever come online.
absl::StatusOr<std::vector<uint32_t>> PossibleCpus();

}  // namespace correlate

#endif  // COLLECTOR_CPU_LIST_H_
