// bpf_prog_info.load_time counts CLOCK_BOOTTIME; everything else here counts CLOCK_MONOTONIC, which
// stands still while the host is suspended. A program's load time is half of its identity, so the
// same boot time must give the same monotonic time whenever it is asked for: the offset is taken
// over only when it really changed, and a time before the change keeps the old one.
#ifndef COLLECTOR_BOOT_CLOCK_H_
#define COLLECTOR_BOOT_CLOCK_H_

#include <cstdint>
#include <vector>

#include "collector/event.h"

namespace correlate {

// Not thread-safe.
class BootClock {
 public:
  // Take note of the clocks as they are now. Once before the first ToMonotonic, and now and then.
  void Observe(const ClockReading& now);

  // When the first reading was taken after a suspend, the times before that suspend are off by it.
  uint64_t ToMonotonic(uint64_t boottime_ns) const;

 private:
  struct Offset {
    uint64_t from_boottime_ns;  // holds from here on
    uint64_t offset_ns;         // boot time - monotonic time
  };
  std::vector<Offset> offsets_;
  uint64_t last_boottime_ns_ = 0;
};

}  // namespace correlate

#endif  // COLLECTOR_BOOT_CLOCK_H_
