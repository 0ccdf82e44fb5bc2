// The clocks of this host, in nanoseconds (clock_gettime(2)).
#ifndef BASE_CLOCKS_H_
#define BASE_CLOCKS_H_

#include <time.h>

#include <cstdint>

namespace correlate {

// 0 where the kernel does not have that clock.
inline uint64_t ClockNs(clockid_t clock) {
  timespec now = {};
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

inline uint64_t MonotonicNs() { return ClockNs(CLOCK_MONOTONIC); }
inline uint64_t RealtimeNs() { return ClockNs(CLOCK_REALTIME); }
// CPU time of all threads of this process so far, in user and kernel mode.
inline uint64_t ProcessCpuNs() { return ClockNs(CLOCK_PROCESS_CPUTIME_ID); }

}  // namespace correlate

#endif  // BASE_CLOCKS_H_
