// From the raw records of many rings to RawEvents in one order of time: knows each ring's layout
// and which format an event id stands for. What live rings and replayed captures have in common.
// One thread.
#ifndef COLLECTOR_RECORD_TRANSLATOR_H_
#define COLLECTOR_RECORD_TRANSLATOR_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "collector/cgroup_paths.h"
#include "collector/enriched_decoder.h"
#include "collector/event.h"
#include "collector/record_parser.h"
#include "collector/time_order.h"

namespace correlate {

class RecordTranslator {
 public:
  // A ring, or whatever else delivers records of one layout nearly in order.
  size_t AddStream(uint32_t cpu, const RecordLayout& layout);
  // Samples with this id are hits of that format, laid out as `sample_type` (perf_event_attr) says.
  // Ids are unique on a host (perf_event_open(2)).
  void AddEvent(uint64_t event_id, uint64_t sample_type, uint32_t format_id);
  // The same, for records of the companion BPF program that stands in for that format.
  // `stack_omitted`: such as come without a callchain that others of their kind have.
  void AddEnrichedEvent(uint64_t event_id, uint64_t sample_type, uint32_t format_id,
                        const EventFormat& format, bool stack_omitted);

  // Samples with this id are calls of bpf(2): bpf_call_record.h.
  void AddBpfCalls(uint64_t event_id, uint64_t sample_type);

  // Keeps a copy of one record until it is released. Records without a time take that of the record
  // before them in their stream. Returns the time.
  uint64_t Append(size_t stream, absl::Span<const uint8_t> record);
  // Hands over all that is older than `horizon_ns`, oldest first. Losses are not events here: their
  // counts come from the events' own counters, see lost().
  void Release(uint64_t horizon_ns, EventSink& sink);

  // Hits handed over of one event, by its id: what `written` in EventCounts means.
  uint64_t written(uint64_t event_id) const;
  // Sum of what PERF_RECORD_LOST records in this stream told, for kernels whose counters do not.
  uint64_t lost(size_t stream) const { return streams_[stream].lost; }
  // Of the record appended last.
  uint64_t last_time_ns(size_t stream) const { return streams_[stream].last_time_ns; }
  uint64_t malformed() const { return malformed_; }
  uint64_t out_of_order() const { return order_.out_of_order(); }

 private:
  struct Stream {
    uint32_t cpu;
    RecordLayout layout;
    uint64_t last_time_ns = 0;
    uint64_t lost = 0;
  };
  struct Event {
    uint64_t sample_type = 0;
    uint32_t format_id = 0;
    uint64_t written = 0;
    bool stack_omitted = false;
    EnrichedDecoder* decoder = nullptr;  // null: a plain tracepoint
    bool bpf_calls = false;
  };
  void TranslateSample(absl::Span<const uint8_t> record, const RecordLayout& layout,
                       EventSink& sink);
  void Translate(size_t stream, absl::Span<const uint8_t> record, EventSink& sink);

  std::vector<Stream> streams_;
  absl::flat_hash_map<uint64_t, Event> events_;
  absl::flat_hash_map<uint32_t, std::unique_ptr<EnrichedDecoder>> decoders_;  // by format id
  uint64_t last_event_id_ = 0;
  Event* last_event_ = nullptr;  // of that id; null: none
  TimeOrder order_;
  ParsedRecord parsed_;
  BpfCallRecord call_;
  CgroupPaths cgroups_;
  uint64_t malformed_ = 0;
};

}  // namespace correlate

#endif  // COLLECTOR_RECORD_TRANSLATOR_H_
