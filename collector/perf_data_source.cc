#include "collector/perf_data_source.h"

#include <linux/perf_event.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "collector/perf_byte_order.h"

namespace correlate {
namespace {

absl::Status Unusable(absl::string_view why) {
  return absl::UnimplementedError(
      absl::StrCat("this perf.data file cannot be read: ", why,
                   "; record tracepoints with `perf record -a -g -k CLOCK_MONOTONIC -e EVENTS`"));
}

// The stream that the payloads of compressed records are pieces of.
class Decompressor {
 public:
  Decompressor() : stream_(ZSTD_createDStream()) {}
  ~Decompressor() { ZSTD_freeDStream(stream_); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  // Appends. A piece may not grow more than a thousandfold: perf compresses 64 KiB at a time.
  absl::Status Add(absl::string_view piece, std::string* records) {
    constexpr size_t kMostBytes = 64 << 20;
    ZSTD_inBuffer in = {piece.data(), piece.size(), 0};
    size_t added = 0;
    while (in.pos < in.size) {
      char block[64 * 1024];
      ZSTD_outBuffer out = {block, sizeof block, 0};
      const size_t result = ZSTD_decompressStream(stream_, &out, &in);
      if (ZSTD_isError(result)) {
        return DamagedPerfData(
            absl::StrCat("a compressed record cannot be unpacked: ", ZSTD_getErrorName(result)));
      }
      records->append(block, out.pos);
      added += out.pos;
      if (added > kMostBytes) return DamagedPerfData("a compressed record is too large");
    }
    // What the last step left in the stream's own buffer.
    for (;;) {
      char block[64 * 1024];
      ZSTD_outBuffer out = {block, sizeof block, 0};
      ZSTD_inBuffer nothing = {nullptr, 0, 0};
      if (ZSTD_isError(ZSTD_decompressStream(stream_, &out, &nothing)) || out.pos == 0) break;
      records->append(block, out.pos);
      added += out.pos;
      if (added > kMostBytes) return DamagedPerfData("a compressed record is too large");
    }
    return absl::OkStatus();
  }

 private:
  ZSTD_DStream* const stream_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<PerfDataSource>> PerfDataSource::Parse(absl::string_view bytes) {
  auto source = std::make_unique<PerfDataSource>();
  ASSIGN_OR_RETURN(source->file_, PerfDataFile::Parse(bytes));
  RETURN_IF_ERROR(source->PrepareEvents());
  return source;
}

absl::Status PerfDataSource::PrepareEvents() {
  const auto tracing = file_.features.find(PerfDataFeature::kTracingData);
  if (tracing != file_.features.end()) {
    ASSIGN_OR_RETURN(formats_, ParsePerfDataFormats(tracing->second));
  }
  // One layout for the fields by which records of all events are told apart and put in order.
  std::optional<uint64_t> layout;
  std::optional<uint64_t> trailer;
  for (const PerfDataEvent& event : file_.events) {
    if (!event.sample_id_all) return Unusable("its side-band records have no times");
    if (trailer.value_or(event.sample_type & kSampleIdFields) !=
        (event.sample_type & kSampleIdFields)) {
      return Unusable("its events differ in what they record");
    }
    trailer = event.sample_type & kSampleIdFields;
    if (event.type != PERF_TYPE_TRACEPOINT) continue;
    const bool told = (*trailer & PERF_SAMPLE_IDENTIFIER) != 0;
    if (!told && layout.value_or(event.sample_type) != event.sample_type) {
      return Unusable("its events differ in what they record");
    }
    layout = event.sample_type;
    const auto format = std::find_if(
        formats_.begin(), formats_.end(),
        [&](const PerfDataFormat& known) { return known.tracepoint_id == event.config; });
    if (format == formats_.end()) continue;
    const auto id = static_cast<uint32_t>(format - formats_.begin());
    std::vector<uint64_t> ids = event.ids;
    // Where there is but one event, perf leaves its id out of the samples.
    if (ids.empty() || !(*trailer & (PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_ID))) ids.push_back(0);
    for (const uint64_t event_id : ids) {
      translator_.AddEvent(event_id, event.sample_type, id);
      tracepoints_[event_id] = {event.sample_type, id};
    }
  }
  if (file_.events.empty()) return DamagedPerfData("it tells no events");
  if (!layout.has_value()) return Unusable("it holds no tracepoints");
  if (!(*layout & PERF_SAMPLE_RAW)) return Unusable("its samples hold no fields (perf record -R)");
  if (!(*layout & PERF_SAMPLE_TIME)) return Unusable("its samples have no times");
  sample_type_ = *layout;
  stream_ = translator_.AddStream(0, {sample_type_, sample_id_all_});
  return absl::OkStatus();
}

void PerfDataSource::SetFormat(uint32_t id, EventFormat format) {
  if (parsed_formats_.size() <= id) parsed_formats_.resize(id + 1);
  parsed_formats_[id] = std::move(format);
}

int PerfDataSource::clock_id() const {
  for (const PerfDataEvent& event : file_.events) {
    if (event.uses_clock_id) return event.clock_id;
  }
  return -1;
}

void PerfDataSource::OnRecord(absl::Span<const uint8_t> record, EventSink& sink) {
  perf_event_header header;
  std::memcpy(&header, record.data(), sizeof header);
  if (header.type == kPerfFinishedRoundRecord) {
    // Everything older than the newest record of the round before has been seen by now.
    translator_.Release(newest_before_round_ns_, sink);
    newest_before_round_ns_ = newest_ns_;
    return;
  }
  if (header.type >= kPerfUserRecord) return;
  if (header.type == PERF_RECORD_SAMPLE) {
    uint64_t id = SampleEventId(record, sample_type_).value_or(0);
    if (file_.foreign) id = PerfDataReader::Swapped(id);
    const auto known = tracepoints_.find(id);
    if (known == tracepoints_.end()) {
      ++foreign_samples_;
      return;
    }
    if (file_.foreign) {
      const auto& [sample_type, format] = known->second;
      const absl::Span<uint8_t> raw =
          SwapRecordBody(sample_type, sample_id_all_, absl::MakeSpan(native_));
      if (format < parsed_formats_.size()) SwapRawFields(parsed_formats_[format], raw);
    }
  } else if (file_.foreign) {
    (void)SwapRecordBody(sample_type_, sample_id_all_, absl::MakeSpan(native_));
  }
  newest_ns_ = std::max(newest_ns_, translator_.Append(stream_, record));
}

uint64_t PerfDataSource::FindKernelText() const {
  // pid, tid, address, length, page offset, name: of the kernel itself the offset is the address of
  // the symbol in the name (tools/perf/util/synthetic-events.c).
  constexpr size_t kOffset = sizeof(perf_event_header) + 24;
  constexpr size_t kName = kOffset + 8;
  PerfDataReader records(file_.records, file_.foreign);
  while (!records.rest().empty()) {
    PerfDataReader head = records;
    const auto type = head.Take<uint32_t>();
    (void)head.Take<uint16_t>();
    const auto size = head.Take<uint16_t>();
    if (!size.has_value() || *size < sizeof(perf_event_header)) return 0;
    const auto record = records.TakeBytes(*size);
    if (!record.has_value() || *type == PERF_RECORD_SAMPLE || *type == kPerfCompressedRecord)
      return 0;
    if (*type == kPerfTracingDataRecord) {
      (void)records.TakeBytes((uint64_t{head.Take<uint32_t>().value_or(0)} + 7) / 8 * 8);
    }
    if (*type != PERF_RECORD_MMAP || record->size() <= kName) continue;
    if (!absl::StartsWith(record->substr(kName), "[kernel.kallsyms]_text")) continue;
    return *PerfDataReader(record->substr(kOffset), file_.foreign).Take<uint64_t>();
  }
  return 0;
}

absl::Status PerfDataSource::ReadRecords(absl::string_view* records, EventSink& sink,
                                         absl::string_view* compressed) {
  *compressed = {};
  while (records->size() >= sizeof(perf_event_header)) {
    perf_event_header header;
    std::memcpy(&header, records->data(), sizeof header);
    if (file_.foreign) {
      SwapRecordHeader(absl::MakeSpan(reinterpret_cast<uint8_t*>(&header), sizeof header));
    }
    if (header.size < sizeof header) return DamagedPerfData("a record says that it has no size");
    if (header.size > records->size()) break;
    absl::Span<const uint8_t> record(reinterpret_cast<const uint8_t*>(records->data()),
                                     header.size);
    if (file_.foreign) {
      native_.assign(record.begin(), record.end());
      SwapRecordHeader(absl::MakeSpan(native_));
      record = native_;
    }
    const absl::string_view whole = records->substr(0, header.size);
    records->remove_prefix(header.size);
    OnRecord(record, sink);
    // The formats stand behind their record, not in it.
    if (header.type == kPerfTracingDataRecord && header.size >= sizeof header + 4) {
      PerfDataReader size(whole.substr(sizeof header, 4), file_.foreign);
      const uint64_t bytes = (uint64_t{*size.Take<uint32_t>()} + 7) / 8 * 8;
      records->remove_prefix(std::min<uint64_t>(bytes, records->size()));
    }
    absl::string_view body = whole.substr(sizeof header);
    if (header.type == kPerfCompressed2Record) {
      const auto payload = PerfDataReader(body, file_.foreign).TakeBlock<uint64_t>();
      if (!payload.has_value()) return DamagedPerfData("a compressed record is cut short");
      body = *payload;
    }
    if (header.type == kPerfCompressedRecord || header.type == kPerfCompressed2Record) {
      *compressed = body;
      return absl::OkStatus();
    }
  }
  return absl::OkStatus();
}

absl::Status PerfDataSource::Read(EventSink& sink) {
  absl::string_view rest = std::exchange(file_.records, {});
  Decompressor decompressor;
  std::string unpacked;  // with the beginning of a record of which the end is still to come
  while (!rest.empty()) {
    absl::string_view compressed;
    const size_t before = rest.size();
    RETURN_IF_ERROR(ReadRecords(&rest, sink, &compressed));
    if (rest.size() == before) {
      return DamagedPerfData("it ends within a record: it was cut short");
    }
    if (compressed.empty()) continue;
    RETURN_IF_ERROR(decompressor.Add(compressed, &unpacked));
    absl::string_view records = unpacked;
    RETURN_IF_ERROR(ReadRecords(&records, sink, &compressed));
    if (!compressed.empty()) return DamagedPerfData("a compressed record holds another one");
    unpacked.erase(0, unpacked.size() - records.size());
  }
  if (!unpacked.empty()) return DamagedPerfData("it ends within a compressed record");
  return absl::OkStatus();
}

absl::Status PerfDataSource::Finish(EventSink& sink) {
  absl::Status read = Read(sink);
  translator_.Release(kForever, sink);
  if (const uint64_t lost = translator_.lost(stream_); lost > 0) {
    sink.OnRawEvent(
        Loss{.from_ns = 0, .to_ns = newest_ns_, .source = "perf record", .count = lost});
  }
  return read;
}

}  // namespace correlate
