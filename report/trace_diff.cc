#include "report/trace_diff.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "render/text.h"
#include "render/units.h"

namespace correlate {
namespace {

using Kind = RateChange::Kind;

constexpr char kDropsAlone[] = "event in (skb:kfree_skb, xdp:xdp_exception)";

absl::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kNew:
      return "new";
    case Kind::kGone:
      return "gone";
    case Kind::kMore:
      return "more";
    case Kind::kLess:
      return "less";
    case Kind::kSame:
      break;
  }
  return "same";
}

double DispersionOf(const ReportTables& tables) {
  constexpr double kStepSeconds = 1;
  constexpr size_t kLeastSteps = 10;
  constexpr size_t kMostSteps = 3600;
  const auto [from_ns, to_ns] = tables.span();
  const auto steps = static_cast<size_t>(
      std::clamp(tables.seconds() / kStepSeconds, double{kLeastSteps}, double{kMostSteps}));
  std::vector<double> counts = tables.drops_over_time().Columns(from_ns, to_ns, steps);
  const std::vector<double> exceptions =
      tables.exceptions_over_time().Columns(from_ns, to_ns, steps);
  for (size_t i = 0; i < counts.size(); ++i) counts[i] += exceptions[i];
  return Dispersion(counts);
}

std::string PerSecond(const Rate& rate) {
  return rate.events == 0
             ? "0"
             : absl::StrFormat("%.*f", rate.PerSecond() < 10 ? 2 : 0, rate.PerSecond());
}

std::string SideLine(const char* word, const ReportTables& tables, const std::string& name) {
  return absl::StrFormat("%s %s: %s, %.1f s, %s drops, %s XDP exceptions; %s lost, %s missed%s\n",
                         word, Printable(name), Printable(tables.facts().hostname),
                         tables.seconds(), FormatCount(tables.drops()),
                         FormatCount(tables.xdp_exceptions()), FormatCount(tables.lost()),
                         FormatCount(tables.missed()), tables.complete() ? "" : "; INCOMPLETE");
}

Json RateToJson(const Rate& rate) {
  return {{"events", absl::StrCat(rate.events)},
          {"seconds", rate.seconds},
          {"per_second", rate.PerSecond()}};
}

Json SideToJson(const ReportTables& tables) {
  return {{"host", ValidUtf8(tables.facts().hostname)},
          {"seconds", tables.seconds()},
          {"complete", tables.complete()},
          {"drops", absl::StrCat(tables.drops())},
          {"xdp_exceptions", absl::StrCat(tables.xdp_exceptions())},
          {"lost", absl::StrCat(tables.lost())},
          {"missed", absl::StrCat(tables.missed())}};
}

}  // namespace

const std::vector<std::pair<std::string, std::string>>& DiffSide::dimensions() {
  static const auto* const all = new std::vector<std::pair<std::string, std::string>>{
      {"culprit", "attribution.programs.name,tag,attachment,attribution.verdict"},
      {"reason", "event,reason"},
      {"location", "event,location"},
      {"tag", "attribution.programs.name,tag"}};
  return *all;
}

absl::StatusOr<std::unique_ptr<DiffSide>> DiffSide::Create(const std::string& time,
                                                           const std::string& filter) {
  const std::string whole =
      filter.empty() ? kDropsAlone : absl::StrCat("(", filter, ") && ", kDropsAlone);
  // For its errors, which tell columns of what was given.
  if (const auto asked = Selection::Parse(time, filter); !asked.ok()) return asked.status();
  auto selection = Selection::Parse(time, whole);
  if (!selection.ok()) return selection.status();
  std::unique_ptr<DiffSide> side(new DiffSide());
  side->tables_ = std::make_unique<ReportTables>(std::vector<EventKey>(), *selection);
  for (const auto& [name, keys] : dimensions())
    side->tables_->AlsoCountPacketsBy(*ParseEventKeys(keys));
  return side;
}

