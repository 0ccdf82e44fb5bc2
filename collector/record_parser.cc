#include "collector/record_parser.h"

#include <linux/perf_event.h>

#include <algorithm>
#include <cstring>

namespace correlate {
namespace {

// Reads values one after the other; once something was missing, everything after it is missing.
class FieldCursor {
 public:
  explicit FieldCursor(absl::Span<const uint8_t> bytes) : rest_(bytes) {}

  template <typename T>
  T Take() {
    T value{};
    if (rest_.size() < sizeof value) {
      Fail();
      return value;
    }
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }

  absl::Span<const uint8_t> TakeBytes(uint64_t size) {
    if (rest_.size() < size) {
      Fail();
      return {};
    }
    const auto bytes = rest_.first(size);
    rest_.remove_prefix(size);
    return bytes;
  }

  void Skip(uint64_t size) { TakeBytes(size); }
  absl::Span<const uint8_t> rest() const { return rest_; }
  bool ok() const { return ok_; }

 private:
  void Fail() {
    ok_ = false;
    rest_ = {};
  }

  absl::Span<const uint8_t> rest_;
  bool ok_ = true;
};

// The identity that samples carry in front and, with sample_id_all, other records at their end.
struct SampleId {
  int32_t pid = 0;
  int32_t tid = 0;
  uint64_t time_ns = 0;
  uint32_t cpu = 0;
  uint64_t event_id = 0;
};

SampleId ParseSampleId(absl::Span<const uint8_t> bytes, uint64_t sample_type) {
  FieldCursor cursor(bytes);
  SampleId id;
  if (sample_type & PERF_SAMPLE_TID) {
    id.pid = cursor.Take<int32_t>();
    id.tid = cursor.Take<int32_t>();
  }
  if (sample_type & PERF_SAMPLE_TIME) id.time_ns = cursor.Take<uint64_t>();
  if (sample_type & PERF_SAMPLE_ID) id.event_id = cursor.Take<uint64_t>();
  if (sample_type & PERF_SAMPLE_STREAM_ID) cursor.Skip(8);
  if (sample_type & PERF_SAMPLE_CPU) {
    id.cpu = cursor.Take<uint32_t>();
    cursor.Skip(4);
  }
  if (sample_type & PERF_SAMPLE_IDENTIFIER) id.event_id = cursor.Take<uint64_t>();
  return id;
}

// Kernel frames only. The kernel separates contexts by markers, which are addresses near 2^64
// (enum perf_callchain_context).
bool ParseCallchain(FieldCursor& cursor, std::vector<uint64_t>* callchain) {
  const uint64_t count = cursor.Take<uint64_t>();
  if (count > cursor.rest().size() / sizeof(uint64_t)) return false;
  bool kernel = true;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t address = cursor.Take<uint64_t>();
    if (address >= static_cast<uint64_t>(PERF_CONTEXT_MAX)) {
      kernel = address == static_cast<uint64_t>(PERF_CONTEXT_KERNEL);
    } else if (kernel) {
      callchain->push_back(address);
    }
  }
  return true;
}

RecordKind ParseSample(absl::Span<const uint8_t> body, uint64_t sample_type, ParsedRecord* parsed) {
  FieldCursor cursor(body);
  TracepointSample& sample = parsed->sample;
  sample = TracepointSample();
  parsed->callchain.clear();
  if (sample_type & PERF_SAMPLE_IDENTIFIER) parsed->event_id = cursor.Take<uint64_t>();
  if (sample_type & PERF_SAMPLE_IP) cursor.Skip(8);
  if (sample_type & PERF_SAMPLE_TID) {
    sample.pid = cursor.Take<int32_t>();
    sample.tid = cursor.Take<int32_t>();
  }
  if (sample_type & PERF_SAMPLE_TIME) sample.time_ns = cursor.Take<uint64_t>();
  if (sample_type & PERF_SAMPLE_ADDR) cursor.Skip(8);
  if (sample_type & PERF_SAMPLE_ID) parsed->event_id = cursor.Take<uint64_t>();
  if (sample_type & PERF_SAMPLE_STREAM_ID) cursor.Skip(8);
  if (sample_type & PERF_SAMPLE_CPU) {
    sample.cpu = cursor.Take<uint32_t>();
    cursor.Skip(4);
  }
  if (sample_type & PERF_SAMPLE_PERIOD) cursor.Skip(8);
  // PERF_SAMPLE_READ would stand here; nothing of ours asks for it.
  if (sample_type & PERF_SAMPLE_READ) return RecordKind::kMalformed;
  if ((sample_type & PERF_SAMPLE_CALLCHAIN) && !ParseCallchain(cursor, &parsed->callchain)) {
    return RecordKind::kMalformed;
  }
  if (sample_type & PERF_SAMPLE_RAW) sample.raw = cursor.TakeBytes(cursor.Take<uint32_t>());
  sample.callchain = parsed->callchain;
  return cursor.ok() ? RecordKind::kSample : RecordKind::kMalformed;
}

// A fixed-size or trailing char array, up to its first NUL.
std::string TakeName(absl::Span<const uint8_t> bytes) {
  const auto end = std::find(bytes.begin(), bytes.end(), 0);
  return std::string(bytes.begin(), end);
}

RecordKind ParseKsymbol(FieldCursor cursor, const SampleId& id, KsymbolRecord* ksymbol) {
  ksymbol->time_ns = id.time_ns;
  ksymbol->cpu = id.cpu;
  ksymbol->address = cursor.Take<uint64_t>();
  ksymbol->length_bytes = cursor.Take<uint32_t>();
  ksymbol->bpf = cursor.Take<uint16_t>() == PERF_RECORD_KSYMBOL_TYPE_BPF;
  ksymbol->unregister = cursor.Take<uint16_t>() & PERF_RECORD_KSYMBOL_FLAGS_UNREGISTER;
  ksymbol->name = TakeName(cursor.rest());
  return cursor.ok() ? RecordKind::kKsymbol : RecordKind::kMalformed;
}

RecordKind ParseBpfProgram(FieldCursor cursor, const SampleId& id, BpfProgramRecord* program) {
  program->time_ns = id.time_ns;
  program->cpu = id.cpu;
  program->pid = id.pid;
  program->tid = id.tid;
  const uint16_t type = cursor.Take<uint16_t>();
  cursor.Skip(2);  // flags
  program->load = type == PERF_BPF_EVENT_PROG_LOAD;
  program->program_id = cursor.Take<uint32_t>();
  const auto tag = cursor.TakeBytes(program->tag.size());
  if (!cursor.ok()) return RecordKind::kMalformed;
  std::memcpy(program->tag.data(), tag.data(), tag.size());
  const bool known = program->load || type == PERF_BPF_EVENT_PROG_UNLOAD;
  return known ? RecordKind::kBpfProgram : RecordKind::kOther;
}

RecordKind ParseTask(uint32_t type, FieldCursor cursor, const SampleId& id, TaskRecord* task) {
  task->time_ns = id.time_ns;
  task->parent_tid = 0;
  task->comm.clear();
  task->pid = cursor.Take<int32_t>();
  if (type == PERF_RECORD_COMM) {
    task->kind = TaskRecord::Kind::kComm;
    task->tid = cursor.Take<int32_t>();
    task->comm = TakeName(cursor.rest());
  } else {
    task->kind = type == PERF_RECORD_FORK ? TaskRecord::Kind::kFork : TaskRecord::Kind::kExit;
    cursor.Skip(4);  // parent process
    task->tid = cursor.Take<int32_t>();
    task->parent_tid = cursor.Take<int32_t>();
  }
  return cursor.ok() ? RecordKind::kTask : RecordKind::kMalformed;
}

struct SplitRecord {
  perf_event_header header = {};
  absl::Span<const uint8_t> body;     // between header and sample_id
  absl::Span<const uint8_t> trailer;  // the sample_id; empty for samples
  bool ok = false;
};

SplitRecord Split(absl::Span<const uint8_t> record, const RecordLayout& layout) {
  SplitRecord split;
  if (record.size() < sizeof split.header) return split;
  std::memcpy(&split.header, record.data(), sizeof split.header);
  if (split.header.size != record.size()) return split;
  split.body = record.subspan(sizeof split.header);
  if (split.header.type != PERF_RECORD_SAMPLE && layout.sample_id_all) {
    const size_t trailer_bytes = SampleIdBytes(layout.sample_type);
    if (split.body.size() < trailer_bytes) return split;
    const size_t body_bytes = SideBandBodyBytes(split.header.type, split.body)
                                  .value_or(split.body.size() - trailer_bytes);
    if (split.body.size() - trailer_bytes < body_bytes) return split;
    split.trailer = split.body.subspan(body_bytes, trailer_bytes);
    split.body = split.body.first(body_bytes);
  }
  split.ok = true;
  return split;
}

}  // namespace

