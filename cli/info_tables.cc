#include "cli/info_tables.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "render/json_event.h"
#include "render/text.h"
#include "render/units.h"

namespace correlate {

std::map<std::string, EventCounts> InfoTables::CountsByEvent() const {
  std::map<std::string, EventCounts> totals;
  for (const auto& [key, counts] : totals_.Counts()) Add(counts, &totals[key.first]);
  return totals;
}

std::string InfoTables::Text(const std::string& name) const {
  std::string text;
  const auto line = [&](absl::string_view key, const std::string& value) {
    absl::StrAppend(&text, absl::StrFormat("%-18s", key), Printable(value), "\n");
  };
  const auto list = [](const std::vector<std::string>& words) {
    return words.empty() ? std::string("-") : absl::StrJoin(words, " ");
  };
  line("trace", name);
  line("loss", absl::StrCat(FormatCount(lost_), " lost in ", loss_spans_, " spans"));
  line("host", absl::StrCat(facts_.hostname, ", ", facts_.online_cpus, " CPUs, ",
                            facts_.memory_bytes >> 20, " MiB"));
  line("kernel", absl::StrCat("Linux ", facts_.kernel_release, " ", facts_.kernel_version, " ",
                              facts_.machine));
  line("boot id", facts_.boot_id);
  line("tool", absl::StrCat("bpftrace-correlate ", facts_.tool_version));
  line("command", list(facts_.command_line));
  line("asked for",
       facts_.requested_events.empty() ? "the defaults" : list(facts_.requested_events));
  line("enabled", list(facts_.enabled_events));
  line("from side-band", list(facts_.synthetic_events));
  if (!facts_.call_events.empty()) {
    line("from bpf(2)", list(facts_.call_events));
    line("",
         absl::StrCat("each system call of the host takes some 50 ns longer for these, and a call "
                      "of bpf(2) 2 us; keys and values of maps, other people's data, are in this "
                      "trace, up to ",
                      facts_.value_bytes, " bytes each"));
  }
  line("enriched", list(facts_.enriched_events));
  if (!facts_.filters.empty()) line("filters", list(facts_.filters));
  line(
      "callchains",
      absl::StrCat(
          facts_.stacks,
          facts_.max_stack > 0 ? absl::StrCat(", up to ", facts_.max_stack, " frames") : "",
          facts_.stack_rate > 0 ? absl::StrCat(", ", facts_.stack_rate, " a second and CPU") : ""));
  if (facts_.snaplen > 0) {
    line("packets kept", absl::StrCat("up to ", facts_.snaplen, " bytes of each that was dropped"));
  }
  if (facts_.max_rate != kForever) {
    line("written whole", absl::StrCat("up to ", facts_.max_rate, " events a second and CPU"));
  }
  line("rings", absl::StrCat(facts_.ring_bytes_per_cpu, " bytes a CPU, and ",
                             facts_.side_band_ring_bytes_per_cpu, " for the side-band"));
  if (!clocks_.empty()) {
    const ClockReading& first = clocks_.front();
    line("clock",
         absl::StrCat("monotonic ", first.monotonic_ns, " ns = ", FormatRfc3339(first.realtime_ns),
                      ", ", clocks_.size(), " readings"));
  }
  line("tables", absl::StrCat(formats_.size(), " event formats, ", programs_.size(), " programs, ",
                              attachments_.size(), " attachments, ", netns_.size(), " namespaces (",
                              heard_.size(), " notified), ", devices_.size(), " devices"));
  if (recordings_ > 1) {
    line("recordings", absl::StrCat(recordings_, ", one behind the other: totals are of all"));
  } else if (facts_.part > 0) {
    line("part", absl::StrCat("file ", facts_.part, " of a recording in several"));
  }
  line("events", FormatCount(events_));
  for (const auto& [event, count] : written_) {
    line("", absl::StrCat(FormatCount(count), " ", event));
  }
  for (const auto& [event, totals] : CountsByEvent()) {
    line("counted",
         absl::StrCat(event, ": ", FormatCount(totals.counted), " = ", FormatCount(totals.written),
                      " written + ", FormatCount(totals.only_counted), " only counted + ",
                      FormatCount(totals.lost), " lost + ", FormatCount(totals.missed), " missed",
                      facts_.filters.empty()
                          ? ""
                          : absl::StrCat(" + ", FormatCount(totals.filtered), " filtered")));
  }
  for (const Loss& loss : losses_) {
    line("lost", absl::StrFormat("%d of %s on CPU %d in %.3f s to %.3f s", loss.count, loss.source,
                                 loss.cpu, static_cast<double>(loss.from_ns) / 1e9,
                                 static_cast<double>(loss.to_ns) / 1e9));
  }
  for (const Note& note : notes_) line("note", note.text);
  if (end_.has_value()) {
    line("ended", absl::StrCat(end_->reason, "; ", end_->out_of_order,
                               " events out of order; the recorder used ",
                               FormatSeconds(end_->cpu_time_ns), " of CPU time"));
  } else {
    line("ended", "the trace has no end: it was cut short");
  }
  return text;
}

Json InfoTables::ToJson() const {
  Json json;
  json["lost"] = absl::StrCat(lost_);
  json["events"] = absl::StrCat(events_);
  Json& host = json["host"];
  host["hostname"] = ValidUtf8(facts_.hostname);
  host["kernel_release"] = ValidUtf8(facts_.kernel_release);
  host["kernel_version"] = ValidUtf8(facts_.kernel_version);
  host["machine"] = ValidUtf8(facts_.machine);
  host["boot_id"] = ValidUtf8(facts_.boot_id);
  host["online_cpus"] = facts_.online_cpus;
  host["memory_bytes"] = absl::StrCat(facts_.memory_bytes);
  json["tool_version"] = ValidUtf8(facts_.tool_version);
  const auto list = [](const std::vector<std::string>& words) {
    Json array = Json::array();
    for (const std::string& word : words) array.push_back(ValidUtf8(word));
    return array;
  };
  json["command_line"] = list(facts_.command_line);
  json["requested_events"] = list(facts_.requested_events);
  json["enabled_events"] = list(facts_.enabled_events);
  json["synthetic_events"] = list(facts_.synthetic_events);
  json["call_events"] = list(facts_.call_events);
  if (!facts_.call_events.empty()) json["value_bytes"] = facts_.value_bytes;
  json["enriched_events"] = list(facts_.enriched_events);
  json["filters"] = list(facts_.filters);
  json["stacks"] = ValidUtf8(facts_.stacks);
  json["max_stack"] = facts_.max_stack;
  json["stack_rate"] = facts_.stack_rate;
  if (facts_.snaplen > 0) json["snaplen"] = facts_.snaplen;
  if (facts_.max_rate != kForever) json["max_rate"] = absl::StrCat(facts_.max_rate);
  json["ring_bytes_per_cpu"] = absl::StrCat(facts_.ring_bytes_per_cpu);
  json["side_band_ring_bytes_per_cpu"] = absl::StrCat(facts_.side_band_ring_bytes_per_cpu);
  json["clocks"] = Json::array();
  for (const ClockReading& clocks : clocks_) {
    Json reading;
    reading["monotonic_ns"] = absl::StrCat(clocks.monotonic_ns);
    reading["realtime_ns"] = absl::StrCat(clocks.realtime_ns);
    reading["boottime_ns"] = absl::StrCat(clocks.boottime_ns);
    json["clocks"].push_back(reading);
  }
  json["recordings"] = recordings_;
  if (facts_.part > 0) json["part"] = facts_.part;
  json["written"] = Json::object();
  for (const auto& [event, count] : written_)
    json["written"][ValidUtf8(event)] = absl::StrCat(count);
  json["counts"] = Json::array();
  for (const auto& [key, counts] : totals_.Counts()) {
    Json entry;
    entry["event"] = ValidUtf8(key.first);
    entry["cpu"] = counts.cpu;
    entry["counted"] = absl::StrCat(counts.counted);
    entry["written"] = absl::StrCat(counts.written);
    entry["only_counted"] = absl::StrCat(counts.only_counted);
    entry["lost"] = absl::StrCat(counts.lost);
    entry["missed"] = absl::StrCat(counts.missed);
    entry["filtered"] = absl::StrCat(counts.filtered);
    json["counts"].push_back(entry);
  }
  json["losses"] = Json::array();
  for (const Loss& loss : losses_) json["losses"].push_back(LossToJson(loss));
  json["loss_spans"] = absl::StrCat(loss_spans_);
  json["programs"] = programs_.size();
  json["attachments"] = attachments_.size();
  json["namespaces"] = netns_.size();
  json["namespaces_notified"] = heard_.size();
  json["devices"] = devices_.size();
  json["notes"] = Json::array();
  for (const Note& note : notes_) json["notes"].push_back(ValidUtf8(note.text));
  if (end_.has_value()) {
    Json& end = json["end"];
    end["reason"] = ValidUtf8(end_->reason);
    end["time_ns"] = absl::StrCat(end_->time_ns);
    end["out_of_order"] = absl::StrCat(end_->out_of_order);
    end["cpu_time_ns"] = absl::StrCat(end_->cpu_time_ns);
  }
  return json;
}

}  // namespace correlate
