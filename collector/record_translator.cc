#include "collector/record_translator.h"

#include "collector/bpf_call_decoder.h"

namespace correlate {

size_t RecordTranslator::AddStream(uint32_t cpu, const RecordLayout& layout) {
  streams_.push_back({cpu, layout});
  return order_.AddStream();
}

void RecordTranslator::AddEvent(uint64_t event_id, uint64_t sample_type, uint32_t format_id) {
  events_[event_id] = {.sample_type = sample_type, .format_id = format_id};
  last_event_ = nullptr;  // they may have moved
}

void RecordTranslator::AddEnrichedEvent(uint64_t event_id, uint64_t sample_type, uint32_t format_id,
                                        const EventFormat& format, bool stack_omitted) {
  auto& decoder = decoders_[format_id];
  if (decoder == nullptr) decoder = std::make_unique<EnrichedDecoder>(format);
  events_[event_id] = {.sample_type = sample_type,
                       .format_id = format_id,
                       .stack_omitted = stack_omitted,
                       .decoder = decoder.get()};
  last_event_ = nullptr;
}

void RecordTranslator::AddBpfCalls(uint64_t event_id, uint64_t sample_type) {
  events_[event_id] = {.sample_type = sample_type, .bpf_calls = true};
  last_event_ = nullptr;
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

void RecordTranslator::TranslateSample(absl::Span<const uint8_t> record, const RecordLayout& layout,
                                       EventSink& sink) {
  const uint64_t id = SampleEventId(record, layout.sample_type).value_or(0);
  if (last_event_ == nullptr || id != last_event_id_) {
    const auto event = events_.find(id);
    if (event == events_.end()) {
      ++malformed_;
      return;
    }
    last_event_id_ = id;
    last_event_ = &event->second;
  }
  Event& known = *last_event_;
  const RecordLayout own = {known.sample_type, layout.sample_id_all};
  TracepointSample& sample = parsed_.sample;
  if (ParseRecord(record, own, &parsed_) != RecordKind::kSample ||
      (known.bpf_calls && !DecodeBpfCall(sample, &call_)) ||
      (known.decoder != nullptr && !known.decoder->Decode(&sample))) {
    ++malformed_;
    return;
  }
  ++known.written;
  if (known.bpf_calls) {
    call_.cgroup = cgroups_.Find(call_.cgroup_id);
    return sink.OnRawEvent(call_);
  }
  sample.format_id = known.format_id;
  sample.stack_omitted = known.stack_omitted;
  sink.OnRawEvent(sample);
}

void RecordTranslator::Translate(size_t stream_index, absl::Span<const uint8_t> record,
                                 EventSink& sink) {
  Stream& stream = streams_[stream_index];
  if (IsSample(record)) return TranslateSample(record, stream.layout, sink);
  switch (ParseRecord(record, stream.layout, &parsed_)) {
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
    case RecordKind::kSample:
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
