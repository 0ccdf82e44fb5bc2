#include "collector/perf_data_source.h"

#include <linux/perf_event.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace correlate {
namespace {

constexpr absl::string_view kMagic = "PERFILE2";
constexpr absl::string_view kTracingMagic("\x17\x08\x44tracing", 10);
constexpr uint32_t kFirstUserRecord = 64;  // PERF_RECORD_USER_TYPE_START: perf's own, no sample_id
constexpr uint32_t kFinishedRound = 68;
constexpr uint32_t kCompressed = 81;
constexpr uint32_t kCompressed2 = 83;
constexpr int kTracingDataFeature = 1;  // HEADER_TRACING_DATA
constexpr int kFeatures = 256;
constexpr uint64_t kMostEvents = 65536;
// What of sample_type makes up the sample_id of records that are no samples (perf_event_open(2)).
constexpr uint64_t kTrailerFields = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ID |
                                    PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU |
                                    PERF_SAMPLE_IDENTIFIER;

// perf.data's `struct perf_file_section`.
struct Section {
  uint64_t offset = 0;
  uint64_t size = 0;
};

struct Header {
  char magic[8] = {};
  uint64_t size = 0;
  uint64_t attr_size = 0;
  Section attrs;
  Section data;
  Section event_types;
  uint64_t features[kFeatures / 64] = {};
};

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("not a usable perf.data file: ", what));
}

absl::Status Unusable(absl::string_view why) {
  return absl::UnimplementedError(absl::StrCat(
      "this perf.data file cannot be read: ", why,
      "; record tracepoints alone, with one `perf record -a -g -k CLOCK_MONOTONIC -e EVENTS`"));
}

absl::StatusOr<absl::string_view> Slice(absl::string_view bytes, const Section& section) {
  if (section.offset > bytes.size() || section.size > bytes.size() - section.offset) {
    return Damaged("a section lies beyond the end of the file");
  }
  return bytes.substr(section.offset, section.size);
}

template <typename T>
std::optional<T> Take(absl::string_view* bytes) {
  T value;
  if (bytes->size() < sizeof value) return std::nullopt;
  std::memcpy(&value, bytes->data(), sizeof value);
  bytes->remove_prefix(sizeof value);
  return value;
}

std::optional<absl::string_view> TakeBytes(absl::string_view* bytes, uint64_t size) {
  if (bytes->size() < size) return std::nullopt;
  const absl::string_view taken = bytes->substr(0, size);
  bytes->remove_prefix(size);
  return taken;
}

// Text up to a NUL, which is taken too.
std::optional<absl::string_view> TakeText(absl::string_view* bytes) {
  const size_t end = bytes->find('\0');
  if (end == absl::string_view::npos) return std::nullopt;
  const absl::string_view text = bytes->substr(0, end);
  bytes->remove_prefix(end + 1);
  return text;
}

// A block that its own size precedes.
template <typename Size>
std::optional<absl::string_view> TakeBlock(absl::string_view* bytes) {
  const auto size = Take<Size>(bytes);
  return size.has_value() ? TakeBytes(bytes, *size) : std::nullopt;
}

