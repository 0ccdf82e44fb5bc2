// Takes what the maps that were asked for hold: at the start, at the end, and when a program that
// uses one is first blamed for a drop. One thread.
#ifndef CLI_MAP_SNAPSHOTS_H_
#define CLI_MAP_SNAPSHOTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "symbolize/trace_sink.h"

namespace correlate {

class MapSnapshots : public TraceSink {
 public:
  static constexpr size_t kMostBytes = 4 << 20;  // of one snapshot: it has to fit into a chunk

  // `wanted`: ids or names.
  explicit MapSnapshots(std::vector<std::string> wanted) : wanted_(std::move(wanted)) {}

  void OnProgram(const ProgramInfo& program) override;
  void OnEvent(const CorrelatedEvent& event) override;

  // Looks at all maps that are there, hands `sink` those that are wanted, and what they hold. What
  // cannot be had is in TakeNotes(). `at_end`: one that is not there is no reason for a note.
  void TakeAll(const std::string& reason, bool at_end, TraceSink& sink);
  // Of the maps of programs that were blamed since.
  void TakeOfCulprits(TraceSink& sink);
  std::vector<std::string> TakeNotes() { return std::exchange(notes_, {}); }

 private:
  struct Culprit {
    uint32_t id;
    std::string name;
  };
  bool IsWanted(const MapInfo& map) const;
  void Take(const MapInfo& map, const std::string& reason, TraceSink& sink);

  const std::vector<std::string> wanted_;
  std::map<uint32_t, MapInfo> maps_;                   // wanted ones, by id
  std::map<uint32_t, std::vector<uint32_t>> map_ids_;  // by program
  const void* last_attribution_ = nullptr;
  absl::flat_hash_set<uint32_t> blamed_;
  std::vector<Culprit> culprits_;
  std::set<uint32_t> btf_told_;
  std::vector<std::string> notes_;
};

}  // namespace correlate

#endif  // CLI_MAP_SNAPSHOTS_H_
