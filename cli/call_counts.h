// How often each event made of calls of bpf(2) happened, was written and was lost, by CPU. A pure
// function of what tracer and correlator counted.
#ifndef CLI_CALL_COUNTS_H_
#define CLI_CALL_COUNTS_H_

#include <vector>

#include "collector/bpf_call_tracer.h"
#include "symbolize/correlator.h"

namespace correlate {

// `settled`: while calls still come, what waits in a ring is not counted yet.
std::vector<EventCounts> CountCalls(const BpfCallTracer& tracer, const Correlator& correlator,
                                    bool settled);

}  // namespace correlate

#endif  // CLI_CALL_COUNTS_H_
