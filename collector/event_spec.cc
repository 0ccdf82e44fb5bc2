#include "collector/event_spec.h"

#include <fnmatch.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "collector/edit_distance.h"

namespace correlate {
namespace {

// include/trace/events/bpf.h as of Linux 4.17, and two that no kernel had.
constexpr absl::string_view kBpfEvents[] = {
    "bpf_map_create",   "bpf_map_update_elem", "bpf_map_lookup_elem", "bpf_map_delete_elem",
    "bpf_map_next_key", "bpf_obj_pin_map",     "bpf_obj_pin_prog",    "bpf_obj_get_map",
    "bpf_obj_get_prog", "bpf_prog_load",       "bpf_prog_get_type",   "bpf_prog_put_rcu",
    "bpf_link_create",  "bpf_prog_attach",
};
constexpr absl::string_view kWhyClassicEventsAreMissing =
    "the kernel removed the tracepoints bpf:* in 4.18";

constexpr size_t kNearMatchesShown = 4;

bool IsGlob(absl::string_view text) { return text.find_first_of("*?[\\") != text.npos; }

bool Matches(const std::string& pattern, absl::string_view text) {
  return fnmatch(pattern.c_str(), std::string(text).c_str(), 0) == 0;
}

// The same name in another group first, then what differs by few letters, nearest first.
std::vector<std::string> NearMatches(absl::string_view group, absl::string_view name,
                                     absl::Span<const std::string> available) {
  const std::string wanted = absl::StrCat(group, ":", name);
  const size_t limit = std::max<size_t>(2, wanted.size() / 4);
  std::vector<std::pair<size_t, std::string>> near;
  for (const std::string& event : available) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(event, absl::MaxSplits(':', 1));
    if (!name.empty() && parts.second == name) {
      near.emplace_back(0, event);
      continue;
    }
    // The length alone says at least so many letters: spares most of a list of thousands.
    const size_t longer = std::max(event.size(), wanted.size());
    if (longer - std::min(event.size(), wanted.size()) > limit) continue;
    const size_t distance = EditDistance(wanted, event);
    if (distance <= limit) near.emplace_back(distance, event);
  }
  std::sort(near.begin(), near.end());
  if (near.size() > kNearMatchesShown) near.resize(kNearMatchesShown);
  std::vector<std::string> names;
  names.reserve(near.size());
  for (auto& [distance, event] : near) names.push_back(std::move(event));
  return names;
}

absl::Status NoSuchEvent(absl::string_view spec, absl::string_view group, absl::string_view name,
                         absl::Span<const std::string> available) {
  std::string message = absl::StrCat("event '", spec, "': this host has no such tracepoint");
  const std::vector<std::string> near = NearMatches(group, name, available);
  if (!near.empty()) {
    absl::StrAppend(&message, "; did you mean ", absl::StrJoin(near, " or "), "?");
  } else {
    absl::StrAppend(&message, "; `ls /sys/kernel/tracing/events` lists those it has");
  }
  return absl::NotFoundError(message);
}

class Selector {
 public:
  explicit Selector(absl::Span<const std::string> available)
      : available_(available), names_(available.begin(), available.end()) {}

  absl::Status Add(absl::string_view spec);
  void AddDefaults();
  EventSelection Finish() &&;

 private:
  absl::Status AddUnfiltered(absl::string_view spec);
  absl::Status AddOne(absl::string_view spec, absl::string_view group, absl::string_view name);
  absl::Status AddGlob(absl::string_view spec, const std::string& group, const std::string& name);
  void AddTracepoint(const std::string& event);
  bool AddSynthetic(absl::string_view event);
  bool Exists(absl::string_view event) const { return names_.contains(event); }

  absl::Span<const std::string> available_;
  absl::flat_hash_set<absl::string_view> names_;
  absl::flat_hash_set<std::string> added_;
  std::vector<std::string> missing_classics_;  // asked for by a glob
  EventSelection selection_;
};

void Selector::AddTracepoint(const std::string& event) {
  if (added_.insert(event).second) selection_.tracepoints.push_back(event);
}

bool Selector::AddSynthetic(absl::string_view event) {
  if (event == kProgramUnloadEvent) {
    selection_.program_unloads = true;
  } else if (Exists("syscalls:sys_enter_bpf") && Exists("syscalls:sys_exit_bpf")) {
    if (added_.emplace(event).second) selection_.bpf_calls.emplace_back(event);
  } else if (event == kProgramLoadEvent) {
    selection_.program_loads = true;
  } else {
    return false;
  }
  return true;
}

absl::Status Selector::AddOne(absl::string_view spec, absl::string_view group,
                              absl::string_view name) {
  const std::string event = absl::StrCat(group, ":", name);
  if (Exists(event)) {
    AddTracepoint(event);
    return absl::OkStatus();
  }
  if (group == "bpf" &&
      std::find(std::begin(kBpfEvents), std::end(kBpfEvents), name) != std::end(kBpfEvents)) {
    if (AddSynthetic(event)) return absl::OkStatus();
    return absl::NotFoundError(absl::StrCat(
        "event '", spec, "': this host lacks it (", kWhyClassicEventsAreMissing,
        ", and it cannot be made without syscalls:sys_enter_bpf, of CONFIG_FTRACE_SYSCALLS); of "
        "bpf:* only ",
        kProgramLoadEvent, " and ", kProgramUnloadEvent, " can be had here"));
  }
  return NoSuchEvent(spec, group, name, available_);
}

absl::Status Selector::AddGlob(absl::string_view spec, const std::string& group,
                               const std::string& name) {
  bool any = false;
  for (const std::string& event : available_) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(event, absl::MaxSplits(':', 1));
    if (!Matches(group, parts.first) || !Matches(name, parts.second)) continue;
    AddTracepoint(event);
    any = true;
  }
  std::vector<std::string> missing;
  if (Matches(group, "bpf")) {
    for (const absl::string_view classic : kBpfEvents) {
      const std::string event = absl::StrCat("bpf:", classic);
      if (!Matches(name, classic) || Exists(event)) continue;
      if (AddSynthetic(event)) {
        any = true;
      } else {
        missing.push_back(event);
      }
    }
  }
  if (any) {
    missing_classics_.insert(missing_classics_.end(), missing.begin(), missing.end());
    return absl::OkStatus();
  }
  if (!missing.empty()) {
    return absl::NotFoundError(absl::StrCat("event '", spec, "': this host lacks ",
                                            absl::StrJoin(missing, ", "), " (",
                                            kWhyClassicEventsAreMissing, ")"));
  }
  return NoSuchEvent(spec, group, name, available_);
}

