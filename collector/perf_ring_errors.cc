#include "collector/perf_ring_errors.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"

namespace correlate {

absl::Status PerfEventOpenError(int error, uint32_t cpu) {
  const std::string what = absl::StrCat("perf_event_open on CPU ", cpu);
  switch (error) {
    case EPERM:
    case EACCES:
      return ErrnoStatus(error, what,
                         "needs CAP_PERFMON (or CAP_SYS_ADMIN before Linux 5.8): run as root, or "
                         "sysctl kernel.perf_event_paranoid=-1");
    case EOVERFLOW:
      return ErrnoStatus(
          error, what, "--max-stack is above the host's limit: sysctl kernel.perf_event_max_stack");
    default:
      return ErrnoStatus(error, what);
  }
}

absl::Status PerfFilterError(const std::string& filter) {
  return absl::InvalidArgumentError(
      absl::StrCat("the kernel refuses the filter '", filter,
                   "': it names fields of the event's format, like 'drops > 0 && err != 0'"));
}

absl::Status PerfMappingError(int error, size_t ring_bytes, uint32_t cpu) {
  return ErrnoStatus(error, absl::StrCat("ring buffer of ", ring_bytes, " bytes on CPU ", cpu),
                     "needs CAP_IPC_LOCK, a smaller --ring-size, or more "
                     "sysctl kernel.perf_event_mlock_kb");
}

bool IsMappingRefusal(int error) { return error == EPERM || error == ENOMEM; }

}  // namespace correlate
