#include "report/surroundings.h"

#include <fnmatch.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "render/text.h"
#include "render/units.h"

namespace correlate {
namespace {

// The window moves in so many steps.
constexpr uint64_t kSteps = 20;
constexpr size_t kNamesShown = 3;

uint64_t At(const std::vector<uint64_t>& counts, size_t i) {
  return i < counts.size() ? counts[i] : 0;
}

std::vector<uint64_t> Difference(const std::vector<uint64_t>& later,
                                 const std::vector<uint64_t>& earlier) {
  std::vector<uint64_t> difference(later.size());
  for (size_t i = 0; i < later.size(); ++i) difference[i] = later[i] - At(earlier, i);
  return difference;
}

}  // namespace

Surroundings::Surroundings(std::string event, uint64_t window_ns)
    : event_(std::move(event)), window_ns_(std::max<uint64_t>(window_ns, kSteps)) {}

void Surroundings::OnProgram(const ProgramInfo& program) {
  if (!program.loader_cgroup.empty()) loaders_[program.id] = program.loader_cgroup;
}

bool Surroundings::IsAskedFor(const EventFormat& format) {
  const auto [known, is_new] = asked_for_.try_emplace(&format);
  if (is_new) known->second = fnmatch(event_.c_str(), format.FullName().c_str(), 0) == 0;
  return known->second;
}

// Of who dropped it, or of the reason where nobody is known.
size_t Surroundings::NumberOf(const CorrelatedEvent& event) {
  const Attribution& attribution = *event.attribution;
  const bool nobody = attribution.programs.empty();
  if (!nobody) {
    const auto known = by_attribution_.find(attribution.id);
    if (known != by_attribution_.end()) return known->second;
  }
  std::string name;
  if (nobody) {
    name =
        absl::StrCat("no program, ", FieldText(event, "reason").value_or(event.format->FullName()));
  } else {
    name = absl::StrJoin(
        attribution.programs, " or ", [](std::string* out, const BlamedProgram& program) {
          absl::StrAppend(out, program.name.empty() ? "?" : program.name, " #", program.id);
        });
    absl::StrAppend(&name, " (", EvidenceName(attribution.evidence), ")");
  }
  const auto [number, is_new] = by_name_.try_emplace(name, names_.size());
  if (is_new) names_.push_back(name);
  if (!nobody) by_attribution_[attribution.id] = number->second;
  return number->second;
}

Surroundings::Counts Surroundings::CountsAt(uint64_t time_ns) const {
  // The last one that was noted by then; before the first one nothing had happened.
  const auto later =
      std::upper_bound(history_.begin(), history_.end(), time_ns,
                       [](uint64_t time, const auto& noted) { return time < noted.first; });
  return later == history_.begin() ? Counts() : std::prev(later)->second;
}

// Before an event of then is counted. What is noted is as of the last one: there may be a long gap
// between them.
void Surroundings::NoteTime(uint64_t time_ns) {
  const uint64_t counted_ns = std::exchange(last_ns_, time_ns);
  if (!history_.empty() && time_ns < history_.back().first + window_ns_ / kSteps) return;
  history_.emplace_back(counted_ns, counts_);
  while (history_.size() > 2 && history_[1].first + window_ns_ < time_ns) history_.pop_front();
}

void Surroundings::Settle(uint64_t time_ns) {
  for (size_t i = first_open_; i < changes_.size(); ++i) {
    Change& change = changes_[i];
    if (change.settled || time_ns - change.last_ns < window_ns_) continue;
    change.after = Difference(counts_, change.at_last);
    change.at_last = Counts();
    change.settled = true;
  }
  while (first_open_ < changes_.size() && changes_[first_open_].settled) ++first_open_;
}

void Surroundings::Add(const CorrelatedEvent& event) {
  std::string name = event.format->FullName();
  // The same of one process again and again is one change that goes on.
  for (size_t i = changes_.size(); i > first_open_; --i) {
    Change& change = changes_[i - 1];
    if (change.settled || change.pid != event.pid || change.event != name) continue;
    ++change.times;
    change.last_ns = event.time_ns;
    change.at_last = counts_;
    return;
  }
  if (changes_.size() == kMostChanges) {
    ++not_kept_;
    return;
  }
  Change& change = changes_.emplace_back();
  change.first_ns = change.last_ns = event.time_ns;
  change.times = 1;
  change.pid = event.pid;
  change.comm = std::string(event.comm);
  change.cgroup = FieldText(event, "cgroup").value_or("");
  if (change.cgroup.empty() && name == "bpf:bpf_prog_load") {
    uint32_t id = 0;
    const auto loader = absl::SimpleAtoi(FieldText(event, "id").value_or(""), &id)
                            ? loaders_.find(id)
                            : loaders_.end();
    if (loader != loaders_.end()) change.cgroup = loader->second;
  }
  change.event = std::move(name);
  change.text = texts_.Of(event);
  change.at_last = counts_;
  const uint64_t begin = event.time_ns - std::min(event.time_ns, window_ns_);
  change.before = Difference(counts_, CountsAt(begin));
}

void Surroundings::OnEvent(const CorrelatedEvent& event) {
  Settle(event.time_ns);
  NoteTime(event.time_ns);
  if (IsAskedFor(*event.format)) Add(event);
  if (event.attribution == nullptr || event.attribution->follows_exception) return;
  if (event.format->system == "bpf_trace") return;
  const size_t number = NumberOf(event);
  if (number >= counts_.size()) counts_.resize(number + 1);
  ++counts_[number];
}

void Surroundings::Finish() { Settle(kForever); }

std::string Surroundings::Text() const {
  std::string text = absl::StrCat(
      "AROUND ", Printable(event_), ": packets dropped in ", FormatSeconds(window_ns_),
      " before and after each, of those written whole; what comes after need not come of it\n");
  if (changes_.empty()) return absl::StrCat(text, "no such event in this trace\n");
  for (const Change& change : changes_) {
    const auto realtime_ns = clock_.RealtimeNs(change.first_ns);
    absl::StrAppend(&text,
                    realtime_ns.has_value()
                        ? FormatRfc3339(*realtime_ns).substr(11, 12)
                        : absl::StrFormat("%.3f", static_cast<double>(change.first_ns) / 1e9),
                    "  ", change.comm.empty() ? "process" : Printable(change.comm), " ", change.pid,
                    change.cgroup.empty() ? "" : absl::StrCat(" of ", Printable(change.cgroup)),
                    "  ", Printable(change.event), ": ", Printable(change.text));
    if (change.times > 1) {
      absl::StrAppend(&text, "  and ", FormatCount(change.times - 1), " more within ",
                      FormatSeconds(change.last_ns - change.first_ns));
    }
    text += '\n';
    std::vector<size_t> order;
    for (size_t i = 0; i < names_.size(); ++i) {
      if (At(change.before, i) + At(change.after, i) > 0) order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      const auto moved = [&](size_t i) {
        const uint64_t before = At(change.before, i);
        const uint64_t after = At(change.after, i);
        return before > after ? before - after : after - before;
      };
      return moved(a) > moved(b);
    });
    for (size_t i = 0; i < std::min(order.size(), kNamesShown); ++i) {
      absl::StrAppend(&text, "    ", FormatCount(At(change.before, order[i])), " -> ",
                      FormatCount(At(change.after, order[i])), "  ", Printable(names_[order[i]]),
                      "\n");
    }
    if (order.size() > kNamesShown) {
      absl::StrAppend(&text, "    and ", order.size() - kNamesShown, " others\n");
    }
    if (order.empty()) text += "    nothing was dropped\n";
  }
  if (not_kept_ > 0) absl::StrAppend(&text, FormatCount(not_kept_), " more are not listed\n");
  return text;
}