// Everything that it adds has the filter: so nothing that was added before, and no calls of bpf(2).
absl::Status Selector::Add(absl::string_view spec) {
  const size_t slash = spec.find('/');
  if (slash == absl::string_view::npos) return AddUnfiltered(spec);
  const absl::string_view filter = spec.substr(slash + 1);
  if (filter.size() < 2 || filter.back() != '/') {
    return absl::InvalidArgumentError(absl::StrCat(
        "event '", spec, "': a filter is like 'xdp:xdp_bulk_tx/drops > 0/', between two slashes"));
  }
  const size_t before = selection_.tracepoints.size();
  const size_t calls_before = selection_.bpf_calls.size();
  RETURN_IF_ERROR(AddUnfiltered(spec.substr(0, slash)));
  if (selection_.tracepoints.size() == before || selection_.bpf_calls.size() != calls_before) {
    return absl::InvalidArgumentError(absl::StrCat(
        "event '", spec, "': a filter is for tracepoints that are not asked for twice"));
  }
  for (size_t i = before; i < selection_.tracepoints.size(); ++i) {
    selection_.filters[selection_.tracepoints[i]] =
        std::string(filter.substr(0, filter.size() - 1));
  }
  return absl::OkStatus();
}

absl::Status Selector::AddUnfiltered(absl::string_view spec) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(spec, absl::MaxSplits(':', 1));
  const auto& [group, name] = parts;
  if (group.empty() || name.empty()) {
    std::string message =
        absl::StrCat("event '", spec, "': expected GROUP:NAME, like skb:kfree_skb");
    const std::vector<std::string> near = NearMatches("", group.empty() ? name : group, available_);
    if (!near.empty()) {
      absl::StrAppend(&message, "; did you mean ", absl::StrJoin(near, " or "), "?");
    }
    return absl::InvalidArgumentError(message);
  }
  if (IsGlob(spec)) return AddGlob(spec, std::string(group), std::string(name));
  return AddOne(spec, group, name);
}

void Selector::AddDefaults() {
  for (const char* event : {"skb:kfree_skb", "xdp:xdp_exception"}) {
    if (Exists(event)) {
      AddTracepoint(event);
    } else {
      selection_.notes.push_back(absl::StrCat("this host has no tracepoint ", event,
                                              ": what it would tell is not in this recording"));
    }
  }
  // These cost nothing.
  for (const auto& [event, made] :
       {std::pair(kProgramLoadEvent, &EventSelection::program_loads),
        std::pair(kProgramUnloadEvent, &EventSelection::program_unloads)}) {
    if (Exists(event)) {
      AddTracepoint(std::string(event));
    } else {
      selection_.*made = true;
    }
  }
}

EventSelection Selector::Finish() && {
  std::vector<std::string> missing;
  for (std::string& event : missing_classics_) {
    if (std::find(missing.begin(), missing.end(), event) == missing.end()) {
      missing.push_back(std::move(event));
    }
  }
  if (!missing.empty()) {
    std::vector<absl::string_view> made;
    if (selection_.program_loads) made.push_back(kProgramLoadEvent);
    if (selection_.program_unloads) made.push_back(kProgramUnloadEvent);
    std::string note =
        absl::StrCat("this host lacks ", missing.size(), " of the tracepoints asked for (",
                     kWhyClassicEventsAreMissing, "): ", absl::StrJoin(missing, ", "));
    if (!made.empty()) {
      absl::StrAppend(&note, "; made from side-band records instead: ", absl::StrJoin(made, ", "));
    }
    selection_.notes.push_back(std::move(note));
  }
  return std::move(selection_);
}

}  // namespace

absl::StatusOr<EventSelection> SelectEvents(absl::Span<const std::string> requested,
                                            absl::Span<const std::string> available) {
  Selector selector(available);
  if (requested.empty()) {
    selector.AddDefaults();
  }
  for (const std::string& list : requested) {
    for (const absl::string_view spec : absl::StrSplit(list, ',')) {
      RETURN_IF_ERROR(selector.Add(absl::StripAsciiWhitespace(spec)));
    }
  }
  return std::move(selector).Finish();
}

}  // namespace correlate
