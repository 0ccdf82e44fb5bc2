// Stands in for tools/include/linux/compiler.h, and for the short type names that the kernel's own
// linux/types.h adds: what libperf's internal/mmap.h needs.
#ifndef LIBPERF_SHIM_LINUX_COMPILER_H_
#define LIBPERF_SHIM_LINUX_COMPILER_H_

#include <linux/libperf_types.h>

#endif  // LIBPERF_SHIM_LINUX_COMPILER_H_
