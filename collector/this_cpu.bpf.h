/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Where the running CPU keeps its per-CPU data, found without kallsyms, which needs not hold
 * variables: a task's run queue is such data and leads to the rest. Believed only where the
 * variable `current_task` found that way holds the current task. x86. */
#ifndef COLLECTOR_THIS_CPU_BPF_H_
#define COLLECTOR_THIS_CPU_BPF_H_

/* clang-format off */
#include "collector/enriched_record.h"
#include "collector/kernel_types.bpf.h"
#include "collector/kernel_read.bpf.h"
#include <bpf/bpf_helpers.h>
/* clang-format on */

/* Offsets of variables in the kernel's per-CPU data, from its BTF. */
const volatile __u32 has_percpu_offsets = 0;
const volatile __u32 runqueues_offset = 0;
const volatile __u32 current_task_offset = 0;
const volatile __u32 preempt_count_offset = 0;
const volatile __u32 this_cpu_off_offset = 0;

struct this_cpu {
  __u64 preempt_count; /* its address; 0: not found yet */
  __u64 offset;        /* what is added to a per-CPU pointer */
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct this_cpu);
} this_cpu SEC(".maps");

static __always_inline void find_this_cpu(struct this_cpu* here) {
  struct task_struct* task = (void*)bpf_get_current_task();
  struct task_struct* found = 0;

  if (!has_percpu_offsets || !bpf_core_field_exists(task->se.cfs_rq->rq)) return;
  void* data = (void*)READ(task, se.cfs_rq, rq) - runqueues_offset;
  if (bpf_probe_read_kernel(&found, sizeof(found), data + current_task_offset) || found != task)
    return;
  if (bpf_probe_read_kernel(&here->offset, sizeof(here->offset), data + this_cpu_off_offset))
    return;
  here->preempt_count = (__u64)data + preempt_count_offset;
}

/* Null: it cannot be found on this kernel. */
static __always_inline struct this_cpu* get_this_cpu(void) {
  __u32 zero = 0;
  struct this_cpu* here = bpf_map_lookup_elem(&this_cpu, &zero);

  if (!here) return 0;
  if (!here->preempt_count) find_this_cpu(here);
  return here->preempt_count ? here : 0;
}

/* include/linux/preempt.h; 0: unknown */
static __always_inline __u8 context_of_cpu(void) {
  struct this_cpu* here = get_this_cpu();

  if (!here) return 0;
  __u32 count = READ_INT(here->preempt_count);
  if (count & 0x00f00000) return ENRICHED_NMI;
  if (count & 0x000f0000) return ENRICHED_HARDIRQ;
  if (count & 0x00000100) return ENRICHED_SOFTIRQ; /* multiples of 0x200 only disable softirqs */
  return ENRICHED_TASK;
}

#endif /* COLLECTOR_THIS_CPU_BPF_H_ */