TraceDiff CompareTraces(const DiffSide& before, const DiffSide& after) {
  TraceDiff diff;
  diff.dispersion = std::max(DispersionOf(before.tables()), DispersionOf(after.tables()));
  for (size_t i = 0; i < DiffSide::dimensions().size(); ++i) {
    std::map<std::vector<std::string>, RateChange> both;
    const auto add = [&](const ReportTables& tables, Rate RateChange::*side) {
      for (const EventGroups::Group& group : tables.packet_groups()[i].MostFirst()) {
        const bool nobody = DiffSide::dimensions()[i].first != "reason" &&
                            DiffSide::dimensions()[i].first != "location" &&
                            (group.values.front() == "none" || group.values.front() == "unknown");
        if (!nobody) (both[group.values].*side).events += group.events;
      }
    };
    add(before.tables(), &RateChange::before);
    add(after.tables(), &RateChange::after);
    for (auto& [values, change] : both) {
      change.dimension = DiffSide::dimensions()[i].first;
      change.values = values;
      change.before.seconds = before.tables().seconds();
      change.after.seconds = after.tables().seconds();
      change.p = RateChangeP(change.before, change.after, diff.dispersion);
      diff.changes.push_back(std::move(change));
    }
  }
  std::vector<double> p;
  for (const RateChange& change : diff.changes) p.push_back(change.p);
  const std::vector<bool> holds = HolmRejects(p, kDiffAlpha);
  for (size_t i = 0; i < diff.changes.size(); ++i) {
    if (!holds[i]) continue;
    RateChange& change = diff.changes[i];
    ++diff.findings;
    change.kind = change.before.events == 0                              ? Kind::kNew
                  : change.after.events == 0                             ? Kind::kGone
                  : change.after.PerSecond() > change.before.PerSecond() ? Kind::kMore
                                                                         : Kind::kLess;
  }
  std::stable_sort(diff.changes.begin(), diff.changes.end(),
                   [](const RateChange& a, const RateChange& b) {
                     const bool a_same = a.kind == Kind::kSame;
                     const bool b_same = b.kind == Kind::kSame;
                     if (a_same != b_same) return b_same;
                     if (a.dimension != b.dimension) return false;
                     return std::abs(a.after.PerSecond() - a.before.PerSecond()) >
                            std::abs(b.after.PerSecond() - b.before.PerSecond());
                   });
  return diff;
}

std::string RenderDiff(const DiffSide& before, const DiffSide& after, const TraceDiff& diff,
                       const std::string& before_name, const std::string& after_name) {
  std::string text = SideLine("before", before.tables(), before_name) +
                     SideLine("after ", after.tables(), after_name);
  absl::StrAppend(
      &text, FormatCount(diff.findings), " of ", FormatCount(diff.changes.size()),
      " rates changed by more than chance explains (conditional test of two Poisson rates, ",
      absl::StrFormat("variance times %.3g for bursts, Holm's correction, alpha %g).\n",
                      diff.dispersion, kDiffAlpha));
  if (diff.findings == 0) return text;
  using Align = TextTable::Align;
  std::string last;
  std::unique_ptr<TextTable> table;
  const auto flush = [&] {
    if (table != nullptr) absl::StrAppend(&text, "\n", table->Render());
  };
  for (const RateChange& change : diff.changes) {
    if (change.kind == Kind::kSame) break;
    if (change.dimension != last) {
      flush();
      last = change.dimension;
      table = std::make_unique<TextTable>(std::vector<Align>{
          Align::kLeft, Align::kLeft, Align::kRight, Align::kRight, Align::kRight});
      table->AddRow({"CHANGE", absl::AsciiStrToUpper(last), "BEFORE/s", "AFTER/s", "P"});
    }
    table->AddRow({std::string(KindName(change.kind)),
                   Printable(absl::StrJoin(change.values, "  ")), PerSecond(change.before),
                   PerSecond(change.after), absl::StrFormat("%.1g", change.p)});
  }
  flush();
  return text;
}

Json DiffToJson(const DiffSide& before, const DiffSide& after, const TraceDiff& diff) {
  Json json;
  json["before"] = SideToJson(before.tables());
  json["after"] = SideToJson(after.tables());
  json["test"] =
      "conditional test of two Poisson rates, counts divided by dispersion, Holm's correction";
  json["alpha"] = kDiffAlpha;
  json["dispersion"] = diff.dispersion;
  json["findings"] = diff.findings;
  json["changes"] = Json::array();
  for (const RateChange& change : diff.changes) {
    Json one;
    one["change"] = std::string(KindName(change.kind));
    one["by"] = change.dimension;
    one["values"] = Json::array();
    for (const std::string& value : change.values) one["values"].push_back(ValidUtf8(value));
    one["before"] = RateToJson(change.before);
    one["after"] = RateToJson(change.after);
    one["p"] = change.p;
    json["changes"].push_back(std::move(one));
  }
  return json;
}

}  // namespace correlate
