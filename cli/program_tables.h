// BPF programs with their functions and where they are attached, as `programs` prints them: of a
// live host, or as a trace holds them. Both come through the same sink.
#ifndef CLI_PROGRAM_TABLES_H_
#define CLI_PROGRAM_TABLES_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "render/event_fields.h"
#include "render/wall_clock.h"
#include "symbolize/trace_sink.h"

namespace correlate {

class ProgramTables : public TraceSink {
 public:
  void OnClocks(const ClockReading& clocks) override { clock_.Add(clocks); }
  void OnProgram(const ProgramInfo& program) override;
  void OnMap(const MapInfo& map) override { maps_[map.id] = map; }
  void OnAttachment(const Attachment& attachment) override;
  void OnEnd(const RecordingEnd& end) override { end_ns_ = end.time_ns; }

  // One program after the other, by id, each with an indented line for every function and place.
  std::string Text() const;
  // {"programs":[...],"obstacles":[...]}; docs/json.md describes the keys.
  Json ToJson() const;
  // The maps alone, and which programs use each: a line a map; {"maps":[...]}.
  std::string MapsText() const;
  Json MapsToJson() const;

  // No function of any program has an address: the kernel hides them, or does not JIT.
  bool AddressesHidden() const;

 private:
  std::string ProgramText(const ProgramInfo& program) const;
  Json ProgramToJson(const ProgramInfo& program) const;
  static Json PlaceToJson(const Attachment& attachment);
  std::string Time(uint64_t monotonic_ns) const;
  std::vector<uint32_t> UsersOf(uint32_t map_id) const;
  std::string IntervalText(const Attachment& attachment) const;
  const std::vector<Attachment>& PlacesOf(uint32_t program_id) const;
  // Those of the tables, and bare ones for attachments whose program nobody described.
  std::vector<ProgramInfo> Programs() const;

  WallClock clock_;
  std::map<std::pair<uint32_t, uint64_t>, ProgramInfo> programs_;  // by id and load time
  std::map<uint32_t, std::vector<Attachment>> attachments_;        // by program id
  std::map<uint32_t, MapInfo> maps_;                               // by id
  std::vector<Attachment> obstacles_;
  // Where in those of its program (0: in obstacles_) what is attached to a device or cgroup stands:
  // by program id, namespace, ifindex and cgroup id. One program may have thousands of places.
  std::map<std::tuple<uint32_t, NetnsId, uint32_t, uint64_t>, std::vector<size_t>> places_at_;
  uint64_t end_ns_ = 0;  // of the recording
};

}  // namespace correlate

#endif  // CLI_PROGRAM_TABLES_H_
