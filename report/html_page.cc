#include "report/html_page.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/version.h"
#include "render/event_fields.h"
#include "render/text.h"
#include "render/wording.h"
#include "report/report_text.h"

namespace correlate {
namespace {

class PageData {
 public:
  PageData(const ReportTables& tables, const PageFacts& facts, const PagePrograms& programs)
      : tables_(tables), facts_(facts), programs_(programs) {}

  Json Make(const std::vector<std::string>& notes) const {
    Json json;
    json["head"] = Head();
    PutFacts(&json);
    json["culprits"] = Culprits();
    json["no_program"] = WithoutProgram();
    json["changes"] = Changes();
    json["programs"] = Programs();
    json["counts"] = Counts();
    json["notes"] = Json::array();
    for (const std::string& note : notes) json["notes"].push_back(ValidUtf8(note));
    return json;
  }

 private:
  // Milliseconds since 1970, or of the recording host's own clock where the wall clock is unknown.
  double Milliseconds(uint64_t time_ns) const {
    const uint64_t realtime = tables_.clock().RealtimeNs(time_ns).value_or(time_ns);
    return static_cast<double>(realtime) / 1e6;
  }
  Json Since(uint64_t first_ns) const {
    return first_ns == 0 ? Json() : Json(Milliseconds(first_ns));
  }

  Json Head() const {
    const RecordingFacts& facts = tables_.facts();
    Json head;
    head["host"] = ValidUtf8(facts.hostname);
    head["kernel"] = ValidUtf8(facts.kernel_release);
    head["cpus"] = facts.online_cpus;
    head["seconds"] = tables_.seconds();
    const auto from = tables_.clock().RealtimeNs(tables_.span().from_ns);
    head["wall_clock"] = from.has_value();
    head["from"] = from.has_value() ? FormatUtcSeconds(*from) : "";
    head["from_ms"] = Milliseconds(facts_.start_ns());
    head["selection"] = ValidUtf8(tables_.selection().Describe());
    head["complete"] = tables_.complete();
    head["lost"] = tables_.lost();
    head["missed"] = tables_.missed();
    head["drops"] = tables_.drops();
    head["exceptions"] = tables_.xdp_exceptions();
    head["written"] = tables_.events();
    head["only_counted"] = tables_.only_counted();
    head["in_facts"] = facts_.events();
    head["answer"] = ValidUtf8(ReportAnswer(tables_));
    head["tool_version"] = kVersion;
    return head;
  }

  void PutFacts(Json* json) const {
    for (size_t i = 0; i < PageFacts::dimensions().size(); ++i) {
      (*json)["labels"][PageFacts::dimensions()[i]] = facts_.labels(i);
    }
    (*json)["frames"] = Json::array();
    for (const PageFacts::FrameName& frame : facts_.frames()) {
      (*json)["frames"].push_back({frame.name, std::string(FrameKindName(frame.kind))});
    }
    (*json)["stacks"] = facts_.stacks();
    Json facts = Json::array();
    for (const PageFacts::Fact& fact : facts_.facts()) {
      Json one = Json::array();
      for (const uint32_t label : fact.labels) one.push_back(label);
      one.push_back(fact.stack);
      Json pairs = Json::array();
      for (const auto& [bucket, events] : fact.buckets) {
        pairs.push_back(bucket);
        pairs.push_back(events);
      }
      one.push_back(std::move(pairs));
      facts.push_back(std::move(one));
    }
    (*json)["facts"] = std::move(facts);
    (*json)["step_ms"] = static_cast<double>(facts_.step_ns()) / 1e6;
    (*json)["buckets"] = std::max<size_t>(facts_.buckets(), 1);
  }

  Json Culprits() const {
    constexpr size_t kMost = 5000;
    Json rows = Json::array();
    for (const CulpritGroup* group : tables_.Culprits()) {
      if (rows.size() >= kMost) break;
      const BlamedProgram& program = group->programs.front();
      Json row;
      row["name"] = absl::StrCat(ValidUtf8(program.name), " #", program.id);
      std::string others;
      for (size_t i = 1; i < group->programs.size(); ++i) {
        absl::StrAppend(&others, others.empty() ? "" : " or ", ValidUtf8(group->programs[i].name),
                        " #", group->programs[i].id);
      }
      row["others"] = others;
      row["source"] = ValidUtf8(DescribeSource(program));
      row["where"] = ReportWhere(tables_, *group, program);
      row["why"] = ValidUtf8(ReportWhy(*group));
      row["events"] = group->events;
      row["rate"] = group->events;
      row["evidence"] = std::string(EvidenceName(group->evidence));
      row["since"] = group->first_ns;
      row["since_ms"] = Since(group->first_ns);
      rows.push_back(std::move(row));
    }
    return rows;
  }

