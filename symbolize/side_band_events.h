// bpf:bpf_prog_load and bpf:bpf_prog_put_rcu, which the kernel removed in 4.18, made from side-band
// records. They look like tracepoints (a format text, raw bytes), so that everything after this
// point has one way for all events; EventFormat::synthetic tells them apart.
#ifndef SYMBOLIZE_SIDE_BAND_EVENTS_H_
#define SYMBOLIZE_SIDE_BAND_EVENTS_H_

#include <cstdint>
#include <vector>

#include "collector/event.h"

namespace correlate {

EventFormat ProgramLoadFormat(uint32_t format_id);
EventFormat ProgramUnloadFormat(uint32_t format_id);

// The raw bytes of either, as the formats lay them out. `program` may be null: the type is unknown.
void EncodeProgramEvent(const BpfProgramRecord& record, const ProgramInfo* program,
                        std::vector<uint8_t>* raw);

}  // namespace correlate

#endif  // SYMBOLIZE_SIDE_BAND_EVENTS_H_
