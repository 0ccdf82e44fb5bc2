/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Whether a perf event that stands in a map is on, so that a program counts what the event does. */
#ifndef COLLECTOR_PERF_EVENTS_BPF_H_
#define COLLECTOR_PERF_EVENTS_BPF_H_

/* clang-format off */
#include "collector/kernel_types.bpf.h"
#include "collector/kernel_read.bpf.h"
#include <bpf/bpf_helpers.h>
/* clang-format on */

/* Of this CPU's event in `map`, which is what bpf_perf_event_output asks as well
 * (kernel/trace/bpf_trace.c): before the recording begins and after it ends it is not. The
 * verifier lets nobody look into such a map, but a pointer to one may lie on the stack. */
static __always_inline bool perf_event_is_on(void* map) {
  void* on_stack = map;
  void* array = 0;
  struct bpf_event_entry* entry = 0;
  __u32 cpu = bpf_get_smp_processor_id();
  struct perf_event* event = 0;

  if (!bpf_core_field_exists(struct bpf_array, ptrs) || !bpf_core_field_exists(event->oncpu))
    return true;
  bpf_probe_read_kernel(&array, sizeof(array), &on_stack);
  bpf_probe_read_kernel(
      &entry, sizeof(entry),
      array + bpf_core_field_offset(struct bpf_array, ptrs) + cpu * sizeof(entry));
  if (!entry) return false;
  event = READ(entry, event);
  return event && READ(event, oncpu) == (int)cpu;
}

#endif /* COLLECTOR_PERF_EVENTS_BPF_H_ */
