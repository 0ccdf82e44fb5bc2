// Records of a perf.data file from a machine of the other byte order, put into our own: what
// follows the header of a record is known by its type, and of a sample by sample_type
// (perf_event_open(2)).
#ifndef COLLECTOR_PERF_BYTE_ORDER_H_
#define COLLECTOR_PERF_BYTE_ORDER_H_

#include <cstdint>

#include "absl/types/span.h"
#include "collector/event.h"

namespace correlate {

// The type, misc and size of a record.
void SwapRecordHeader(absl::Span<uint8_t> record);
// All else of a record whose header is in our order already; not the raw data of a sample, whose
// place is returned (empty: it has none). What does not fit is left as it is: the parser finds it
// malformed.
absl::Span<uint8_t> SwapRecordBody(uint64_t sample_type, bool sample_id_all,
                                   absl::Span<uint8_t> record);
// A tracepoint's record, by its format.
void SwapRawFields(const EventFormat& format, absl::Span<uint8_t> raw);

}  // namespace correlate

#endif  // COLLECTOR_PERF_BYTE_ORDER_H_
