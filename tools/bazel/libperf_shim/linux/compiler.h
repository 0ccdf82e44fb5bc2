// Stands in for tools/include/linux/compiler.h, and for the short type names that the kernel's own
// linux/types.h adds: what libperf's internal/mmap.h needs.
#ifndef LIBPERF_SHIM_LINUX_COMPILER_H_
#define LIBPERF_SHIM_LINUX_COMPILER_H_

#include <linux/types.h>

typedef __u64 u64;

#endif  // LIBPERF_SHIM_LINUX_COMPILER_H_
