#include "cli/call_counts.h"

#include <algorithm>

#include "collector/bpf_call_kinds.h"

namespace correlate {

std::vector<EventCounts> CountCalls(const BpfCallTracer& tracer, const Correlator& correlator,
                                    bool settled) {
  std::vector<EventCounts> all;
  for (const auto& [event, format_id] : correlator.call_formats()) {
    const auto written = correlator.call_counts().find(format_id);
    std::vector<EventCounts> by_cpu;
    for (const uint32_t kind : BpfCallKindsOf(event)) {
      const std::vector<bpf_call_counts> counts = tracer.Counts(kind);
      by_cpu.resize(counts.size());
      for (size_t cpu = 0; cpu < counts.size(); ++cpu) {
        by_cpu[cpu].counted += counts[cpu].seen;
        by_cpu[cpu].lost += counts[cpu].lost;
      }
    }
    for (size_t cpu = 0; cpu < by_cpu.size(); ++cpu) {
      EventCounts& counts = by_cpu[cpu];
      if (counts.counted == 0) continue;
      counts.format_id = format_id;
      counts.cpu = static_cast<uint32_t>(cpu);
      if (written != correlator.call_counts().end() && cpu < written->second.size()) {
        counts.written = written->second[cpu];
      }
      const uint64_t explained = counts.written + counts.lost;
      if (settled) {
        counts.counted = explained;  // the rest waits in a ring
      } else {
        counts.missed = counts.counted - std::min(counts.counted, explained);
      }
      all.push_back(counts);
    }
  }
  return all;
}

}  // namespace correlate