Json Surroundings::ToJson() const {
  Json json;
  json["event"] = ValidUtf8(event_);
  json["window_ns"] = absl::StrCat(window_ns_);
  json["not_listed"] = absl::StrCat(not_kept_);
  json["changes"] = Json::array();
  for (const Change& change : changes_) {
    Json entry;
    entry["time_ns"] = absl::StrCat(change.first_ns);
    if (const auto realtime_ns = clock_.RealtimeNs(change.first_ns)) {
      entry["time"] = FormatRfc3339(*realtime_ns);
    }
    entry["last_ns"] = absl::StrCat(change.last_ns);
    entry["times"] = absl::StrCat(change.times);
    entry["event"] = ValidUtf8(change.event);
    entry["pid"] = change.pid;
    if (!change.comm.empty()) entry["comm"] = ValidUtf8(change.comm);
    if (!change.cgroup.empty()) entry["cgroup"] = ValidUtf8(change.cgroup);
    entry["text"] = ValidUtf8(change.text);
    entry["drops"] = Json::array();
    for (size_t i = 0; i < names_.size(); ++i) {
      const uint64_t before = At(change.before, i);
      const uint64_t after = At(change.after, i);
      if (before + after == 0) continue;
      entry["drops"].push_back({{"culprit", ValidUtf8(names_[i])},
                                {"before", absl::StrCat(before)},
                                {"after", absl::StrCat(after)}});
    }
    json["changes"].push_back(std::move(entry));
  }
  return json;
}

}  // namespace correlate
