/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Whether hits of an event count at this moment, and what became of each that does. */
#ifndef COLLECTOR_HITS_BPF_H_
#define COLLECTOR_HITS_BPF_H_

/* clang-format off */
#include "collector/drop_kind.h"
#include "collector/perf_events.bpf.h"
/* clang-format on */

volatile __u32 counting = COUNT_NOTHING;

/* The perf events that count all hits. */
struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  __type(key, __u32);
  __type(value, __u32);
} drop_events SEC(".maps"), exception_events SEC(".maps");

/* By event. Counted atomically, since Linux 5.10 enters a program again on a CPU where it was
 * interrupted. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, COMPANION_EVENTS);
  __type(key, __u32);
  __type(value, struct hit_outcomes);
} hits SEC(".maps");

static __always_inline bool event_is_on(__u32 which) {
  if (which == COMPANION_DROP) return perf_event_is_on(&drop_events);
  return perf_event_is_on(&exception_events);
}

/* What became of a hit counts only if the hit does: then the counts of an event add up. */
static __always_inline bool hits_count(__u32 which) {
  return counting == COUNT_ALL || event_is_on(which);
}

static __always_inline int filter_out(__u32 which) {
  struct hit_outcomes* outcomes = bpf_map_lookup_elem(&hits, &which);

  if (outcomes && hits_count(which)) __sync_fetch_and_add(&outcomes->filtered, 1);
  return 0;
}

static __always_inline int only_count(__u32 which) {
  struct hit_outcomes* outcomes = bpf_map_lookup_elem(&hits, &which);

  if (outcomes && hits_count(which)) __sync_fetch_and_add(&outcomes->only_counted, 1);
  return 0;
}

#endif /* COLLECTOR_HITS_BPF_H_ */
