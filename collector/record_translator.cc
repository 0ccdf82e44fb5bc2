#include "collector/record_translator.h"

#include <utility>

namespace correlate {

size_t RecordTranslator::AddStream(uint32_t cpu, const RecordLayout& layout) {
  streams_.push_back({cpu, layout});
  return order_.AddStream();
}

void RecordTranslator::AddEvent(uint64_t event_id, uint32_t format_id) {
  events_[event_id] = {format_id};
}

void RecordTranslator::AddEnrichedEvent(uint64_t event_id, uint32_t format_id,
                                        const EventFormat& format) {
  auto& decoder = decoders_[format_id];
  if (decoder == nullptr) decoder = std::make_unique<EnrichedDecoder>(format);
  events_[event_id] = {.format_id = format_id, .decoder = decoder.get()};
}

uint64_t RecordTranslator::Append(size_t stream_index, absl::Span<const uint8_t> record) {
  Stream& stream = streams_[stream_index];
  stream.last_time_ns = RecordTime(record, stream.layout).value_or(stream.last_time_ns);
  order_.Append(stream_index, stream.last_time_ns, record);
  return stream.last_time_ns;
}

void RecordTranslator::Release(uint64_t horizon_ns, EventSink& sink) {
  order_.Release(horizon_ns, [&](size_t stream, uint64_t, absl::Span<const uint8_t> record) {
    Translate(stream, record, sink);
  });
}

void RecordTranslator::Translate(size_t stream_index, absl::Span<const uint8_t> record,
                                 EventSink& sink) {
  Stream& stream = streams_[stream_index];
  switch (ParseRecord(record, stream.layout, &parsed_)) {
    case RecordKind::kSample: {
      const auto event = events_.find(parsed_.event_id);
      if (event == events_.end()) {
        ++malformed_;
        return;
      }
      EnrichedDecoder* decoder = event->second.decoder;
      if (decoder != nullptr && !decoder->Decode(&parsed_.sample)) {
        ++malformed_;
        return;
      }
      ++event->second.written;
      parsed_.sample.format_id = event->second.format_id;
      sink.OnRawEvent(parsed_.sample);
      return;
    }
    case RecordKind::kLost:
      stream.lost += parsed_.lost;
      return;
    case RecordKind::kKsymbol:
      sink.OnRawEvent(parsed_.ksymbol);
      return;
    case RecordKind::kBpfProgram:
      sink.OnRawEvent(parsed_.bpf_program);
      return;
    case RecordKind::kTask:
      sink.OnRawEvent(parsed_.task);
      return;
    case RecordKind::kOther:
      return;
    case RecordKind::kMalformed:
      ++malformed_;
      return;
  }
}

uint64_t RecordTranslator::written(uint64_t event_id) const {
  const auto event = events_.find(event_id);
  return event == events_.end() ? 0 : event->second.written;
}

}  // namespace correlate
