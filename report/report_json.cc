#include "report/report_json.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "render/json_event.h"
#include "render/text.h"

namespace correlate {
namespace {

// NAME_ns, and NAME as wall clock where that is known.
void PutTime(const std::string& name, uint64_t time_ns, const ReportTables& tables, Json* json) {
  (*json)[name + "_ns"] = absl::StrCat(time_ns);
  if (const auto realtime = tables.clock().RealtimeNs(time_ns)) {
    (*json)[name] = FormatRfc3339(*realtime);
  }
}

template <typename Group>
void PutTimes(const Group& group, const ReportTables& tables, Json* json) {
  if (group.first_ns == 0) return;
  PutTime("first", group.first_ns, tables, json);
  PutTime("last", group.last_ns, tables, json);
}

// Counts in equal steps.
Json OverTime(const ReportTables& tables) {
  constexpr size_t kSteps = 100;
  const uint64_t from_ns = tables.span().from_ns;
  const uint64_t to_ns = tables.span().to_ns;
  Json json;
  json["step_ns"] = absl::StrCat((to_ns - from_ns) / kSteps);
  const auto put = [&](const char* name, const Timeline& timeline) {
    json[name] = Json::array();
    for (const double count : timeline.Columns(from_ns, to_ns, kSteps)) {
      json[name].push_back(static_cast<uint64_t>(std::llround(count)));
    }
  };
  put("drops", tables.drops_over_time());
  put("xdp_exceptions", tables.exceptions_over_time());
  return json;
}

Json CulpritToJson(const ReportTables& tables, const CulpritGroup& group) {
  Attribution attribution;
  attribution.evidence = group.evidence;
  attribution.verdict = group.verdict;
  attribution.programs = group.programs;
  Json json = AttributionToJson(attribution);
  if (tables.hosts().size() > 1) json["host"] = ValidUtf8(group.host);
  json["attachments_of_program"] = Json::array();
  for (const BlamedProgram& program : group.programs) {
    for (const Attachment& attachment : tables.host(group).AttachmentsOf(program.id)) {
      json["attachments_of_program"].push_back(AttachmentToJson(attachment));
    }
  }
  json["events"] = absl::StrCat(group.events);
  PutTimes(group, tables, &json);
  return json;
}

}  // namespace

std::string RenderReportJson(const ReportTables& tables, const Json& sections) {
  Json json;
  json["host"] = ValidUtf8(tables.facts().hostname);
  if (tables.hosts().size() > 1) {
    json["hosts"] = Json::array();
    for (const std::string& host : tables.hosts()) json["hosts"].push_back(ValidUtf8(host));
  }
  json["seconds"] = tables.seconds();
  json["complete"] = tables.complete();
  json["lost"] = absl::StrCat(tables.lost());
  json["missed"] = absl::StrCat(tables.missed());
  json["filtered"] = absl::StrCat(tables.filtered());
  json["only_counted"] = absl::StrCat(tables.only_counted());
  json["events"] = absl::StrCat(tables.events());
  json["drops"] = absl::StrCat(tables.drops());
  json["xdp_exceptions"] = absl::StrCat(tables.xdp_exceptions());
  if (!tables.selection().everything()) {
    json["selected"] = absl::StrCat(tables.selected());
    json["undecided"] = absl::StrCat(tables.undecided());
  }
  const auto [from_ns, to_ns] = tables.span();
  json["from_ns"] = absl::StrCat(from_ns);
  json["to_ns"] = absl::StrCat(to_ns);
  if (const std::vector<EventKey>& keys = tables.groups().keys(); !keys.empty()) {
    json["groups"] = Json::array();
    for (const EventGroups::Group& group : tables.groups().MostFirst()) {
      Json entry;
      for (size_t i = 0; i < keys.size(); ++i) entry[keys[i].name] = ValidUtf8(group.values[i]);
      entry["events"] = absl::StrCat(group.events);
      json["groups"].push_back(entry);
    }
    return json.dump() + "\n";
  }
  const ReportTables::Shares shares = tables.shares();
  json["blamed"] = absl::StrCat(shares.blamed);
  json["sampled"] = absl::StrCat(shares.sampled);
  json["culprits"] = Json::array();
  for (const CulpritGroup* group : tables.Culprits()) {
    json["culprits"].push_back(CulpritToJson(tables, *group));
  }
  json["no_program"] = Json::array();
  for (const NoProgramGroup* group : tables.WithoutProgram()) {
    Json entry;
    entry["event"] = ValidUtf8(group->event);
    if (!group->location.empty()) entry["location"] = ValidUtf8(group->location);
    if (!group->reason.empty()) entry["reason"] = ValidUtf8(group->reason);
    entry["why"] = ValidUtf8(group->why);
    for (const HostTables::Suspect& suspect : tables.SuspectsOf(group->reason)) {
      Json attached;
      attached["id"] = suspect.attachment.program_id;
      if (!suspect.program.empty()) attached["name"] = ValidUtf8(suspect.program);
      attached["attachment"] = AttachmentToJson(suspect.attachment);
      entry["attached_there"].push_back(attached);
    }
    entry["events"] = absl::StrCat(group->events);
    PutTimes(*group, tables, &entry);
    json["no_program"].push_back(entry);
  }
  for (const auto& [id, counts] : tables.xdp_actions()) {
    Json entry;
    entry["id"] = id;
    if (const std::string name = tables.host().ProgramName(id); !name.empty()) {
      entry["name"] = ValidUtf8(name);
    }
    entry["aborted"] = absl::StrCat(counts.aborted);
    entry["drop"] = absl::StrCat(counts.drop);
    entry["pass"] = absl::StrCat(counts.pass);
    entry["tx"] = absl::StrCat(counts.tx);
    entry["redirect"] = absl::StrCat(counts.redirect);
    entry["unknown"] = absl::StrCat(counts.unknown);
    json["xdp_actions"].push_back(entry);
  }
  json["over_time"] = OverTime(tables);
  json["changes"] = Json::array();
  for (const HostChanges::Change& change : tables.Changes()) {
    Json entry;
    PutTime("time", change.time_ns, tables, &entry);
    entry["what"] = change.what;
    entry["id"] = change.program_id;
    if (!change.program.empty()) entry["name"] = ValidUtf8(change.program);
    if (!change.where.empty()) entry["where"] = ValidUtf8(change.where);
    json["changes"].push_back(entry);
  }
  for (const auto& [name, section] : sections.items()) json[name] = section;
  return json.dump() + "\n";
}

}  // namespace correlate
