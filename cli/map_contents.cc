#include "cli/map_contents.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/btf_values.h"
#include "render/text.h"

namespace correlate {
namespace {

Json BytesToJson(absl::string_view bytes) {
  Json json = Json::array();
  for (const char byte : bytes) {
    json.push_back(absl::StrCat("0x", absl::Hex(static_cast<uint8_t>(byte), absl::kZeroPad2)));
  }
  return json;
}

}  // namespace

bool MapContents::IsWanted(const MapSnapshot& snapshot) const {
  if (wanted_ == absl::StrCat(snapshot.map_id)) return true;
  const auto map = maps_.find(snapshot.map_id);
  return map != maps_.end() && map->second.name == wanted_;
}

bool MapContents::empty() const {
  return std::none_of(snapshots_.begin(), snapshots_.end(),
                      [this](const MapSnapshot& snapshot) { return IsWanted(snapshot); });
}

Json MapContents::EntriesOf(const MapSnapshot& snapshot) const {
  const auto map = maps_.find(snapshot.map_id);
  std::unique_ptr<BtfValues> types;
  MapInfo info;
  if (map != maps_.end()) {
    info = map->second;
    const auto btf = btf_.find(info.btf_id);
    if (btf != btf_.end()) {
      auto parsed = BtfValues::Parse(btf->second.data);
      if (parsed.ok()) types = std::move(parsed).value();
    }
  }
  const bool typed = types != nullptr && info.btf_value_type_id != 0;
  const auto format = [&](uint32_t type, absl::string_view bytes) {
    return typed && type != 0 ? types->Format(type, bytes) : BytesToJson(bytes);
  };
  const bool by_cpu = absl::StrContains(info.type_name, "percpu") && info.value_size > 0;
  const size_t each = (size_t{info.value_size} + 7) / 8 * 8;
  Json entries = Json::array();
  for (const MapSnapshot::Entry& from : snapshot.entries) {
    Json entry;
    entry["key"] = format(info.btf_key_type_id, from.key);
    if (!by_cpu) {
      entry["value"] = format(info.btf_value_type_id, from.value);
    } else {
      entry["values"] = Json::array();
      for (size_t at = 0; at + info.value_size <= from.value.size(); at += each) {
        entry["values"].push_back(
            {{"cpu", at / each},
             {"value", format(info.btf_value_type_id,
                              absl::string_view(from.value).substr(at, info.value_size))}});
      }
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string MapContents::Text() const {
  std::string text;
  for (const MapSnapshot& snapshot : snapshots_) {
    if (!IsWanted(snapshot)) continue;
    const auto map = maps_.find(snapshot.map_id);
    const auto realtime_ns = clock_.RealtimeNs(snapshot.time_ns);
    absl::StrAppend(&text, "map ", snapshot.map_id, " ",
                    map == maps_.end() ? "" : Printable(map->second.name), ", ",
                    Printable(snapshot.reason),
                    realtime_ns.has_value() ? absl::StrCat(", ", FormatRfc3339(*realtime_ns)) : "",
                    ", ", snapshot.entries.size(), " entries",
                    snapshot.truncated ? " and more, which were left out" : "", "\n",
                    EntriesOf(snapshot).dump(4), "\n");
  }
  return text;
}

Json MapContents::ToJson() const {
  Json json = Json::array();
  for (const MapSnapshot& snapshot : snapshots_) {
    if (!IsWanted(snapshot)) continue;
    Json entry;
    entry["id"] = snapshot.map_id;
    const auto map = maps_.find(snapshot.map_id);
    if (map != maps_.end()) entry["name"] = ValidUtf8(map->second.name);
    entry["time_ns"] = absl::StrCat(snapshot.time_ns);
    if (const auto realtime_ns = clock_.RealtimeNs(snapshot.time_ns)) {
      entry["time"] = FormatRfc3339(*realtime_ns);
    }
    entry["reason"] = ValidUtf8(snapshot.reason);
    entry["truncated"] = snapshot.truncated;
    entry["entries"] = EntriesOf(snapshot);
    json.push_back(std::move(entry));
  }
  return json;
}

}  // namespace correlate
