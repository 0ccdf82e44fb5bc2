#include "cli/map_snapshots.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clocks.h"
#include "collector/image_reader.h"
#include "collector/map_reader.h"
#include "collector/map_scanner.h"

namespace correlate {

void MapSnapshots::OnProgram(const ProgramInfo& program) {
  if (!wanted_.empty()) map_ids_[program.id] = program.map_ids;
}

void MapSnapshots::OnEvent(const CorrelatedEvent& event) {
  if (wanted_.empty() || event.attribution == nullptr || event.format->system == "bpf_trace")
    return;
  if (std::exchange(last_attribution_, event.attribution) == event.attribution) return;
  for (const BlamedProgram& program : event.attribution->programs) {
    if (blamed_.insert(program.id).second) culprits_.push_back({program.id, program.name});
  }
}

bool MapSnapshots::IsWanted(const MapInfo& map) const {
  return std::any_of(wanted_.begin(), wanted_.end(), [&](const std::string& wanted) {
    return wanted == map.name || wanted == absl::StrCat(map.id);
  });
}

void MapSnapshots::Take(const MapInfo& map, const std::string& reason, TraceSink& sink) {
  auto snapshot = ReadMapEntries(map, kMostBytes);
  if (!snapshot.ok()) {
    notes_.push_back(absl::StrCat("--snapshot-map: ", snapshot.status().message()));
    return;
  }
  snapshot->time_ns = MonotonicNs();
  snapshot->reason = reason;
  if (map.btf_id != 0 && btf_told_.insert(map.btf_id).second) {
    const auto btf = ReadBtf(map.btf_id);
    constexpr size_t kMostTypes = 8 << 20;
    if (btf.ok() && btf->data.size() <= kMostTypes) sink.OnBtf(*btf);
  }
  sink.OnMapSnapshot(*snapshot);
}

void MapSnapshots::TakeAll(const std::string& reason, bool at_end, TraceSink& sink) {
  if (wanted_.empty()) return;
  const auto maps = ScanMaps();
  if (!maps.ok()) {
    notes_.push_back(absl::StrCat("--snapshot-map: ", maps.status().message()));
    return;
  }
  std::set<std::string> found;
  for (const MapInfo& map : *maps) {
    if (!IsWanted(map)) continue;
    found.insert(map.name);
    found.insert(absl::StrCat(map.id));
    if (maps_.emplace(map.id, map).second) sink.OnMap(map);
    Take(map, reason, sink);
  }
  for (const std::string& wanted : wanted_) {
    if (at_end || found.contains(wanted)) continue;
    notes_.push_back(absl::StrCat("--snapshot-map ", wanted, ": there is no such map now"));
  }
}

void MapSnapshots::TakeOfCulprits(TraceSink& sink) {
  for (const Culprit& culprit : std::exchange(culprits_, {})) {
    const auto ids = map_ids_.find(culprit.id);
    if (ids == map_ids_.end()) continue;
    for (const uint32_t id : ids->second) {
      auto known = maps_.find(id);
      if (known == maps_.end()) {  // it came later
        const auto map = ReadMap(id);
        if (!map.ok() || !IsWanted(*map)) continue;
        known = maps_.emplace(id, *map).first;
        sink.OnMap(*map);
      }
      Take(known->second, absl::StrCat("first drop by #", culprit.id, " ", culprit.name), sink);
    }
  }
}

}  // namespace correlate
