#include "alert/alert_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "render/text.h"

namespace correlate {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
// What counts as shortly before the first event.
constexpr uint64_t kShortlyNs = 60 * kSecondNs;
constexpr size_t kMostChanges = 20;

void PutTime(const std::string& name, uint64_t time_ns, uint64_t realtime_ns, Json* json) {
  (*json)[name + "_ns"] = absl::StrCat(time_ns);
  if (realtime_ns != 0) (*json)[name] = FormatRfc3339(realtime_ns);
}

void PutTime(const std::string& name, uint64_t time_ns, const AlertContext& context, Json* json) {
  PutTime(name, time_ns, context.clock.RealtimeNs(time_ns).value_or(0), json);
}

// "count", or "rate" a second.
const char* MeasureName(const AlertRule& rule) { return rule.per_second ? "rate" : "count"; }

// A filter of the alert's own events, as far as its values can be asked for.
std::string FilterOf(const Alert& alert) {
  const AlertRule& rule = *alert.rule;
  std::string text = rule.filter.has_value() && rule.by.empty() ? rule.filter->text() : "";
  if (rule.filter.has_value() && !rule.by.empty())
    text = absl::StrCat("(", rule.filter->text(), ")");
  for (size_t i = 0; i < rule.by.size(); ++i) {
    const std::string& value = alert.values[i];
    if (value == "unknown" || value == "none" || value == "only counted" || value == "other") {
      continue;
    }
    absl::StrAppend(&text, text.empty() ? "" : " && ", rule.by[i].name, " == ");
    // A program's label is its name and its id, of which the id is it alone.
    const size_t number = value.rfind(" #");
    if (rule.by[i].name == "program" && number != std::string::npos) {
      absl::StrAppend(&text, value.substr(number + 2));
      continue;
    }
    text += '"';
    for (const char c : value)
      absl::StrAppend(&text, c == '"' || c == '\\' ? "\\" : "", std::string(1, c));
    text += '"';
  }
  return text;
}

std::string Command(const Alert& alert, const AlertContext& context) {
  std::string filter = FilterOf(alert);
  if (!filter.empty()) filter = absl::StrCat(" --filter ", SingleQuoted(Printable(filter)));
  if (context.trace.empty()) {
    return absl::StrCat(
        "bpftrace-correlate record --duration 10 -o more.pb && "
        "bpftrace-correlate report more.pb",
        filter);
  }
  const auto from = context.clock.RealtimeNs(alert.first_ns);
  const auto to = context.clock.RealtimeNs(alert.last_ns + 1);
  std::string time;
  if (from.has_value() && to.has_value()) {
    time = absl::StrCat(" --time ", FormatRfc3339(*from), ",", FormatRfc3339(*to));
  }
  return absl::StrCat("bpftrace-correlate report ", SingleQuoted(Printable(context.trace)), time,
                      filter);
}

// Of Prometheus: letters, digits and _, and no digit first.
std::string LabelName(absl::string_view name) {
  std::string clean(name);
  for (char& c : clean) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  if (clean.empty() || absl::ascii_isdigit(static_cast<unsigned char>(clean.front()))) {
    clean.insert(0, "_");
  }
  return clean;
}

}  // namespace

Json AlertToJson(const Alert& alert, const AlertContext& context) {
  const AlertRule& rule = *alert.rule;
  Json json;
  json["status"] = alert.firing ? "firing" : "resolved";
  json["rule"] = rule.name;
  json["severity"] = ValidUtf8(rule.severity);
  if (!rule.summary.empty()) json["summary"] = ValidUtf8(rule.summary);
  if (!context.host.empty()) json["host"] = ValidUtf8(context.host);
  json["labels"] = Json::object();
  for (const auto& [name, value] : rule.labels) json["labels"][ValidUtf8(name)] = ValidUtf8(value);
  for (size_t i = 0; i < rule.by.size(); ++i) {
    json["labels"][rule.by[i].name] = ValidUtf8(alert.values[i]);
  }
  json[MeasureName(rule)] = alert.measure;
  json["above"] = rule.above;
  json["window_s"] = rule.window_ns / kSecondNs;
  json["events"] = absl::StrCat(alert.events);
  PutTime("first", alert.first_ns, context, &json);
  PutTime("last", alert.last_ns, context, &json);
  PutTime("fired", alert.fired_ns, alert.fired_realtime_ns, &json);
  if (!alert.firing) PutTime("ended", alert.ended_ns, context, &json);
  if (!alert.last_event.empty()) {
    const Json event = Json::parse(alert.last_event, nullptr, /*allow_exceptions=*/false);
    if (event.is_object()) json["last_event"] = event;
  }
  json["changes_before"] = Json::array();
  const auto changes = context.changes.Telling(
      alert.first_ns - std::min(alert.first_ns, kShortlyNs), alert.first_ns);
  const size_t skipped = changes.size() - std::min(changes.size(), kMostChanges);
  for (size_t i = skipped; i < changes.size(); ++i) {
    Json change;
    PutTime("time", changes[i].time_ns, context, &change);
    change["what"] = changes[i].what;
    change["id"] = changes[i].program_id;
    if (!changes[i].program.empty()) change["name"] = ValidUtf8(changes[i].program);
    if (!changes[i].where.empty()) change["where"] = ValidUtf8(changes[i].where);
    json["changes_before"].push_back(std::move(change));
  }
  json["more"] = Command(alert, context);
  return json;
}

Json AlertmanagerAlert(const Alert& alert, const AlertContext& context, const Json& json) {
  Json labels = Json::object();
  labels["alertname"] = json["rule"];
  labels["severity"] = json["severity"];
  if (json.contains("host")) labels["instance"] = json["host"];
  for (const auto& [name, value] : json["labels"].items()) labels[LabelName(name)] = value;
  Json annotations = Json::object();
  if (json.contains("summary")) annotations["summary"] = json["summary"];
  annotations["description"] = AlertLine(alert, context);
  for (const char* key : {"count", "rate", "events", "first", "last", "snapshot", "more"}) {
    if (!json.contains(key)) continue;
    annotations[key] = json[key].is_string() ? json[key].get<std::string>() : json[key].dump();
  }
  for (const char* key : {"last_event", "changes_before"}) {
    if (json.contains(key) && !json[key].empty()) annotations[key] = json[key].dump();
  }
  Json told;
  told["labels"] = std::move(labels);
  told["annotations"] = std::move(annotations);
  if (json.contains("fired")) told["startsAt"] = json["fired"];
  if (!alert.firing && json.contains("ended")) told["endsAt"] = json["ended"];
  return told;
}

std::string AlertLine(const Alert& alert, const AlertContext& context) {
  const AlertRule& rule = *alert.rule;
  const uint64_t time_ns = alert.firing ? alert.fired_ns : alert.ended_ns;
  const auto realtime = context.clock.RealtimeNs(time_ns);
  std::string text = absl::StrCat(
      realtime.has_value() ? FormatRfc3339(*realtime).substr(0, 19) + "Z"
                           : absl::StrFormat("%.0f", static_cast<double>(time_ns) / 1e9),
      " ", alert.firing ? "firing  " : "resolved", " ", rule.name, " (", rule.severity, ")");
  for (size_t i = 0; i < rule.by.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? " " : ", ", rule.by[i].name, "=", alert.values[i]);
  }
  absl::StrAppend(&text, ": ",
                  rule.per_second ? absl::StrFormat("%.1f/s", alert.measure)
                                  : absl::StrFormat("%.0f", alert.measure),
                  " in ", rule.window_ns / kSecondNs, " s");
  return Printable(text);
}

}  // namespace correlate
