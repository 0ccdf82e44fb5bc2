// From the bytes of a bpf_call_record to a BpfCallRecord. A pure function on bytes.
#ifndef COLLECTOR_BPF_CALL_DECODER_H_
#define COLLECTOR_BPF_CALL_DECODER_H_

#include "collector/event.h"

namespace correlate {

// `sample`: as the ring's record says; its raw bytes are the record. False: they are none. All but
// `cgroup` is filled in; what is borrowed lives as long as the sample's bytes.
bool DecodeBpfCall(const TracepointSample& sample, BpfCallRecord* call);

}  // namespace correlate

#endif  // COLLECTOR_BPF_CALL_DECODER_H_