std::optional<size_t> SideBandBodyBytes(uint32_t type, absl::Span<const uint8_t> body) {
  constexpr size_t kBpfEventBytes = 16;
  constexpr size_t kKsymbolHeadBytes = 16;  // before the name, which is padded to 8 bytes
  if (type == PERF_RECORD_BPF_EVENT) return kBpfEventBytes;
  if (type != PERF_RECORD_KSYMBOL || body.size() < kKsymbolHeadBytes) return std::nullopt;
  const auto name = body.subspan(kKsymbolHeadBytes);
  const auto end = std::find(name.begin(), name.end(), 0);
  if (end == name.end()) return std::nullopt;
  const size_t name_bytes = static_cast<size_t>(end - name.begin()) + 1;
  return kKsymbolHeadBytes + (name_bytes + 7) / 8 * 8;
}

RecordKind ParseRecord(absl::Span<const uint8_t> record, const RecordLayout& layout,
                       ParsedRecord* parsed) {
  const SplitRecord split = Split(record, layout);
  if (!split.ok) return RecordKind::kMalformed;
  if (split.header.type == PERF_RECORD_SAMPLE) {
    return ParseSample(split.body, layout.sample_type, parsed);
  }
  const SampleId id = ParseSampleId(split.trailer, layout.sample_type);
  parsed->event_id = id.event_id;
  FieldCursor cursor(split.body);
  switch (split.header.type) {
    case PERF_RECORD_LOST:
      parsed->event_id = cursor.Take<uint64_t>();
      parsed->lost = cursor.Take<uint64_t>();
      return cursor.ok() ? RecordKind::kLost : RecordKind::kMalformed;
    case PERF_RECORD_LOST_SAMPLES:
      parsed->lost = cursor.Take<uint64_t>();
      return cursor.ok() ? RecordKind::kLost : RecordKind::kMalformed;
    case PERF_RECORD_KSYMBOL:
      return ParseKsymbol(cursor, id, &parsed->ksymbol);
    case PERF_RECORD_BPF_EVENT:
      return ParseBpfProgram(cursor, id, &parsed->bpf_program);
    case PERF_RECORD_COMM:
    case PERF_RECORD_FORK:
    case PERF_RECORD_EXIT:
      return ParseTask(split.header.type, cursor, id, &parsed->task);
    default:
      return RecordKind::kOther;
  }
}

