/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Hands records without a callchain to this CPU's BPF ring buffer, for less than what a perf
 * event takes. They look like that event's, PERF_RECORD_SAMPLE and all, so that whoever reads them
 * need not know where they came from. */
#ifndef COLLECTOR_RECORD_RING_BPF_H_
#define COLLECTOR_RECORD_RING_BPF_H_

/* clang-format off */
#include "collector/kernel_types.bpf.h"
#include <linux/errno.h>
#include <bpf/bpf_helpers.h>
#include "collector/ring_record.h"
/* clang-format on */

struct record_ring {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096); /* of the type alone: the ring of each CPU has a size of its own */
};

/* By CPU; at its size when loaded. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, 1);
  __type(key, __u32);
  __array(values, struct record_ring);
} record_rings SEC(".maps");

/* The reader's pid namespace; 0: the first one, as the kernel itself counts. */
const volatile __u64 pid_namespace_device = 0;
const volatile __u64 pid_namespace_inode = 0;

static __always_inline void note_task(struct ring_head* head) {
  if (pid_namespace_inode) {
    struct bpf_pidns_info task = {};
    bpf_get_ns_current_pid_tgid(pid_namespace_device, pid_namespace_inode, &task, sizeof(task));
    head->pid = task.tgid;
    head->tid = task.pid;
    return;
  }
  __u64 task = bpf_get_current_pid_tgid();
  head->pid = task >> 32;
  head->tid = (__u32)task;
}

enum { ASK_EVERY = 16 };

/* From a quarter on. To ask costs as much as the rest, so not each record does. */
static __always_inline bool wakes_reader(void* ring, __u64 records_before) {
  if (records_before % ASK_EVERY) return false;
  return bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) >=
         bpf_ringbuf_query(ring, BPF_RB_RING_SIZE) / 4;
}

/* `head` and `bytes` behind it; 0, or the kernel's error. */
static __always_inline long put_in_ring(struct ring_head* head, __u32 which, __u32 bytes,
                                        __u64 records_before) {
  __u32 cpu = bpf_get_smp_processor_id();
  void* ring = bpf_map_lookup_elem(&record_rings, &cpu);

  if (!ring) return -ENOENT;
  head->type = PERF_RECORD_SAMPLE;
  head->misc = 0;
  head->size = RING_SAMPLE_HEAD_BYTES + bytes;
  head->event_id = RING_EVENT_ID(cpu, which);
  note_task(head);
  head->time_ns = bpf_ktime_get_ns();
  head->cpu = cpu;
  head->reserved = 0;
  head->raw_bytes = bytes;
  return bpf_ringbuf_output(
      ring, head, __builtin_offsetof(struct ring_record, event) + bytes,
      wakes_reader(ring, records_before) ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

#endif /* COLLECTOR_RECORD_RING_BPF_H_ */
