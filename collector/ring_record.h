/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* A record in a CPU's BPF ring buffer, as C for both sides: behind four bytes, which align what
 * follows, a PERF_RECORD_SAMPLE (include/uapi/linux/perf_event.h) of RING_SAMPLE_TYPE. */
#ifndef COLLECTOR_RING_RECORD_H_
#define COLLECTOR_RING_RECORD_H_

#include <linux/perf_event.h>
#include <linux/types.h>

#include "collector/enriched_record.h"

#define RING_SAMPLE_TYPE \
  (PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_RAW)

/* `which`: COMPANION_..., or */
enum { RING_BPF_CALLS = 16 /* bpf_call_record.h */ };
/* Perf events have small ids (perf_event_open(2), PERF_EVENT_IOC_ID): these are none's. */
#define RING_EVENT_ID(cpu, which) (1ull << 63 | (__u64)(cpu) << 8 | (which))

typedef __u64 __attribute__((aligned(4))) ring_u64;

struct ring_head {
  __u32 padding;
  __u32 type;
  __u16 misc;
  __u16 size;
  ring_u64 event_id;
  __u32 pid; /* the process */
  __u32 tid;
  ring_u64 time_ns; /* CLOCK_MONOTONIC */
  __u32 cpu;
  __u32 reserved;
  __u32 raw_bytes; /* of what follows */
};

struct ring_record {
  struct ring_head head;
  struct enriched_event event;
};

enum {
  RING_PADDING_BYTES = __builtin_offsetof(struct ring_head, type),
  RING_SAMPLE_HEAD_BYTES = sizeof(struct ring_head) - RING_PADDING_BYTES,
};

#endif /* COLLECTOR_RING_RECORD_H_ */
