/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What makes two drops, or two XDP exceptions, of one kind; and what became of the hits of an
 * event. As C for both sides. */
#ifndef COLLECTOR_DROP_KIND_H_
#define COLLECTOR_DROP_KIND_H_

#include <linux/types.h>

/* The events that have companion programs. */
enum { COMPANION_DROP = 0, COMPANION_EXCEPTION = 1, COMPANION_EVENTS = 2 };

/* No byte of it is padding: it is a key of maps. */
struct drop_kind {
  __u64 location; /* a drop's */
  __u64 netns_cookie;
  __u32 netns_inode;
  __u32 ifindex;
  __u32 reason;     /* of an exception: the action */
  __u32 program_id; /* an exception's */
  __u32 event;      /* COMPANION_... */
  __u32 reserved;
};

/* Of the hits of one event on one CPU while its perf event was on. What is none of these was
 * missed: the program was already running there. */
struct hit_outcomes {
  __u64 handed_over;
  __u64 lost;         /* the ring was full */
  __u64 only_counted; /* above --max-rate */
  __u64 filtered;
};

/* Of what a CPU may spend in a second: spending.bpf.h. */
#define NO_LIMIT 0xffffffffu

enum {
  MOST_KINDS = 4096, /* in one table of them */
  /* drop_counter.bpf.h: whether hits count while the perf event that counts them is off. */
  COUNT_NOTHING = 0,
  COUNT_IF_EVENT_IS_ON = 1,
  COUNT_ALL = 2,
};

#endif /* COLLECTOR_DROP_KIND_H_ */
