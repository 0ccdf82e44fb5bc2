#include "cli/report_text.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/event_fields.h"
#include "cli/json_event.h"
#include "cli/text.h"
#include "cli/units.h"
#include "cli/wording.h"

namespace correlate {
namespace {

using Align = TextTable::Align;

std::string Rate(uint64_t events, double seconds) {
  if (seconds <= 0) return "";
  const double rate = static_cast<double>(events) / seconds;
  if (rate >= 1e6) return absl::StrFormat("%.1fM", rate / 1e6);
  if (rate >= 1e3) return absl::StrFormat("%.1fk", rate / 1e3);
  return rate >= 10 ? absl::StrFormat("%.0f", rate) : absl::StrFormat("%.1f", rate);
}

std::string Plural(uint64_t count, absl::string_view one) {
  return absl::StrCat(FormatCount(count), " ", one, count == 1 ? "" : "s");
}

// The attachments that fit the events; else all that the program had, which is less to say.
std::string Where(const ReportTables& tables, const BlamedProgram& program) {
  std::vector<Attachment> attachments = program.attachments;
  if (attachments.empty()) attachments = tables.AttachmentsOf(program.id);
  if (attachments.empty()) return "attachment unknown";
  std::string text = DescribeAttachment(attachments.front());
  if (attachments.size() > 1) absl::StrAppend(&text, " (or ", attachments.size() - 1, " more)");
  return text;
}

std::string Head(const ReportTables& tables, const std::string& name) {
  const RecordingFacts& facts = tables.facts();
  std::string text = Printable(name);
  if (!facts.hostname.empty()) {
    absl::StrAppend(&text, ": ", Printable(facts.hostname), ", Linux ",
                    Printable(facts.kernel_release));
  }
  absl::StrAppend(&text, ", ", absl::StrFormat("%.1f s", tables.seconds()));
  if (const auto from = tables.clock().RealtimeNs(tables.first_ns())) {
    absl::StrAppend(&text, " from ", FormatUtcSeconds(*from));
  }
  if (facts.online_cpus > 0) absl::StrAppend(&text, ", ", Plural(facts.online_cpus, "CPU"));
  if (!tables.complete()) {
    absl::StrAppend(&text,
                    "\nINCOMPLETE: the trace is damaged or cut short; what the missing part held, "
                    "losses too, is in none of the figures below");
  }
  absl::StrAppend(&text, "\n", FormatCount(tables.lost()), " lost, ", FormatCount(tables.missed()),
                  " missed; ", Plural(tables.drops(), "drop"), ", ",
                  Plural(tables.xdp_exceptions(), "XDP exception"), "; ",
                  Plural(tables.events(), "event"), " written whole",
                  tables.only_counted() > 0
                      ? absl::StrCat(", ", FormatCount(tables.only_counted()), " only counted")
                      : "",
                  "\n");
  if (!facts.filters.empty()) {
    absl::StrAppend(&text, "only ", Printable(absl::StrJoin(facts.filters, " ")), ": ",
                    Plural(tables.filtered(), "other event"), " filtered out in the kernel\n");
  }
  if (tables.lost() + tables.missed() > 0) {
    absl::StrAppend(&text, tables.counts_kinds()
                               ? "WARNING: of what was lost or missed no more than its kind is "
                                 "known.\n"
                               : "WARNING: what was lost or missed is in none of the figures "
                                 "below.\n");
  }
  return text;
}

std::string Culprits(const ReportTables& tables) {
  TextTable table({Align::kLeft, Align::kLeft, Align::kRight, Align::kLeft, Align::kLeft,
                   Align::kRight, Align::kRight, Align::kLeft});
  table.AddRow({"CULPRIT", "", "", "WHERE", "WHY", "PACKETS", "/s", "EVIDENCE"});
  const auto groups = tables.Culprits();
  for (const CulpritGroup* group : groups) {
    std::string why = Printable(group->verdict);
    if (group->evidence == Evidence::kStack) {
      why = absl::StrCat("freed inside", why.empty() ? "" : ", ", why);
    }
    // A line for each that it may have been, the figures on the first one alone.
    const size_t possible = group->programs.size();
    for (size_t i = 0; i < possible; ++i) {
      const BlamedProgram& program = group->programs[i];
      std::string where = Where(tables, program);
      if (possible > 1) absl::StrAppend(&where, " (", i + 1, " of ", possible, " possible)");
      const std::string name = program.name.empty() ? "?" : Printable(program.name);
      const bool first = i == 0;
      table.AddRow({first ? name : absl::StrCat("or ", name), DescribeSource(program),
                    absl::StrCat("#", program.id), where, first ? why : "",
                    first ? FormatCount(group->events) : "",
                    first ? Rate(group->events, tables.seconds()) : "",
                    first ? std::string(EvidenceName(group->evidence)) : ""});
    }
  }
  return groups.empty() ? "No BPF program is known to have dropped or broken a packet.\n"
                        : table.Render();
}

std::string WithoutProgram(const ReportTables& tables) {
  const auto groups = tables.WithoutProgram();
  if (groups.empty()) return "";
  TextTable table({Align::kLeft, Align::kLeft, Align::kRight, Align::kRight, Align::kLeft});
  table.AddRow({"NO BPF PROGRAM", "REASON", "PACKETS", "/s", "WHY"});
  for (const NoProgramGroup* group : groups) {
    table.AddRow({group->location.empty() ? Printable(group->event) : Printable(group->location),
                  group->reason.empty() ? "unknown" : Printable(group->reason),
                  FormatCount(group->events), Rate(group->events, tables.seconds()),
                  Printable(group->why)});
  }
  return absl::StrCat("\n", table.Render());
}

// What followed XDP programs returned, of every packet: a native XDP_DROP need not raise an event.
std::string XdpActions(const ReportTables& tables) {
  if (tables.xdp_actions().empty()) return "";
  TextTable table({Align::kLeft, Align::kRight, Align::kRight, Align::kRight, Align::kRight,
                   Align::kRight, Align::kRight, Align::kRight});
  table.AddRow({"XDP VERDICTS", "", "DROP", "ABORTED", "UNKNOWN", "TX", "REDIRECT", "PASS"});
  for (const auto& [id, counts] : tables.xdp_actions()) {
    const std::string name = tables.ProgramName(id);
    table.AddRow({name.empty() ? "?" : Printable(name), absl::StrCat("#", id),
                  FormatCount(counts.drop), FormatCount(counts.aborted),
                  FormatCount(counts.unknown), FormatCount(counts.tx), FormatCount(counts.redirect),
                  FormatCount(counts.pass)});
  }
  return absl::StrCat("\n", table.Render());
}

// Under the table: for reasons that point to a hook, what was attached there. No blame, a place to
// look.
std::string Suspects(const ReportTables& tables) {
  constexpr size_t kMostLines = 10;
  std::set<std::string> reasons;
  for (const NoProgramGroup* group : tables.WithoutProgram()) reasons.insert(group->reason);
  std::string text;
  for (const std::string& reason : reasons) {
    const auto suspects = tables.SuspectsOf(reason);
    if (suspects.empty()) continue;
    absl::StrAppend(&text, "\n", Printable(reason), " may come from one of these, attached during ",
                    "the recording; no event says which, so none is blamed:\n");
    for (size_t i = 0; i < std::min(suspects.size(), kMostLines); ++i) {
      absl::StrAppend(&text, "  ", Printable(suspects[i].program), " #",
                      suspects[i].attachment.program_id, ", ",
                      DescribeAttachment(suspects[i].attachment), "\n");
    }
    if (suspects.size() > kMostLines) {
      absl::StrAppend(&text, "  and ", suspects.size() - kMostLines, " more\n");
    }
  }
  return text;
}

std::string GroupedCounts(const ReportTables& tables) {
  std::vector<Align> columns(tables.by().size(), Align::kLeft);
  columns.insert(columns.end(), {Align::kRight, Align::kRight});
  TextTable table(columns);
  std::vector<std::string> head;
  for (const GroupKey key : tables.by()) head.push_back(absl::AsciiStrToUpper(GroupKeyName(key)));
  head.insert(head.end(), {"EVENTS", "/s"});
  table.AddRow(head);
  for (const ReportTables::ByGroup& group : tables.Groups()) {
    std::vector<std::string> row;
    for (const std::string& value : group.values) row.push_back(Printable(value));
    row.push_back(FormatCount(group.events));
    row.push_back(Rate(group.events, tables.seconds()));
    table.AddRow(row);
  }
  return table.Render();
}

Json CulpritToJson(const ReportTables& tables, const CulpritGroup& group) {
  Attribution attribution;
  attribution.evidence = group.evidence;
  attribution.verdict = group.verdict;
  attribution.programs = group.programs;
  Json json = AttributionToJson(attribution);
  json["attachments_of_program"] = Json::array();
  for (const BlamedProgram& program : group.programs) {
    for (const Attachment& attachment : tables.AttachmentsOf(program.id)) {
      json["attachments_of_program"].push_back(AttachmentToJson(attachment));
    }
  }
  json["events"] = absl::StrCat(group.events);
  return json;
}

}  // namespace

std::string RenderReport(const ReportTables& tables, const std::string& name) {
  const std::string head = Head(tables, name);
  if (!tables.by().empty()) return absl::StrCat(head, "\n", GroupedCounts(tables));
  return absl::StrCat(head, "\n", Culprits(tables), WithoutProgram(tables), Suspects(tables),
                      XdpActions(tables));
}

std::string RenderReportJson(const ReportTables& tables, const Json& around) {
  Json json;
  json["host"] = ValidUtf8(tables.facts().hostname);
  json["seconds"] = tables.seconds();
  json["complete"] = tables.complete();
  json["lost"] = absl::StrCat(tables.lost());
  json["missed"] = absl::StrCat(tables.missed());
  json["filtered"] = absl::StrCat(tables.filtered());
  json["only_counted"] = absl::StrCat(tables.only_counted());
  json["events"] = absl::StrCat(tables.events());
  json["drops"] = absl::StrCat(tables.drops());
  json["xdp_exceptions"] = absl::StrCat(tables.xdp_exceptions());
  if (!tables.by().empty()) {
    json["groups"] = Json::array();
    for (const ReportTables::ByGroup& group : tables.Groups()) {
      Json entry;
      for (size_t i = 0; i < tables.by().size(); ++i) {
        entry[std::string(GroupKeyName(tables.by()[i]))] = ValidUtf8(group.values[i]);
      }
      entry["events"] = absl::StrCat(group.events);
      json["groups"].push_back(entry);
    }
    return json.dump() + "\n";
  }
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
    for (const ReportTables::Suspect& suspect : tables.SuspectsOf(group->reason)) {
      Json attached;
      attached["id"] = suspect.attachment.program_id;
      if (!suspect.program.empty()) attached["name"] = ValidUtf8(suspect.program);
      attached["attachment"] = AttachmentToJson(suspect.attachment);
      entry["attached_there"].push_back(attached);
    }
    entry["events"] = absl::StrCat(group->events);
    json["no_program"].push_back(entry);
  }
  for (const auto& [id, counts] : tables.xdp_actions()) {
    Json entry;
    entry["id"] = id;
    if (const std::string name = tables.ProgramName(id); !name.empty()) {
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
  if (!around.is_null()) json["around"] = around;
  return json.dump() + "\n";
}

}  // namespace correlate
