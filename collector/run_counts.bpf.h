/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Which of several programs on tc ingress ended a packet: with BPF_ENABLE_STATS held, each program
 * counts its runs for each CPU. Noted before the packet comes to the hook and read again when it is
 * freed, the counts tell how far down the list it came. A note holds for one packet on one device,
 * and only while the list stays the same. */
#ifndef COLLECTOR_RUN_COUNTS_BPF_H_
#define COLLECTOR_RUN_COUNTS_BPF_H_

/* clang-format off */
#include "collector/hook_walk.bpf.h"
#include "collector/this_cpu.bpf.h"
/* clang-format on */

const volatile __u32 count_runs = 0; /* --attribution verdict */

struct run_note {
  struct workspace space;
  __u64 skb; /* 0: no note */
  __u64 device;
  __u64 runs[ENRICHED_MOST_ENTRIES];
};

/* Softirqs of one CPU do not interrupt each other, so one note a CPU. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct run_note);
} run_notes SEC(".maps");

static __always_inline __u64 runs_of(__u64 address, struct this_cpu* here) {
  struct bpf_prog* program = (void*)address;
  __u64 runs = 0;

  if (!program || !bpf_core_field_exists(program->stats)) return 0;
  void* stats = (void*)BPF_CORE_READ(program, stats) + here->offset;
  stats += bpf_core_field_exists(struct bpf_prog_stats, cnt)
               ? bpf_core_field_offset(struct bpf_prog_stats, cnt)
               : bpf_core_field_offset(struct bpf_prog_stats___plain, cnt);
  bpf_probe_read_kernel(&runs, sizeof(runs), stats);
  return runs;
}

/* skb_protocol(skb, false) of include/linux/if_vlan.h */
static __always_inline __be16 tc_protocol(struct sk_buff* skb, bool has_tag) {
  return has_tag ? BPF_CORE_READ(skb, vlan_proto) : BPF_CORE_READ(skb, protocol);
}

static __always_inline void note_runs(struct sk_buff* skb, bool has_tag) {
  __u32 zero = 0;
  struct run_note* note = bpf_map_lookup_elem(&run_notes, &zero);
  struct this_cpu* here = get_this_cpu();

  if (!note || !here) return;
  struct enriched_event* event = &note->space.record.event;
  struct net_device* device = BPF_CORE_READ(skb, dev);
  note->skb = 0;
  event->walk_entries = 0;
  event->walk_flags = 0;
  event->walk_revision = 0;
  walk_tc(event, device, true, tc_protocol(skb, has_tag));
  if (event->walk_entries < 2) return; /* nothing to tell apart */
  for (__u32 i = 0; i < ENRICHED_MOST_ENTRIES; i++) {
    if (i >= event->walk_entries) break;
    note->runs[i] = runs_of(note->space.programs[i], here);
  }
  note->device = (__u64)device;
  note->skb = (__u64)skb;
}

/* Fills the entries' runs, if the note is this packet's and the list is what it was. */
static __always_inline void compare_runs(struct workspace* space, struct sk_buff* skb,
                                         struct net_device* device) {
  __u32 zero = 0;
  struct enriched_event* event = &space->record.event;
  struct run_note* note = bpf_map_lookup_elem(&run_notes, &zero);
  struct this_cpu* here = get_this_cpu();

  if (!note || !here || note->skb != (__u64)skb || note->device != (__u64)device) return;
  note->skb = 0;
  struct enriched_event* before = &note->space.record.event;
  if (before->walk_entries != event->walk_entries ||
      before->walk_revision != event->walk_revision || before->walk_flags != event->walk_flags)
    return;
  for (__u32 i = 0; i < ENRICHED_MOST_ENTRIES; i++) {
    if (i >= event->walk_entries) break;
    if (note->space.programs[i] != space->programs[i] ||
        before->walk[i].handle != event->walk[i].handle ||
        before->walk[i].pref != event->walk[i].pref ||
        before->walk[i].link_id != event->walk[i].link_id)
      return;
    __u64 runs = runs_of(space->programs[i], here) - note->runs[i];
    event->walk[i].runs = runs > 255 ? 255 : runs;
  }
  event->walk_flags |= WALK_COUNTED;
}

#endif /* COLLECTOR_RUN_COUNTS_BPF_H_ */