  Json WithoutProgram() const {
    constexpr size_t kMost = 5000;
    Json rows = Json::array();
    for (const NoProgramGroup* group : tables_.WithoutProgram()) {
      if (rows.size() >= kMost) break;
      const bool named = !group->location.empty() && group->location.compare(0, 2, "0x") != 0;
      Json row;
      row["location"] = ValidUtf8(named ? group->location : group->event);
      row["reason"] = group->reason.empty() ? "unknown" : ValidUtf8(group->reason);
      row["events"] = group->events;
      row["since"] = group->first_ns;
      row["since_ms"] = Since(group->first_ns);
      row["why"] = ValidUtf8(group->why);
      rows.push_back(std::move(row));
    }
    return rows;
  }

  Json Changes() const {
    constexpr size_t kMost = 5000;
    Json rows = Json::array();
    for (const HostChanges::Change& change : tables_.Changes()) {
      if (rows.size() >= kMost) break;
      rows.push_back({{"time_ms", Milliseconds(change.time_ns)},
                      {"what", change.what},
                      {"program", absl::StrCat(ValidUtf8(change.program), " #", change.program_id)},
                      {"where", ValidUtf8(change.where)}});
    }
    return rows;
  }

  Json Programs() const {
    Json rows = Json::array();
    std::set<std::pair<uint32_t, uint64_t>> shown;
    for (const CulpritGroup* group : tables_.Culprits()) {
      for (const BlamedProgram& program : group->programs) {
        if (shown.size() >= PagePrograms::kMostPrograms) return rows;
        if (!shown.insert({program.id, program.load_time_ns}).second) continue;
        Json row;
        row["key"] = absl::StrCat(program.id, "@", program.load_time_ns);
        row["id"] = program.id;
        row["name"] = ValidUtf8(program.name);
        row["where"] = ReportWhere(tables_, *group, program);
        row["lines"] = Json::array();
        for (const PagePrograms::Line& line : programs_.LinesOf(program.id, program.load_time_ns)) {
          const size_t slash = line.file.rfind('/') + 1;  // npos + 1 is 0
          row["lines"].push_back(
              {ValidUtf8(line.file.substr(slash)), line.line, ValidUtf8(line.text), line.events});
        }
        rows.push_back(std::move(row));
      }
    }
    return rows;
  }

  Json Counts() const {
    Json rows = Json::array();
    for (const auto& [key, counts] : tables_.Counts()) {
      rows.push_back({{"event", ValidUtf8(key.first)},
                      {"cpu", key.second},
                      {"counted", counts.counted},
                      {"written", counts.written},
                      {"only_counted", counts.only_counted},
                      {"lost", counts.lost},
                      {"missed", counts.missed},
                      {"filtered", counts.filtered}});
    }
    return rows;
  }

  const ReportTables& tables_;
  const PageFacts& facts_;
  const PagePrograms& programs_;
};

}  // namespace

std::string RenderHtmlPage(const ReportTables& tables, const PageFacts& facts,
                           const PagePrograms& programs, const std::vector<std::string>& notes) {
  // Neither "</script>" nor "<!--" may stand in what an HTML parser reads as a script.
  const std::string data =
      absl::StrReplaceAll(PageData(tables, facts, programs).Make(notes).dump(),
                          {{"<", "\\u003c"}, {">", "\\u003e"}, {"&", "\\u0026"}});
  std::string page;
  absl::string_view rest = PageTemplate();
  for (const auto& [mark, text] :
       {std::pair<absl::string_view, absl::string_view>("@STYLE@", PageStyle()),
        {"@DATA@", data},
        {"@SCRIPT@", PageScript()}}) {
    const size_t at = rest.find(mark);
    absl::StrAppend(&page, rest.substr(0, at), text);
    rest.remove_prefix(at + mark.size());
  }
  absl::StrAppend(&page, rest);
  return page;
}

}  // namespace correlate
