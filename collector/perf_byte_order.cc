#include "collector/perf_byte_order.h"

#include <linux/perf_event.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/match.h"
#include "collector/record_parser.h"

namespace correlate {
namespace {

// Swaps value after value, from the front.
class Swapper {
 public:
  explicit Swapper(absl::Span<uint8_t> bytes) : rest_(bytes) {}

  void U64(size_t count = 1) { Swap(8, count); }
  void U32(size_t count = 1) { Swap(4, count); }
  void U16(size_t count = 1) { Swap(2, count); }
  void Skip(size_t bytes) { rest_.remove_prefix(std::min(bytes, rest_.size())); }
  // The value that stands next, swapped already.
  template <typename Integer>
  Integer Peek() const {
    Integer value = 0;
    if (rest_.size() >= sizeof value) std::memcpy(&value, rest_.data(), sizeof value);
    return value;
  }
  absl::Span<uint8_t> rest() const { return rest_; }

 private:
  void Swap(size_t bytes, size_t count) {
    count = std::min(count, rest_.size() / bytes);
    for (size_t i = 0; i < count; ++i) {
      std::reverse(rest_.data() + i * bytes, rest_.data() + (i + 1) * bytes);
    }
    rest_.remove_prefix(count * bytes);
  }
  absl::Span<uint8_t> rest_;
};

void SwapSampleId(uint64_t sample_type, absl::Span<uint8_t> trailer) {
  Swapper swap(trailer);
  if (sample_type & PERF_SAMPLE_TID) swap.U32(2);
  if (sample_type & PERF_SAMPLE_TIME) swap.U64();
  if (sample_type & PERF_SAMPLE_ID) swap.U64();
  if (sample_type & PERF_SAMPLE_STREAM_ID) swap.U64();
  if (sample_type & PERF_SAMPLE_CPU) swap.U32(2);
  if (sample_type & PERF_SAMPLE_IDENTIFIER) swap.U64();
}

absl::Span<uint8_t> SwapSample(uint64_t sample_type, absl::Span<uint8_t> body) {
  Swapper swap(body);
  if (sample_type & PERF_SAMPLE_IDENTIFIER) swap.U64();
  if (sample_type & PERF_SAMPLE_IP) swap.U64();
  if (sample_type & PERF_SAMPLE_TID) swap.U32(2);
  if (sample_type & PERF_SAMPLE_TIME) swap.U64();
  if (sample_type & PERF_SAMPLE_ADDR) swap.U64();
  if (sample_type & PERF_SAMPLE_ID) swap.U64();
  if (sample_type & PERF_SAMPLE_STREAM_ID) swap.U64();
  if (sample_type & PERF_SAMPLE_CPU) swap.U32(2);
  if (sample_type & PERF_SAMPLE_PERIOD) swap.U64();
  if (sample_type & PERF_SAMPLE_CALLCHAIN) {
    Swapper count = swap;
    count.U64();
    const uint64_t frames = swap.Peek<uint64_t>();
    swap.Skip(8);
    swap.U64(std::min<uint64_t>(frames, body.size() / 8));
  }
  if (!(sample_type & PERF_SAMPLE_RAW)) return {};
  Swapper size = swap;
  size.U32();
  const uint32_t bytes = swap.Peek<uint32_t>();
  swap.Skip(4);
  return swap.rest().subspan(0, bytes);
}

}  // namespace

void SwapRecordHeader(absl::Span<uint8_t> record) {
  Swapper swap(record);
  swap.U32();
  swap.U16(2);
}

absl::Span<uint8_t> SwapRecordBody(uint64_t sample_type, bool sample_id_all,
                                   absl::Span<uint8_t> record) {
  perf_event_header header;
  if (record.size() < sizeof header) return {};
  std::memcpy(&header, record.data(), sizeof header);
  absl::Span<uint8_t> body = record.subspan(sizeof header);
  if (header.type == PERF_RECORD_SAMPLE) return SwapSample(sample_type, body);
  const size_t trailer = sample_id_all ? SampleIdBytes(sample_type) : 0;
  if (body.size() < trailer) return {};
  const size_t body_bytes =
      std::min(SideBandBodyBytes(header.type, body).value_or(body.size()), body.size() - trailer);
  SwapSampleId(sample_type, body.subspan(body_bytes, trailer));
  Swapper swap(body.subspan(0, body_bytes));
  switch (header.type) {
    case PERF_RECORD_LOST:
      swap.U64(2);
      break;
    case PERF_RECORD_LOST_SAMPLES:
      swap.U64();
      break;
    case PERF_RECORD_COMM:
      swap.U32(2);
      break;
    case PERF_RECORD_FORK:
    case PERF_RECORD_EXIT:
      swap.U32(4);
      swap.U64();
      break;
    case PERF_RECORD_MMAP:
      swap.U32(2);
      swap.U64(3);
      break;
    case PERF_RECORD_KSYMBOL:
      swap.U64();
      swap.U32();
      swap.U16(2);
      break;
    case PERF_RECORD_BPF_EVENT:
      swap.U16(2);
      swap.U32();
      break;
    default:
      break;
  }
  return {};
}

void SwapRawFields(const EventFormat& format, absl::Span<uint8_t> raw) {
  for (const FormatField& field : format.fields) {
    if (field.offset > raw.size() || field.size > raw.size() - field.offset) continue;
    const absl::Span<uint8_t> bytes = raw.subspan(field.offset, field.size);
    // Arrays are of bytes, but for those whose type says otherwise.
    size_t element = field.is_array ? 1 : field.size;
    if (field.is_array && absl::StrContains(field.type, "long")) element = 8;
    if (field.is_array &&
        (absl::StrContains(field.type, "int") || absl::StrContains(field.type, "32"))) {
      element = 4;
    }
    if (element != 2 && element != 4 && element != 8) continue;
    for (size_t at = 0; at + element <= bytes.size(); at += element) {
      std::reverse(bytes.data() + at, bytes.data() + at + element);
    }
  }
}

}  // namespace correlate
