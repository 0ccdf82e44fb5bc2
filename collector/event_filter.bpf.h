/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The filters of `record`, asked as soon as what they need is known, so that what does not pass
 * costs little. */
#ifndef COLLECTOR_EVENT_FILTER_BPF_H_
#define COLLECTOR_EVENT_FILTER_BPF_H_

/* clang-format off */
#include "collector/hook_walk.bpf.h"
#include "collector/event_filter_constants.h"
#include "collector/packet_layers.h"
/* clang-format on */

const volatile struct event_filter_constants filter = {};

static __always_inline bool is_filtered(void) {
  return filter.reasons || filter.ifnames || filter.netns_count || filter.programs ||
         filter.prefixes || filter.ports || filter.l4s;
}

static __always_inline bool reason_passes(__u32 reason) {
  if (!filter.reasons) return true;
  for (__u32 i = 0; i < FILTER_MOST_VALUES && i < filter.reasons; i++) {
    if (filter.reason[i] == reason) return true;
  }
  return false;
}

/* Up to the NUL: behind it stands what an earlier name has left. */
static __always_inline bool same_ifname(const char* name, const volatile char* wanted) {
  for (__u32 i = 0; i < FILTER_IFNAME_BYTES; i++) {
    if (name[i] != wanted[i]) return false;
    if (!name[i]) return true;
  }
  return true;
}

static __always_inline bool ifname_passes(const struct enriched_event* event) {
  if (!filter.ifnames) return true;
  if (!(event->flags & ENRICHED_DEVICE)) return false;
  for (__u32 i = 0; i < FILTER_MOST_VALUES && i < filter.ifnames; i++) {
    if (same_ifname(event->ifname, filter.ifname[i])) return true;
  }
  return false;
}

/* An inode's number is soon another namespace's; the cookie tells, where the kernel has one. */
static __always_inline bool netns_passes(const struct enriched_event* event) {
  if (!filter.netns_count) return true;
  if (!(event->flags & ENRICHED_NETNS)) return false;
  for (__u32 i = 0; i < FILTER_MOST_VALUES && i < filter.netns_count; i++) {
    __u64 cookie = filter.netns[i].cookie;
    if (filter.netns[i].inode != event->netns_inode) continue;
    if (!cookie || !event->netns_cookie || cookie == event->netns_cookie) return true;
  }
  return false;
}

static __always_inline bool device_passes(const struct enriched_event* event) {
  return ifname_passes(event) && netns_passes(event);
}

/* What follows are global functions: the verifier looks at each once, and not anew for every way
 * that leads to it. They find the record by its context, since Linux 5.10 passes no pointers to
 * such functions. */

static __always_inline struct workspace* workspace_of(__u32 context) {
  return bpf_map_lookup_elem(&scratch, &context);
}

/* 0: nothing is left to be read. */
__noinline int step_packet(__u32 context) {
  struct workspace* space = workspace_of(context);

  return space && packet_step(&space->packet, space->record.event.header);
}

__noinline int layer_passes(__u32 context, __u32 layer) {
  struct workspace* space = workspace_of(context);

  return space && packet_layer_passes(&filter, &space->packet.layers[layer & 1]);
}

__noinline int is_program_asked_for(__u32 id) {
  for (__u32 i = 0; i < FILTER_MOST_VALUES && i < filter.programs; i++) {
    if (filter.program[i] == id) return 1;
  }
  return 0;
}

/* Addresses on a callchain are where a call returns to: the first byte behind a function may be
 * one, its first byte is none. */
__noinline int is_text_asked_for(__u64 address) {
  for (__u32 i = 0; i < FILTER_MOST_RANGES && i < filter.ranges; i++) {
    if (filter.range[i].begin < address && address <= filter.range[i].end) return 1;
  }
  return 0;
}

/* The packet itself, or the one in its tunnel. */
static __always_inline bool packet_passes(struct enriched_event* event) {
  __u32 context = event->context;

  if (!filter.prefixes && !filter.ports && !filter.l4s) return true;
  packet_begin(&workspace_around(event)->packet, event->header_bytes,
               event->flags & ENRICHED_LINK_HEADER, event->protocol);
  for (__u32 i = 0; i < PACKET_STEPS; i++) {
    if (!step_packet(context)) break;
  }
  return layer_passes(context, 0) || layer_passes(context, 1);
}

/* Freed inside a helper that such a program called. */
static __always_inline bool is_on_callchain(void* context, struct enriched_event* event) {
  __u64* frames = workspace_around(event)->frames;
  long bytes = bpf_get_stack(context, frames, FILTER_FRAMES * sizeof(*frames), 0);

  for (__u32 i = 0; i < FILTER_FRAMES; i++) {
    if ((long)(i * sizeof(*frames)) >= bytes) return false;
    if (is_text_asked_for(frames[i])) return true;
  }
  return false;
}

/* A drop on whose hook such a program is attached, or inside of whose call it was. A look that had
 * to leave something out may have left out this one. */
static __always_inline bool program_passes(void* context, struct enriched_event* event) {
  if (!filter.programs) return true;
  if (event->walk_flags & (WALK_TRUNCATED | WALK_BROKEN)) return true;
  for (__u32 i = 0; i < ENRICHED_MOST_ENTRIES; i++) {
    if (i >= event->walk_entries) break;
    if (is_program_asked_for(event->walk[i].program_id)) return true;
  }
  return filter.ranges && is_on_callchain(context, event);
}

#endif /* COLLECTOR_EVENT_FILTER_BPF_H_ */
