// Whether this kernel lets us load and attach BPF programs of the kinds that this tool can use.
// Every probe closes what it opened before it returns.
#ifndef COLLECTOR_BPF_PROBE_H_
#define COLLECTOR_BPF_PROBE_H_

#include "absl/status/status.h"

namespace correlate {

struct BpfProbes {
  absl::Status tracing_program;         // tp_btf/kfree_skb loads
  absl::Status raw_tracepoint_program;  // raw_tp loads
  absl::Status trampoline;              // fentry on a kernel function loads and attaches
};

BpfProbes ProbeBpf();

}  // namespace correlate

#endif  // COLLECTOR_BPF_PROBE_H_
