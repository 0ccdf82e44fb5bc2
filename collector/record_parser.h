// Decodes perf's ring records (struct perf_event_header and what follows it) into RawEvents: a pure
// function on bytes, the same for live rings, files, tests and the fuzzer. Source of the layouts:
// include/uapi/linux/perf_event.h, "enum perf_event_type".
#ifndef COLLECTOR_RECORD_PARSER_H_
#define COLLECTOR_RECORD_PARSER_H_

#include <linux/perf_event.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "collector/event.h"

namespace correlate {

// How the events of one ring were opened. Both numbers come from struct perf_event_attr.
struct RecordLayout {
  uint64_t sample_type = 0;
  bool sample_id_all = true;  // every record but samples ends with a sample_id
};

enum class RecordKind {
  kSample,
  kLost,  // PERF_RECORD_LOST or PERF_RECORD_LOST_SAMPLES
  kKsymbol,
  kBpfProgram,
  kTask,
  kOther,      // well-formed, of no interest
  kMalformed,  // shorter than its own fields say
};

// What of sample_type makes up the sample_id of records that are no samples: eight bytes each.
inline constexpr uint64_t kSampleIdFields = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ID |
                                            PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU |
                                            PERF_SAMPLE_IDENTIFIER;
constexpr size_t SampleIdBytes(uint64_t sample_type) {
  return size_t{8} * static_cast<size_t>(std::popcount(sample_type & kSampleIdFields));
}

// What a parse fills; reuse one instance for a whole stream, so that a sample allocates nothing.
// Spans in `sample` point into the record, or into `callchain` here.
struct ParsedRecord {
  TracepointSample sample;  // format_id is left to the caller, who knows event_id's format
  uint64_t event_id = 0;    // PERF_SAMPLE_IDENTIFIER
  uint64_t lost = 0;        // kLost
  KsymbolRecord ksymbol;
  BpfProgramRecord bpf_program;
  TaskRecord task;
  std::vector<uint64_t> callchain;  // without PERF_CONTEXT_* markers and user frames
};

// `record` is one whole record, header included.
RecordKind ParseRecord(absl::Span<const uint8_t> record, const RecordLayout& layout,
                       ParsedRecord* parsed);

// How long the body of a record is whose sample_id does not stand at its end. The kernel adds the
// sample_id's size to the header of KSYMBOL and BPF_EVENT records once for every event that they
// are written to and does not take it off again (kernel/events/core.c, perf_event_ksymbol_output,
// perf_event_bpf_output; its siblings do), so that with another recorder on the host ours can be
// followed by bytes that mean nothing. `body`: what follows the header. nullopt: the record is of
// another type, or cut.
std::optional<size_t> SideBandBodyBytes(uint32_t type, absl::Span<const uint8_t> body);

bool IsSample(absl::Span<const uint8_t> record);
// Which event a sample is of, so that its own layout can be found: events of one ring may differ in
// what follows the id. nullopt: it does not say.
std::optional<uint64_t> SampleEventId(absl::Span<const uint8_t> record, uint64_t sample_type);

// The record's time alone: what ordering needs. nullopt for records without one.
std::optional<uint64_t> RecordTime(absl::Span<const uint8_t> record, const RecordLayout& layout);

}  // namespace correlate

#endif  // COLLECTOR_RECORD_PARSER_H_
