#include "cli/program_tables.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "collector/program_symbol.h"
#include "render/json_event.h"
#include "render/text.h"
#include "render/wording.h"
#include "symbolize/attachment_table.h"

namespace correlate {
namespace {

// The line on which the function begins; null without line info.
const ProgramLine* FirstLine(const ProgramInfo& program, const ProgramFunction& function) {
  const auto line =
      std::lower_bound(program.lines.begin(), program.lines.end(), function.address,
                       [](const ProgramLine& a, uint64_t address) { return a.address < address; });
  return function.address != 0 && line != program.lines.end() &&
                 line->address - function.address < function.length_bytes
             ? &*line
             : nullptr;
}

std::string FunctionText(const ProgramInfo& program, const ProgramFunction& function) {
  std::string text = "\t";
  if (function.address == 0) {
    absl::StrAppend(&text, absl::StrFormat("%-37s", "address unknown"));
  } else {
    absl::StrAppend(&text, absl::StrFormat("0x%016x-0x%016x", function.address,
                                           function.address + function.length_bytes));
  }
  absl::StrAppend(&text, "  tag ", TagToHex(function.tag), "  ",
                  function.name.empty() ? "(no name)" : Printable(function.name));
  if (const ProgramLine* line = FirstLine(program, function)) {
    absl::StrAppend(&text, "  ", Printable(line->file), ":", line->line);
  }
  return text + "\n";
}

}  // namespace

void ProgramTables::OnProgram(const ProgramInfo& program) {
  programs_[{program.id, program.load_time_ns}] = program;
}

void ProgramTables::OnAttachment(const Attachment& attachment) {
  std::vector<Attachment>& places =
      attachment.IsObstacle() ? obstacles_ : attachments_[attachment.program_id];
  std::vector<size_t>& here = places_at_[{attachment.program_id, attachment.netns,
                                          attachment.ifindex, attachment.cgroup_id}];
  for (const size_t index : here) {
    Attachment& known = places[index];
    if (known.from_ns != attachment.from_ns || !SamePlace(known, attachment)) continue;
    known = attachment;
    return;
  }
  here.push_back(places.size());
  places.push_back(attachment);
}

std::vector<ProgramInfo> ProgramTables::Programs() const {
  std::vector<ProgramInfo> programs;
  for (const auto& [key, program] : programs_) programs.push_back(program);
  for (const auto& [id, places] : attachments_) {
    const auto known = programs_.lower_bound({id, 0});
    if (known != programs_.end() && known->first.first == id) continue;
    ProgramInfo bare;
    bare.id = id;
    bare.type = kUnknownProgramType;
    programs.push_back(std::move(bare));
  }
  std::stable_sort(programs.begin(), programs.end(),
                   [](const ProgramInfo& a, const ProgramInfo& b) { return a.id < b.id; });
  return programs;
}

const std::vector<Attachment>& ProgramTables::PlacesOf(uint32_t program_id) const {
  static const std::vector<Attachment>& none = *new std::vector<Attachment>;
  const auto places = attachments_.find(program_id);
  return places != attachments_.end() ? places->second : none;
}

bool ProgramTables::AddressesHidden() const {
  for (const auto& [key, program] : programs_) {
    for (const ProgramFunction& function : program.functions) {
      if (function.address != 0) return false;
    }
  }
  return !programs_.empty();
}

std::string ProgramTables::Time(uint64_t monotonic_ns) const {
  const std::optional<uint64_t> realtime_ns = clock_.RealtimeNs(monotonic_ns);
  return realtime_ns.has_value()
             ? FormatUtcSeconds(*realtime_ns)
             : absl::StrFormat("%.3f s after boot", static_cast<double>(monotonic_ns) / 1e9);
}

// Of what came or went during a recording; the rest held all along.
std::string ProgramTables::IntervalText(const Attachment& attachment) const {
  std::string text;
  if (attachment.absent_before_ns != 0) {
    absl::StrAppend(&text, ", seen from ", Time(attachment.from_ns));
  }
  // What still held was seen after the end.
  if (attachment.absent_after_ns != 0 || attachment.to_ns < end_ns_) {
    absl::StrAppend(&text, ", seen until ", Time(attachment.to_ns));
  }
  return text;
}

std::string ProgramTables::ProgramText(const ProgramInfo& program) const {
  std::string text = absl::StrCat(
      program.id, ": ", program.type_name.empty() ? "type unknown" : Printable(program.type_name));
  if (!program.name.empty()) absl::StrAppend(&text, "  name ", Printable(program.name));
  if (program.tag != BpfTag{}) absl::StrAppend(&text, "  tag ", TagToHex(program.tag));
  if (program.load_time_ns != 0) {
    absl::StrAppend(&text, "  loaded ", Time(program.load_time_ns));
  }
  if (program.unload_time_ns != kForever) {
    absl::StrAppend(&text, "  unloaded ", Time(program.unload_time_ns));
  }
  if (program.opened) {
    absl::StrAppend(&text, "  uid ", program.uid, program.gpl_compatible ? "  gpl" : "");
  }
  text += "\n";
  if (program.xlated_bytes > 0) {
    absl::StrAppend(&text, "\txlated ", program.xlated_bytes, "B  ",
                    program.jited_bytes > 0 ? absl::StrCat("jited ", program.jited_bytes, "B")
                                            : std::string("not jited"),
                    "  memlock ", program.memlock_bytes, "B");
    if (program.verified_instructions > 0) {
      absl::StrAppend(&text, "  verified ", program.verified_instructions, " instructions");
    }
    if (program.run_count > 0) {
      absl::StrAppend(&text, "  run_time_ns ", program.run_time_ns, " run_cnt ", program.run_count);
    }
    if (program.recursion_misses > 0) {
      absl::StrAppend(&text, "  recursion_misses ", program.recursion_misses);
    }
    text += "\n";
  }
  if (program.ours) text += "\tloaded by bpftrace-correlate itself\n";
  if (!program.opened) text += "\tgone before it could be looked at: no lines, no maps\n";
  if (program.loader_pid != 0) {
    absl::StrAppend(&text, "\tloaded by ",
                    program.loader_comm.empty() ? "process" : Printable(program.loader_comm), " ",
                    program.loader_pid,
                    program.loader_cgroup.empty()
                        ? ""
                        : absl::StrCat(" of cgroup ", Printable(program.loader_cgroup)),
                    "\n");
  }
  for (const std::string& path : program.pins) {
    absl::StrAppend(&text, "\tpinned at ", Printable(path), "\n");
  }
  for (const ProgramFunction& function : program.functions) {
    text += FunctionText(program, function);
  }
  for (const Attachment& attachment : PlacesOf(program.id)) {
    absl::StrAppend(&text, "\t", DescribeAttachment(attachment), IntervalText(attachment), "\n");
  }
  if (program.btf_id != 0 || !program.map_ids.empty()) {
    std::vector<std::string> ids;
    if (!program.map_ids.empty()) {
      ids.push_back(absl::StrCat("maps ", absl::StrJoin(program.map_ids, ",")));
    }
    if (program.btf_id != 0) ids.push_back(absl::StrCat("btf ", program.btf_id));
    absl::StrAppend(&text, "\t", absl::StrJoin(ids, "  "), "\n");
  }
  return text;
}

std::string ProgramTables::Text() const {
  std::string text;
  for (const ProgramInfo& program : Programs()) text += ProgramText(program);
  if (!obstacles_.empty()) {
    text += "no BPF program, but on the hooks of some, and able to drop packets:\n";
    for (const Attachment& obstacle : obstacles_) {
      absl::StrAppend(&text, "\t", DescribeAttachment(obstacle), IntervalText(obstacle), "\n");
    }
  }
  return text;
}

std::vector<uint32_t> ProgramTables::UsersOf(uint32_t map_id) const {
  std::vector<uint32_t> users;
  for (const auto& [key, program] : programs_) {
    const auto& ids = program.map_ids;
    if (std::find(ids.begin(), ids.end(), map_id) != ids.end()) users.push_back(program.id);
  }
  return users;
}

std::string ProgramTables::MapsText() const {
  std::string text;
  for (const auto& [id, map] : maps_) {
    absl::StrAppend(&text, id, ": ", Printable(map.type_name),
                    map.name.empty() ? "" : absl::StrCat("  name ", Printable(map.name)),
                    "  flags ", absl::StrFormat("0x%x", map.flags), "\n\tkey ", map.key_size,
                    "B  value ", map.value_size, "B  max_entries ", map.max_entries, "  memlock ",
                    map.memlock_bytes, "B", map.frozen ? "  frozen" : "",
                    map.btf_id != 0 ? absl::StrCat("  btf ", map.btf_id) : "", "\n");
    const std::vector<uint32_t> users = UsersOf(id);
    if (!users.empty())
      absl::StrAppend(&text, "\tused by programs ", absl::StrJoin(users, ","), "\n");
  }
  return text;
}

Json ProgramTables::MapsToJson() const {
  Json json;
  json["maps"] = Json::array();
  for (const auto& [id, map] : maps_) {
    Json entry;
    entry["id"] = id;
    entry["type"] = ValidUtf8(map.type_name);
    if (!map.name.empty()) entry["name"] = ValidUtf8(map.name);
    entry["flags"] = map.flags;
    entry["bytes_key"] = map.key_size;
    entry["bytes_value"] = map.value_size;
    entry["max_entries"] = map.max_entries;
    entry["bytes_memlock"] = absl::StrCat(map.memlock_bytes);
    entry["frozen"] = map.frozen ? 1 : 0;
    if (map.btf_id != 0) entry["btf_id"] = map.btf_id;
    entry["program_ids"] = UsersOf(id);
    json["maps"].push_back(std::move(entry));
  }
  return json;
}

Json ProgramTables::PlaceToJson(const Attachment& attachment) {
  Json json = AttachmentToJson(attachment);
  json["seen_from_ns"] = absl::StrCat(attachment.from_ns);
  json["seen_to_ns"] = absl::StrCat(attachment.to_ns);
  if (attachment.absent_before_ns != 0) {
    json["absent_before_ns"] = absl::StrCat(attachment.absent_before_ns);
  }
  if (attachment.absent_after_ns != 0) {
    json["absent_after_ns"] = absl::StrCat(attachment.absent_after_ns);
  }
  return json;
}

Json ProgramTables::ProgramToJson(const ProgramInfo& program) const {
  Json json;
  json["id"] = program.id;
  if (!program.type_name.empty()) json["type"] = ValidUtf8(program.type_name);
  if (!program.name.empty()) json["name"] = ValidUtf8(program.name);
  if (program.tag != BpfTag{}) json["tag"] = TagToHex(program.tag);
  const auto time = [&](const std::string& key, uint64_t monotonic_ns) {
    json[key + "_ns"] = absl::StrCat(monotonic_ns);
    if (const auto realtime_ns = clock_.RealtimeNs(monotonic_ns)) {
      json[key] = FormatRfc3339(*realtime_ns);
    }
  };
  if (program.load_time_ns != 0) time("loaded", program.load_time_ns);
  if (program.unload_time_ns != kForever) time("unloaded", program.unload_time_ns);
  if (program.opened) {
    json["uid"] = program.uid;
    json["gpl_compatible"] = program.gpl_compatible;
    json["bytes_xlated"] = program.xlated_bytes;
    json["jited"] = program.jited_bytes > 0;
    json["bytes_jited"] = program.jited_bytes;
    json["bytes_memlock"] = absl::StrCat(program.memlock_bytes);
    if (program.verified_instructions > 0) {
      json["verified_instructions"] = program.verified_instructions;
    }
    if (program.run_count > 0) {
      json["run_time_ns"] = absl::StrCat(program.run_time_ns);
      json["run_cnt"] = absl::StrCat(program.run_count);
    }
    if (program.recursion_misses > 0) {
      json["recursion_misses"] = absl::StrCat(program.recursion_misses);
    }
    json["map_ids"] = program.map_ids;
  }
  if (program.btf_id != 0) json["btf_id"] = program.btf_id;
  json["opened"] = program.opened;
  if (program.ours) json["ours"] = true;
  if (program.loader_pid != 0) {
    Json& loader = json["loaded_by"];
    loader["pid"] = program.loader_pid;
    if (!program.loader_comm.empty()) loader["comm"] = ValidUtf8(program.loader_comm);
    if (!program.loader_cgroup.empty()) loader["cgroup"] = ValidUtf8(program.loader_cgroup);
  }
  if (!program.pins.empty()) {
    for (const std::string& path : program.pins) json["pins"].push_back(ValidUtf8(path));
  }
  json["functions"] = Json::array();
  for (const ProgramFunction& function : program.functions) {
    Json entry;
    if (!function.name.empty()) entry["name"] = ValidUtf8(function.name);
    if (function.tag != BpfTag{}) entry["tag"] = TagToHex(function.tag);
    if (function.address != 0) {
      entry["address"] = HexString(function.address);
      entry["end"] = HexString(function.address + function.length_bytes);
    }
    if (const ProgramLine* line = FirstLine(program, function)) {
      entry["file"] = ValidUtf8(line->file);
      entry["line"] = line->line;
    }
    json["functions"].push_back(std::move(entry));
  }
  json["attachments"] = Json::array();
  for (const Attachment& attachment : PlacesOf(program.id)) {
    json["attachments"].push_back(PlaceToJson(attachment));
  }
  return json;
}

Json ProgramTables::ToJson() const {
  Json json;
  json["programs"] = Json::array();
  for (const ProgramInfo& program : Programs()) json["programs"].push_back(ProgramToJson(program));
  json["obstacles"] = Json::array();
  for (const Attachment& obstacle : obstacles_) json["obstacles"].push_back(PlaceToJson(obstacle));
  return json;
}

}  // namespace correlate
