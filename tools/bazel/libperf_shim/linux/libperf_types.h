/* What libperf's internal headers take from the kernel's linux/types.h, which no package installs
 * for user space. */
#ifndef LIBPERF_SHIM_LIBPERF_TYPES_H_
#define LIBPERF_SHIM_LIBPERF_TYPES_H_

#include <linux/types.h>

typedef __u64 u64;
typedef __u32 u32;

struct list_head {
  struct list_head *next, *prev;
};

struct hlist_node {
  struct hlist_node *next, **pprev;
};

#ifndef __aligned
#define __aligned(bytes) __attribute__((aligned(bytes)))
#endif

#endif /* LIBPERF_SHIM_LIBPERF_TYPES_H_ */
