// What maps held, as a trace has it: `programs TRACE --map`. Keys and values by their types, as
// `bpftool -j map dump` formats them, or as bytes where the map has none.
#ifndef CLI_MAP_CONTENTS_H_
#define CLI_MAP_CONTENTS_H_

#include <map>
#include <string>
#include <vector>

#include "render/event_fields.h"
#include "render/wall_clock.h"
#include "symbolize/trace_sink.h"

namespace correlate {

class MapContents : public TraceSink {
 public:
  explicit MapContents(std::string wanted) : wanted_(std::move(wanted)) {}  // an id or a name

  void OnClocks(const ClockReading& clocks) override { clock_.Add(clocks); }
  void OnMap(const MapInfo& map) override { maps_[map.id] = map; }
  void OnBtf(const BtfImage& btf) override { btf_[btf.id] = btf; }
  void OnMapSnapshot(const MapSnapshot& snapshot) override { snapshots_.push_back(snapshot); }

  bool empty() const;
  std::string Text() const;
  Json ToJson() const;  // an array, an object for each snapshot

 private:
  bool IsWanted(const MapSnapshot& snapshot) const;
  Json EntriesOf(const MapSnapshot& snapshot) const;

  const std::string wanted_;
  WallClock clock_;
  std::map<uint32_t, MapInfo> maps_;
  std::map<uint32_t, BtfImage> btf_;
  std::vector<MapSnapshot> snapshots_;
};

}  // namespace correlate

#endif  // CLI_MAP_CONTENTS_H_