// The number in the line "ID: N" of a format.
std::optional<uint64_t> TracepointId(absl::string_view format) {
  const size_t at = format.find("\nID: ");
  if (at == absl::string_view::npos) return std::nullopt;
  format.remove_prefix(at + 5);
  uint64_t id = 0;
  if (!absl::SimpleAtoi(format.substr(0, format.find('\n')), &id)) return std::nullopt;
  return id;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PerfDataSource>> PerfDataSource::Parse(absl::string_view bytes) {
  auto source = std::make_unique<PerfDataSource>();
  RETURN_IF_ERROR(source->ParseFile(bytes));
  return source;
}

absl::Status PerfDataSource::ParseTracingData(absl::string_view rest) {
  // tools/perf/util/trace-event-info.c writes it, trace-event-read.c reads it.
  absl::Status damaged = Damaged("its tracepoint formats cannot be read");
  if (!absl::ConsumePrefix(&rest, kTracingMagic)) return damaged;
  if (!TakeText(&rest).has_value()) return damaged;  // version
  if (!Take<uint8_t>(&rest).has_value() || !Take<uint8_t>(&rest).has_value() ||
      !Take<uint32_t>(&rest).has_value()) {
    return damaged;  // byte order, size of long, page size
  }
  for (const absl::string_view name : {"header_page", "header_event"}) {
    if (TakeText(&rest) != name || !TakeBlock<uint64_t>(&rest).has_value()) return damaged;
  }
  const auto ftrace_count = Take<uint32_t>(&rest);
  for (uint32_t i = 0; i < ftrace_count.value_or(0); ++i) {
    if (!TakeBlock<uint64_t>(&rest).has_value()) return damaged;
  }
  const auto system_count = Take<uint32_t>(&rest);
  if (!system_count.has_value()) return damaged;
  for (uint32_t i = 0; i < *system_count; ++i) {
    const auto system = TakeText(&rest);
    const auto count = Take<uint32_t>(&rest);
    if (!system.has_value() || !count.has_value()) return damaged;
    for (uint32_t k = 0; k < *count; ++k) {
      const auto text = TakeBlock<uint64_t>(&rest);
      if (!text.has_value() || formats_.size() >= kMostEvents) return damaged;
      if (const auto id = TracepointId(*text)) {
        format_of_tracepoint_.emplace_back(*id, static_cast<uint32_t>(formats_.size()));
        formats_.push_back({std::string(*system), std::string(*text)});
      }
    }
  }
  return absl::OkStatus();
}

absl::Status PerfDataSource::ParseFile(absl::string_view bytes) {
  absl::string_view rest = bytes;
  const auto header = Take<Header>(&rest);
  if (!header.has_value() || absl::string_view(header->magic, sizeof header->magic) != kMagic) {
    return Damaged("it does not begin with PERFILE2");
  }
  ASSIGN_OR_RETURN(records_, Slice(bytes, header->data));

  // One section for each feature bit stands behind the data, in order of the bits.
  absl::string_view features = bytes.substr(records_.data() + records_.size() - bytes.data());
  for (int bit = 0; bit < kFeatures; ++bit) {
    if (!(header->features[bit / 64] >> (bit % 64) & 1)) continue;
    const auto section = Take<Section>(&features);
    if (!section.has_value()) return Damaged("its feature sections are cut short");
    if (bit != kTracingDataFeature) continue;
    ASSIGN_OR_RETURN(const absl::string_view tracing, Slice(bytes, *section));
    RETURN_IF_ERROR(ParseTracingData(tracing));
  }

  ASSIGN_OR_RETURN(absl::string_view attrs, Slice(bytes, header->attrs));
  // An entry is a perf_event_attr of the recording perf's size, then the section of its ids.
  if (header->attr_size < PERF_ATTR_SIZE_VER0 + sizeof(Section) || header->attr_size > 4096) {
    return Damaged("its attributes have an impossible size");
  }
  // One layout for all: that of samples, and of it the fields that end every other record.
  std::optional<uint64_t> samples;
  std::optional<uint64_t> side_band;
  while (const auto entry = TakeBytes(&attrs, header->attr_size)) {
    perf_event_attr attr = {};
    std::memcpy(&attr, entry->data(),
                std::min<size_t>(sizeof attr, header->attr_size - sizeof(Section)));
    absl::string_view ids_section = entry->substr(header->attr_size - sizeof(Section));
    ASSIGN_OR_RETURN(absl::string_view ids, Slice(bytes, *Take<Section>(&ids_section)));
    const bool is_tracepoint = attr.type == PERF_TYPE_TRACEPOINT;
    // perf adds a dummy that carries side-band records alone.
    if (!is_tracepoint && (attr.type != PERF_TYPE_SOFTWARE || attr.config != PERF_COUNT_SW_DUMMY)) {
      return Unusable("it holds events that are no tracepoints");
    }
    if (!attr.sample_id_all) return Unusable("its side-band records have no times");
    if (side_band.value_or(attr.sample_type & kTrailerFields) !=
            (attr.sample_type & kTrailerFields) ||
        (is_tracepoint && samples.value_or(attr.sample_type) != attr.sample_type)) {
      return Unusable("its events differ in what they record");
    }
    side_band = attr.sample_type & kTrailerFields;
    if (!is_tracepoint) continue;
    samples = attr.sample_type;
    const auto format = std::find_if(format_of_tracepoint_.begin(), format_of_tracepoint_.end(),
                                     [&](const auto& known) { return known.first == attr.config; });
    if (format == format_of_tracepoint_.end()) continue;
    while (const auto id = Take<uint64_t>(&ids))
      translator_.AddEvent(*id, attr.sample_type, format->second);
  }
  if (!samples.has_value()) return Unusable("it holds no tracepoints");
  stream_ = translator_.AddStream(0, {*samples, true});
  return absl::OkStatus();
}

absl::Status PerfDataSource::Read(EventSink& sink) {
  absl::string_view rest = std::exchange(records_, {});
  uint64_t newest_ns = 0;
  uint64_t newest_before_round_ns = 0;
  while (!rest.empty()) {
    perf_event_header header;
    if (rest.size() < sizeof header) return Damaged("a record is cut short");
    std::memcpy(&header, rest.data(), sizeof header);
    if (header.size < sizeof header || header.size > rest.size()) {
      return Damaged("a record says that it is longer than the file");
    }
    if (header.type == kCompressed || header.type == kCompressed2) {
      return Unusable("it is compressed");
    }
    if (header.type == kFinishedRound) {
      // Everything older than the newest record of the round before has been seen by now.
      translator_.Release(newest_before_round_ns, sink);
      newest_before_round_ns = newest_ns;
    } else if (header.type < kFirstUserRecord) {
      const absl::Span<const uint8_t> record(reinterpret_cast<const uint8_t*>(rest.data()),
                                             header.size);
      newest_ns = std::max(newest_ns, translator_.Append(stream_, record));
    }
    rest.remove_prefix(header.size);
  }
  return absl::OkStatus();
}

absl::Status PerfDataSource::Finish(EventSink& sink) {
  absl::Status read = Read(sink);
  translator_.Release(kForever, sink);
  return read;
}

}  // namespace correlate
