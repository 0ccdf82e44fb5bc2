#include "collector/perf_data_features.h"

#include <map>
#include <memory>

#include "absl/strings/numbers.h"
#include "collector/btf_names.h"
#include "collector/program_decoder.h"

namespace correlate {
namespace {

constexpr absl::string_view kTracingMagic("\x17\x08\x44tracing", 10);
constexpr size_t kMostFormats = 65536;
constexpr size_t kMostPrograms = 65536;

std::optional<PerfDataReader> Find(const PerfDataFile& file, PerfDataFeature feature) {
  const auto found = file.features.find(feature);
  if (found == file.features.end()) return std::nullopt;
  return PerfDataReader(found->second, file.foreign);
}

// Its length, then the text padded with NULs.
std::string TakeString(PerfDataReader* reader) {
  const auto block = reader->TakeBlock<uint32_t>();
  return block.has_value() ? std::string(block->substr(0, block->find('\0'))) : "";
}

std::string Text(const PerfDataFile& file, PerfDataFeature feature) {
  auto reader = Find(file, feature);
  return reader.has_value() ? TakeString(&*reader) : "";
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

// Which arrays a `struct perf_bpil` holds behind the info (tools/perf/util/bpf-utils.h).
enum BpilArray {
  kJitedInstructions = 0,
  kXlatedInstructions,
  kMapIds,
  kJitedKsyms,
  kJitedFuncLens,
  kFuncInfo,
  kLineInfo,
  kJitedLineInfo,
  kProgTags,
};

// One of the arrays: `offset` counts from the beginning of the data.
template <typename Value>
std::vector<Value> ArrayAt(absl::string_view data, uint64_t arrays, BpilArray which,
                           uint64_t offset, uint64_t bytes) {
  std::vector<Value> values;
  if (!(arrays >> which & 1) || offset > data.size() || bytes > data.size() - offset) return values;
  values.resize(bytes / sizeof(Value));
  if (!values.empty()) {
    std::memcpy(values.data(), data.data() + offset, values.size() * sizeof(Value));
  }
  return values;
}

RawProgramInfo ParseBpil(absl::string_view info, uint64_t arrays, absl::string_view data) {
  RawProgramInfo raw;
  std::memcpy(&raw.info, info.data(), std::min(info.size(), sizeof raw.info));
  const bpf_prog_info& i = raw.info;
  const auto bytes = [](uint32_t count, uint32_t size) { return uint64_t{count} * size; };
  raw.map_ids = ArrayAt<uint32_t>(data, arrays, kMapIds, i.map_ids, bytes(i.nr_map_ids, 4));
  raw.jited_ksyms =
      ArrayAt<uint64_t>(data, arrays, kJitedKsyms, i.jited_ksyms, bytes(i.nr_jited_ksyms, 8));
  raw.jited_func_lens = ArrayAt<uint32_t>(data, arrays, kJitedFuncLens, i.jited_func_lens,
                                          bytes(i.nr_jited_func_lens, 4));
  raw.func_info = ArrayAt<uint8_t>(data, arrays, kFuncInfo, i.func_info,
                                   bytes(i.nr_func_info, i.func_info_rec_size));
  raw.line_info = ArrayAt<uint8_t>(data, arrays, kLineInfo, i.line_info,
                                   bytes(i.nr_line_info, i.line_info_rec_size));
  raw.jited_line_info = ArrayAt<uint64_t>(data, arrays, kJitedLineInfo, i.jited_line_info,
                                          bytes(i.nr_jited_line_info, 8));
  raw.prog_tags =
      ArrayAt<BpfTag>(data, arrays, kProgTags, i.prog_tags, bytes(i.nr_prog_tags, sizeof(BpfTag)));
  return raw;
}

}  // namespace

PerfDataHost ParsePerfDataHost(const PerfDataFile& file) {
  PerfDataHost host;
  host.hostname = Text(file, PerfDataFeature::kHostname);
  host.kernel_release = Text(file, PerfDataFeature::kOsRelease);
  host.machine = Text(file, PerfDataFeature::kArch);
  host.perf_version = Text(file, PerfDataFeature::kVersion);
  if (auto cpus = Find(file, PerfDataFeature::kCpus)) {
    (void)cpus->Take<uint32_t>();  // available
    host.online_cpus = cpus->Take<uint32_t>().value_or(0);
  }
  if (auto memory = Find(file, PerfDataFeature::kMemory)) {
    host.memory_bytes = memory->Take<uint64_t>().value_or(0) * 1024;
  }
  if (auto words = Find(file, PerfDataFeature::kCommandLine)) {
    constexpr uint32_t kMostWords = 4096;
    const uint32_t count = words->Take<uint32_t>().value_or(0);
    for (uint32_t i = 0; i < std::min(count, kMostWords) && !words->rest().empty(); ++i) {
      host.command_line.push_back(TakeString(&*words));
    }
  }
  if (auto clocks = Find(file, PerfDataFeature::kClocks)) {
    (void)clocks->Take<uint32_t>();  // version
    (void)clocks->Take<uint32_t>();  // clock id, as the events have it
    const auto wall_ns = clocks->Take<uint64_t>();
    const auto clock_ns = clocks->Take<uint64_t>();
    if (clock_ns.has_value()) host.clocks = {.monotonic_ns = *clock_ns, .realtime_ns = *wall_ns};
  }
  return host;
}

absl::StatusOr<std::vector<PerfDataFormat>> ParsePerfDataFormats(absl::string_view tracing_data) {
  // tools/perf/util/trace-event-info.c writes it, trace-event-read.c reads it.
  const absl::Status damaged = DamagedPerfData("its tracepoint formats cannot be read");
  if (tracing_data.substr(0, kTracingMagic.size()) != kTracingMagic) return damaged;
  PerfDataReader head(tracing_data.substr(kTracingMagic.size()), false);
  if (!head.TakeText().has_value()) return damaged;  // version
  const auto big_endian = head.Take<uint8_t>();
  const bool foreign =
      big_endian.has_value() && (*big_endian != 0) != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
  PerfDataReader rest(head.rest(), foreign);
  if (!rest.Take<uint8_t>().has_value() || !rest.Take<uint32_t>().has_value()) {
    return damaged;  // size of long, page size
  }
  for (const absl::string_view name : {"header_page", "header_event"}) {
    if (rest.TakeText() != name || !rest.TakeBlock<uint64_t>().has_value()) return damaged;
  }
  const auto ftrace_count = rest.Take<uint32_t>();
  for (uint32_t i = 0; i < ftrace_count.value_or(0); ++i) {
    if (!rest.TakeBlock<uint64_t>().has_value()) return damaged;
  }
  const auto system_count = rest.Take<uint32_t>();
  if (!system_count.has_value()) return damaged;
  std::vector<PerfDataFormat> formats;
  for (uint32_t i = 0; i < *system_count; ++i) {
    const auto system = rest.TakeText();
    const auto count = rest.Take<uint32_t>();
    if (!system.has_value() || !count.has_value()) return damaged;
    for (uint32_t k = 0; k < *count; ++k) {
      const auto text = rest.TakeBlock<uint64_t>();
      if (!text.has_value() || formats.size() >= kMostFormats) return damaged;
      if (const auto id = TracepointId(*text)) {
        formats.push_back({*id, std::string(*system), std::string(*text)});
      }
    }
  }
  return formats;
}

PerfDataPrograms ParsePerfDataPrograms(const PerfDataFile& file) {
  PerfDataPrograms found;
  if (file.foreign) return found;
  std::map<uint32_t, std::unique_ptr<LoadedBtf>> names;
  if (auto reader = Find(file, PerfDataFeature::kBpfBtf)) {
    const uint32_t count = reader->Take<uint32_t>().value_or(0);
    for (uint32_t i = 0; i < count; ++i) {
      const auto id = reader->Take<uint32_t>();
      const auto data = reader->TakeBlock<uint32_t>();
      if (!id.has_value() || !data.has_value()) break;
      found.btf.push_back({.id = *id, .data = std::string(*data)});
      names.emplace(*id, LoadedBtf::FromBytes(*data));
    }
  }
  if (auto reader = Find(file, PerfDataFeature::kBpfPrograms)) {
    const uint32_t count = reader->Take<uint32_t>().value_or(0);
    for (uint32_t i = 0; i < count && found.programs.size() < kMostPrograms; ++i) {
      const auto info_bytes = reader->Take<uint32_t>();
      const auto data_bytes = reader->Take<uint32_t>();
      const auto arrays = reader->Take<uint64_t>();
      if (!arrays.has_value()) break;
      const auto info = reader->TakeBytes(*info_bytes);
      if (!info.has_value()) break;
      const auto data = reader->TakeBytes(*data_bytes);
      if (!data.has_value()) break;
      const RawProgramInfo raw = ParseBpil(*info, *arrays, *data);
      const auto known = names.find(raw.info.btf_id);
      found.programs.push_back(DecodeProgram(
          raw, known == names.end() ? nullptr : known->second.get(), raw.info.load_time));
    }
  }
  return found;
}

}  // namespace correlate