bool IsSample(absl::Span<const uint8_t> record) {
  perf_event_header header = {};
  if (record.size() < sizeof header) return false;
  std::memcpy(&header, record.data(), sizeof header);
  return header.type == PERF_RECORD_SAMPLE;
}

std::optional<uint64_t> SampleEventId(absl::Span<const uint8_t> record, uint64_t sample_type) {
  if (record.size() < sizeof(perf_event_header)) return std::nullopt;
  FieldCursor cursor(record.subspan(sizeof(perf_event_header)));
  if (!(sample_type & PERF_SAMPLE_IDENTIFIER)) {
    if (!(sample_type & PERF_SAMPLE_ID)) return std::nullopt;
    for (const uint64_t field :
         {PERF_SAMPLE_IP, PERF_SAMPLE_TID, PERF_SAMPLE_TIME, PERF_SAMPLE_ADDR}) {
      if (sample_type & field) cursor.Skip(8);
    }
  }
  const uint64_t id = cursor.Take<uint64_t>();
  if (!cursor.ok()) return std::nullopt;
  return id;
}

std::optional<uint64_t> RecordTime(absl::Span<const uint8_t> record, const RecordLayout& layout) {
  if (!(layout.sample_type & PERF_SAMPLE_TIME)) return std::nullopt;
  const SplitRecord split = Split(record, layout);
  if (!split.ok) return std::nullopt;
  if (split.header.type != PERF_RECORD_SAMPLE) {
    if (!layout.sample_id_all) return std::nullopt;
    return ParseSampleId(split.trailer, layout.sample_type).time_ns;
  }
  FieldCursor cursor(split.body);
  if (layout.sample_type & PERF_SAMPLE_IDENTIFIER) cursor.Skip(8);
  if (layout.sample_type & PERF_SAMPLE_IP) cursor.Skip(8);
  if (layout.sample_type & PERF_SAMPLE_TID) cursor.Skip(8);
  const uint64_t time_ns = cursor.Take<uint64_t>();
  if (!cursor.ok()) return std::nullopt;
  return time_ns;
}

}  // namespace correlate
