#include "collector/perf_attr.h"

#include <time.h>

namespace correlate {
namespace {

perf_event_attr CommonAttr(uint32_t type, uint64_t config, uint32_t watermark_bytes) {
  perf_event_attr attr = {};
  attr.size = sizeof attr;
  attr.type = type;
  attr.config = config;
  attr.sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU;
  attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_ID | PERF_FORMAT_LOST;
  attr.sample_id_all = 1;
  attr.disabled = 1;
  attr.use_clockid = 1;
  attr.clockid = CLOCK_MONOTONIC;
  attr.watermark = 1;
  attr.wakeup_watermark = watermark_bytes;
  return attr;
}

perf_event_attr Sampled(perf_event_attr attr, bool callchains, uint32_t max_stack) {
  attr.sample_period = 1;
  attr.sample_type |= PERF_SAMPLE_RAW;
  if (callchains) {
    attr.sample_type |= PERF_SAMPLE_CALLCHAIN;
    attr.exclude_callchain_user = 1;
    attr.sample_max_stack = static_cast<uint16_t>(max_stack);
  }
  return attr;
}

}  // namespace

perf_event_attr TracepointAttr(uint64_t tracepoint_id, bool callchains, uint32_t max_stack,
                               uint32_t watermark_bytes) {
  return Sampled(CommonAttr(PERF_TYPE_TRACEPOINT, tracepoint_id, watermark_bytes), callchains,
                 max_stack);
}

perf_event_attr TracepointCountAttr(uint64_t tracepoint_id, uint32_t watermark_bytes) {
  return CommonAttr(PERF_TYPE_TRACEPOINT, tracepoint_id, watermark_bytes);
}

perf_event_attr BpfOutputAttr(uint32_t max_stack, uint32_t watermark_bytes) {
  perf_event_attr attr =
      Sampled(CommonAttr(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_BPF_OUTPUT, watermark_bytes),
              /*callchains=*/true, max_stack);
  attr.disabled = 0;
  return attr;
}

perf_event_attr ProgramLoadsAttr() {
  perf_event_attr attr = CommonAttr(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY, 1);
  attr.ksymbol = 1;
  attr.bpf_event = 1;
  return attr;
}

perf_event_attr TaskNamesAttr(uint32_t watermark_bytes) {
  perf_event_attr attr = CommonAttr(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY, watermark_bytes);
  attr.comm = 1;
  attr.comm_exec = 1;
  attr.task = 1;
  return attr;
}

}  // namespace correlate
