/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Counts hits by kind. The table in use is exchanged for an empty one before it is full, and
 * nothing is ever deleted from one: while programs count, an element that is deleted can be given
 * to another key. What finds no room is counted too. */
#ifndef COLLECTOR_KIND_TABLES_BPF_H_
#define COLLECTOR_KIND_TABLES_BPF_H_

/* clang-format off */
#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_helpers.h>
#include "collector/drop_kind.h"
/* clang-format on */

struct kind_table {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, MOST_KINDS);
  __uint(key_size, sizeof(struct drop_kind));
  __uint(value_size, sizeof(__u64));
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, 1);
  __type(key, __u32);
  __array(values, struct kind_table);
} kind_tables SEC(".maps");

/* By event. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, COMPANION_EVENTS);
  __type(key, __u32);
  __type(value, __u64);
} kinds_without_room SEC(".maps");

/* Atomic, since Linux 5.10 enters a program again on a CPU where it was interrupted. */
static __always_inline void count_kind(const struct drop_kind* kind) {
  __u32 zero = 0;
  __u64 one = 1;
  void* table = bpf_map_lookup_elem(&kind_tables, &zero);

  if (table) {
    __u64* count = bpf_map_lookup_elem(table, kind);
    if (!count) {
      long error = bpf_map_update_elem(table, kind, &one, BPF_NOEXIST);
      if (!error) return;
      if (error == -EEXIST) count = bpf_map_lookup_elem(table, kind); /* on another CPU, just now */
    }
    if (count) {
      __sync_fetch_and_add(count, 1);
      return;
    }
  }
  __u32 event = kind->event;
  __u64* without = bpf_map_lookup_elem(&kinds_without_room, &event);
  if (without) __sync_fetch_and_add(without, 1);
}

#endif /* COLLECTOR_KIND_TABLES_BPF_H_ */
