#include "collector/perf_data_file.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace correlate {
namespace {

constexpr uint64_t kMagic = 0x32454c4946524550;  // "PERFILE2"
constexpr uint64_t kPipeHeaderBytes = 16;
constexpr int kFeatures = 256;
constexpr size_t kMostEvents = 65536;
constexpr uint64_t kMostAttrBytes = 4096;

struct Section {
  uint64_t offset = 0;
  uint64_t size = 0;
};

std::optional<Section> TakeSection(PerfDataReader* reader) {
  const auto offset = reader->Take<uint64_t>();
  const auto size = reader->Take<uint64_t>();
  if (!offset.has_value() || !size.has_value()) return std::nullopt;
  return Section{*offset, *size};
}

absl::StatusOr<absl::string_view> Slice(absl::string_view bytes, const Section& section) {
  if (section.offset > bytes.size() || section.size > bytes.size() - section.offset) {
    return DamagedPerfData("a section lies beyond the end of the file");
  }
  return bytes.substr(section.offset, section.size);
}

// A perf_event_attr of any version: what is beyond its size was not there yet.
std::optional<PerfDataEvent> ParseAttr(absl::string_view bytes, bool foreign) {
  std::string padded(bytes);
  padded.resize(std::max<size_t>(padded.size(), sizeof(perf_event_attr)));
  PerfDataReader reader(padded, foreign);
  PerfDataEvent event;
  event.type = *reader.Take<uint32_t>();
  (void)reader.Take<uint32_t>();  // size
  event.config = *reader.Take<uint64_t>();
  (void)reader.Take<uint64_t>();  // period
  event.sample_type = *reader.Take<uint64_t>();
  (void)reader.Take<uint64_t>();  // read_format
  // The flags are bit fields, which begin at the other end on the other byte order.
  const uint64_t flags = *reader.Take<uint64_t>();
  const auto flag = [&](int bit) { return (flags >> (foreign ? 63 - bit : bit) & 1) != 0; };
  event.sample_id_all = flag(18);
  event.uses_clock_id = flag(25);
  PerfDataReader clock(absl::string_view(padded).substr(offsetof(perf_event_attr, clockid)),
                       foreign);
  event.clock_id = *clock.Take<int32_t>();
  return event;
}

absl::Status ParseFileMode(absl::string_view bytes, PerfDataReader reader, PerfDataFile* file) {
  const auto attr_size = reader.Take<uint64_t>();
  const auto attrs = TakeSection(&reader);
  const auto data = TakeSection(&reader);
  const auto event_types = TakeSection(&reader);
  uint64_t features[kFeatures / 64] = {};
  for (uint64_t& word : features) {
    const auto taken = reader.Take<uint64_t>();
    if (!taken.has_value()) return DamagedPerfData("its header is cut short");
    word = *taken;
  }
  if (!attr_size.has_value() || !attrs.has_value() || !data.has_value() ||
      !event_types.has_value()) {
    return DamagedPerfData("its header is cut short");
  }
  ASSIGN_OR_RETURN(file->records, Slice(bytes, *data));
  if (data->size == 0 && features[0] == 0) {
    return DamagedPerfData(
        "`perf record` did not end properly, so it never wrote what its records mean");
  }

  // One section for each feature bit stands behind the data, in order of the bits.
  PerfDataReader sections(bytes.substr(data->offset + data->size), file->foreign);
  for (int bit = 0; bit < kFeatures; ++bit) {
    if (!(features[bit / 64] >> (bit % 64) & 1)) continue;
    const auto section = TakeSection(&sections);
    if (!section.has_value()) return DamagedPerfData("its feature sections are cut short");
    const auto part = Slice(bytes, *section);
    // The names of the host and the like may be missing; formats may not, which shows later.
    if (part.ok()) file->features[static_cast<PerfDataFeature>(bit)] = *part;
    if (!part.ok() && bit == static_cast<int>(PerfDataFeature::kTracingData)) return part.status();
  }

  // An entry is a perf_event_attr of the recording perf's size, then the section of its ids.
  ASSIGN_OR_RETURN(const absl::string_view entries, Slice(bytes, *attrs));
  if (*attr_size < PERF_ATTR_SIZE_VER0 + sizeof(Section) || *attr_size > kMostAttrBytes) {
    return DamagedPerfData("its attributes have an impossible size");
  }
  PerfDataReader rest(entries, file->foreign);
  while (const auto entry = rest.TakeBytes(*attr_size)) {
    const size_t attr_bytes = *attr_size - sizeof(Section);
    auto event = ParseAttr(entry->substr(0, attr_bytes), file->foreign);
    PerfDataReader ids_section(entry->substr(attr_bytes), file->foreign);
    ASSIGN_OR_RETURN(const absl::string_view ids_bytes, Slice(bytes, *TakeSection(&ids_section)));
    PerfDataReader ids(ids_bytes, file->foreign);
    while (const auto id = ids.Take<uint64_t>()) event->ids.push_back(*id);
    if (file->events.size() >= kMostEvents) return DamagedPerfData("it holds too many events");
    file->events.push_back(*std::move(event));
  }
  return absl::OkStatus();
}

// What file mode has in its header comes as records here, before the first sample.
absl::Status ParsePipeMode(absl::string_view bytes, PerfDataFile* file) {
  file->records = bytes.substr(kPipeHeaderBytes);
  PerfDataReader reader(file->records, file->foreign);
  while (!reader.rest().empty()) {
    PerfDataReader head = reader;
    const auto type = head.Take<uint32_t>();
    (void)head.Take<uint16_t>();  // misc
    const auto size = head.Take<uint16_t>();
    // A cut is told when the records are read.
    if (!size.has_value() || *size < sizeof(perf_event_header)) return absl::OkStatus();
    const auto record = reader.TakeBytes(*size);
    if (!record.has_value()) return absl::OkStatus();
    PerfDataReader body(record->substr(sizeof(perf_event_header)), file->foreign);
    if (*type == kPerfAttrRecord) {
      PerfDataReader attr_size(body.rest().substr(std::min<size_t>(4, body.rest().size())),
                               file->foreign);
      const auto attr_bytes = attr_size.Take<uint32_t>();
      if (!attr_bytes.has_value()) return DamagedPerfData("an attribute is cut short");
      const auto attr = body.TakeBytes(*attr_bytes);
      if (!attr.has_value()) return DamagedPerfData("an attribute is cut short");
      auto event = ParseAttr(*attr, file->foreign);
      while (const auto id = body.Take<uint64_t>()) event->ids.push_back(*id);
      if (file->events.size() >= kMostEvents) return DamagedPerfData("it holds too many events");
      file->events.push_back(*std::move(event));
    } else if (*type == kPerfTracingDataRecord) {
      const auto data_bytes = body.Take<uint32_t>();
      if (!data_bytes.has_value()) return DamagedPerfData("its formats are cut short");
      const uint64_t padded = (uint64_t{*data_bytes} + 7) / 8 * 8;
      const auto data = reader.TakeBytes(padded);
      if (!data.has_value()) return DamagedPerfData("its formats are cut short");
      file->features[PerfDataFeature::kTracingData] = data->substr(0, *data_bytes);
    } else if (*type == kPerfFeatureRecord) {
      const auto feature = body.Take<uint64_t>();
      if (feature.has_value() && *feature < kFeatures) {
        file->features[static_cast<PerfDataFeature>(*feature)] = body.rest();
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status DamagedPerfData(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("not a usable perf.data file: ", what));
}

std::optional<absl::string_view> PerfDataReader::TakeBytes(uint64_t size) {
  if (rest_.size() < size) return std::nullopt;
  const absl::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

std::optional<absl::string_view> PerfDataReader::TakeText() {
  const size_t end = rest_.find('\0');
  if (end == absl::string_view::npos) return std::nullopt;
  const absl::string_view text = rest_.substr(0, end);
  rest_.remove_prefix(end + 1);
  return text;
}

absl::StatusOr<PerfDataFile> PerfDataFile::Parse(absl::string_view bytes) {
  PerfDataFile file;
  const auto magic = PerfDataReader(bytes, false).Take<uint64_t>();
  if (!magic.has_value() || (*magic != kMagic && PerfDataReader::Swapped(*magic) != kMagic)) {
    return DamagedPerfData("it does not begin with PERFILE2");
  }
  file.foreign = *magic != kMagic;
  PerfDataReader reader(bytes.substr(sizeof *magic), file.foreign);
  const auto header_bytes = reader.Take<uint64_t>();
  if (!header_bytes.has_value()) return DamagedPerfData("its header is cut short");
  const absl::Status parsed = *header_bytes == kPipeHeaderBytes
                                  ? ParsePipeMode(bytes, &file)
                                  : ParseFileMode(bytes, reader, &file);
  if (!parsed.ok()) return parsed;
  return file;
}

}  // namespace correlate
