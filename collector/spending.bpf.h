/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What a CPU may spend each second on callchains and on whole records, and on which hits: those of
 * new and rare kinds first. Unwinding is most of what a drop costs to record, and in a storm
 * thousands of drops share a few kinds. */
#ifndef COLLECTOR_SPENDING_BPF_H_
#define COLLECTOR_SPENDING_BPF_H_

/* clang-format off */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include "collector/drop_kind.h"
/* clang-format on */

/* A second and a CPU; Enricher may change them at any time. */
volatile struct {
  __u32 stacks;
  __u32 whole;
  __u32 start; /* another number: all kinds are new again */
} limits = {NO_LIMIT, NO_LIMIT, 0};

enum {
  WINDOW_BITS = 30, /* 2^30 ns, 1.07 s */
  KIND_SLOTS = 2048,
  FEW = 4,
  SOME = 32,
};

/* What one kind was given in a window. */
struct kind_slot {
  __u32 hash;
  __u32 window;
  __u32 stacks;
  __u32 whole;
};

struct spending {
  __u32 window;
  __u32 stacks;
  __u32 whole;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct spending);
} spent SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, KIND_SLOTS);
  __type(key, __u32);
  __type(value, struct kind_slot);
} spent_on_kinds SEC(".maps");

/* A limit is a second's; a window is a little longer. */
static __always_inline __u32 in_a_window(__u32 limit) {
  return (__u32)(((__u64)limit << WINDOW_BITS) / 1000000000);
}

/* A kind that had little of it so far may use up all, one that had much stops at half: so whatever
 * is new or rare finds something left. */
static __always_inline bool may_spend(__u32 limit, __u32 in_all, __u32 by_kind) {
  if (limit == NO_LIMIT) return true;
  limit = in_a_window(limit);
  if (by_kind >= SOME)
    limit -= limit / 2;
  else if (by_kind >= FEW)
    limit -= limit / 4;
  return in_all < limit;
}

static __always_inline __u32 hash_of_kind(const struct drop_kind* kind) {
  __u64 hash = kind->location * 0x9e3779b97f4a7c15ull;

  hash = (hash ^ hash >> 29 ^ kind->netns_inode) * 0xbf58476d1ce4e5b9ull;
  hash = (hash ^ hash >> 32 ^ ((__u64)kind->ifindex << 32 | kind->reason)) * 0x94d049bb133111ebull;
  hash =
      (hash ^ hash >> 32 ^ ((__u64)kind->program_id << 32 | kind->event)) * 0x9e3779b97f4a7c15ull;
  return (__u32)(hash >> 32);
}

/* Null: too many kinds in this window; then the kind counts as one that had much. */
static __always_inline struct kind_slot* slot_of_kind(__u32 window, __u32 hash) {
  for (__u32 i = 0; i < 2; i++) {
    __u32 index = (hash + i) & (KIND_SLOTS - 1);
    struct kind_slot* slot = bpf_map_lookup_elem(&spent_on_kinds, &index);
    if (!slot) return 0;
    if (slot->window != window) {
      slot->hash = hash;
      slot->window = window;
      slot->stacks = 0;
      slot->whole = 0;
      return slot;
    }
    if (slot->hash == hash) return slot;
  }
  return 0;
}

static __always_inline bool spending_is_limited(void) {
  return limits.stacks != NO_LIMIT || limits.whole != NO_LIMIT;
}

/* Of what a hit gets. */
enum { GETS_RECORD = 1 << 0, GETS_STACK = 1 << 1 };

/* What a hit of this kind gets; it counts as spent. */
static __always_inline int spend_on(const struct drop_kind* kind) {
  __u32 zero = 0;
  struct spending* spending = bpf_map_lookup_elem(&spent, &zero);

  if (!spending || !spending_is_limited()) return GETS_RECORD | GETS_STACK;
  /* 0: of no window */
  __u32 window = (__u32)(bpf_ktime_get_ns() >> WINDOW_BITS) + 1 + (limits.start << 24);
  if (spending->window != window) {
    spending->window = window;
    spending->stacks = 0;
    spending->whole = 0;
  }
  struct kind_slot* slot = slot_of_kind(window, hash_of_kind(kind));
  if (!may_spend(limits.whole, spending->whole, slot ? slot->whole : SOME)) return 0;
  spending->whole++;
  if (slot) slot->whole++;
  if (!may_spend(limits.stacks, spending->stacks, slot ? slot->stacks : SOME)) return GETS_RECORD;
  spending->stacks++;
  if (slot) slot->stacks++;
  return GETS_RECORD | GETS_STACK;
}

#endif /* COLLECTOR_SPENDING_BPF_H_ */
