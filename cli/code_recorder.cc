#include "cli/code_recorder.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "collector/map_scanner.h"

namespace correlate {
namespace {

// Each has to fit into a chunk (proto/chunk.h).
constexpr size_t kMostBytes = 8 << 20;

}  // namespace

void CodeRecorder::Add(const ProgramInfo& program, bool just_loaded, TraceSink& sink) {
  if (images_ == Images::kAll) Take(program.id, sink);
  if (!just_loaded) return;  // its maps are among all
  for (const uint32_t id : program.map_ids) {
    if (maps_told_.contains(id)) continue;
    const auto map = ReadMap(id);
    if (!map.ok()) continue;
    maps_told_.insert(id);
    sink.OnMap(*map);
  }
  if (images_ != Images::kNamed) return;
  auto code = ReadProgramCode(program.id, kernel_text_);
  if (code.ok()) recent_.Add(std::move(code).value());
}

void CodeRecorder::AddMaps(TraceSink& sink) {
  const auto maps = ScanMaps();
  if (!maps.ok()) {
    notes_.push_back(absl::StrCat("BPF maps are unknown: ", maps.status().message()));
    return;
  }
  for (const MapInfo& map : *maps) {
    if (maps_told_.insert(map.id).second) sink.OnMap(map);
  }
}

void CodeRecorder::TakeNamed(TraceSink& sink) {
  for (const uint32_t id : named_.TakeNew()) {
    if (images_ == Images::kNamed) Take(id, sink);
  }
}

void CodeRecorder::Take(uint32_t program_id, TraceSink& sink) {
  if (images_told_.contains(program_id)) return;
  std::optional<ProgramCode> code = recent_.Take(program_id);
  if (!code.has_value()) {
    auto read = ReadProgramCode(program_id, kernel_text_);
    if (!read.ok()) return;  // the reader of the trace is told
    code = std::move(read).value();
  }
  images_told_.insert(program_id);
  const ProgramImage& image = code->image;
  if (image.xlated.size() + image.jited.size() > kMostBytes) {
    notes_.push_back(
        absl::StrCat("program ", program_id, " is so large that its code is left out"));
    return;
  }
  sink.OnProgramImage(image);
  if (code->btf.id != 0 && code->btf.data.size() <= kMostBytes &&
      btf_told_.insert(code->btf.id).second) {
    sink.OnBtf(code->btf);
  }
}

}  // namespace correlate
