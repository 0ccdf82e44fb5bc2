// Stands in for tools/include/linux/refcount.h: the layout of refcount_t (one int), which
// struct perf_mmap in libperf's internal/mmap.h holds by value.
#ifndef LIBPERF_SHIM_LINUX_REFCOUNT_H_
#define LIBPERF_SHIM_LINUX_REFCOUNT_H_

typedef struct {
  int counter;
} refcount_t;

#endif  // LIBPERF_SHIM_LINUX_REFCOUNT_H_
