// The perf_event_attr of each kind of event this tool opens (perf_event_open(2)). All use
// CLOCK_MONOTONIC, so that their times agree with each other and with bpf_ktime_get_ns().
#ifndef COLLECTOR_PERF_ATTR_H_
#define COLLECTOR_PERF_ATTR_H_

#include <linux/perf_event.h>

#include <cstddef>
#include <cstdint>

namespace correlate {

// Every hit of a tracepoint as a record, with its raw data and, if asked for, the kernel's
// callchain of at most `max_stack` frames (user frames are left out). Wakes a poller once
// `watermark_bytes` are in the ring.
perf_event_attr TracepointAttr(uint64_t tracepoint_id, bool callchains, uint32_t max_stack,
                               uint32_t watermark_bytes);
// The same tracepoint counted, without a record. The watermark of a ring is that of its first
// event.
perf_event_attr TracepointCountAttr(uint64_t tracepoint_id, uint32_t watermark_bytes);
// What a BPF program hands over with bpf_perf_event_output(), with callchains, as TracepointAttr
// otherwise. Joins the group of an event that is disabled, and is not disabled itself.
perf_event_attr BpfOutputAttr(uint32_t max_stack, uint32_t watermark_bytes);
// KSYMBOL and BPF_EVENT records: programs, trampolines, dispatchers that come and go. Wakes at
// once.
perf_event_attr ProgramLoadsAttr();
// COMM, FORK and EXIT records.
perf_event_attr TaskNamesAttr(uint32_t watermark_bytes);

}  // namespace correlate

#endif  // COLLECTOR_PERF_ATTR_H_
