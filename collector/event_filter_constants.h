/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What the filters of `record` let through, as constants of the companion BPF programs, and as C
 * for both sides. Values of one list are alternatives, an empty list asks for nothing, and all
 * lists have to agree. Being constants, what is not asked for costs nothing: the verifier takes
 * the code away. */
#ifndef COLLECTOR_EVENT_FILTER_CONSTANTS_H_
#define COLLECTOR_EVENT_FILTER_CONSTANTS_H_

#include <linux/types.h>

enum {
  FILTER_MOST_VALUES = 16, /* of each list */
  FILTER_MOST_RANGES = 32, /* functions of the programs asked for */
  FILTER_IFNAME_BYTES = 16,
  FILTER_FRAMES = 64, /* of a callchain that are looked at for programs */
};

struct filter_netns {
  __u64 cookie; /* 0: unknown */
  __u32 inode;
  __u32 reserved;
};

/* Network order; IPv4 in the first word. */
struct filter_prefix {
  __u32 address[4];
  __u32 mask[4];
  __u32 family; /* 4 or 6 */
};

struct filter_range {
  __u64 begin;
  __u64 end;
};

struct event_filter_constants {
  __u32 ifnames;
  __u32 netns_count;
  __u32 programs;
  __u32 reasons;
  __u32 prefixes;
  __u32 ports;
  __u32 l4s;
  __u32 ranges;
  char ifname[FILTER_MOST_VALUES][FILTER_IFNAME_BYTES];
  struct filter_netns netns[FILTER_MOST_VALUES];
  __u32 program[FILTER_MOST_VALUES];
  __u32 reason[FILTER_MOST_VALUES];
  struct filter_prefix prefix[FILTER_MOST_VALUES];
  __u32 port[FILTER_MOST_VALUES]; /* host order */
  __u32 l4[FILTER_MOST_VALUES];
  struct filter_range range[FILTER_MOST_RANGES]; /* text of the programs */
};

#endif /* COLLECTOR_EVENT_FILTER_CONSTANTS_H_ */
