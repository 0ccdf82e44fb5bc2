// bpf:bpf_prog_load and bpf:bpf_prog_put_rcu, which the kernel removed in 4.18, made from side-band
// records, which cost nobody anything.
#ifndef SYMBOLIZE_SIDE_BAND_EVENTS_H_
#define SYMBOLIZE_SIDE_BAND_EVENTS_H_

#include <cstdint>
#include <vector>

#include "collector/event.h"
#include "symbolize/synthetic_format.h"

namespace correlate {

SyntheticFormat ProgramLoadFormat();
SyntheticFormat ProgramUnloadFormat();

// The raw bytes of either. `program` may be null: the type is unknown.
void EncodeProgramEvent(const SyntheticFormat& format, const BpfProgramRecord& record,
                        const ProgramInfo* program, std::vector<uint8_t>* raw);

}  // namespace correlate

#endif  // SYMBOLIZE_SIDE_BAND_EVENTS_H_
