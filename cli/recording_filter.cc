#include "cli/recording_filter.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "collector/bpf_loading.h"
#include "collector/enricher.h"
#include "collector/filter_targets.h"

namespace correlate {
namespace {

// InvalidArgument unless each event has a companion program, which alone can do what is asked for.
absl::Status WantCompanions(const std::string& asked, const std::vector<std::string>& events,
                            absl::string_view what_it_does, absl::string_view instead) {
  for (const std::string& event : events) {
    if (Enricher::Knows(event)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        asked, " cannot hold for ", event, ": only ", kDropEvent, " and ", kExceptionEvent,
        " have a companion BPF program that ", what_it_does, "; ", instead));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status FitToLimit(const std::string& option, const EventSelection& selection) {
  return WantCompanions(option, selection.tracepoints, "can leave some out",
                        "record others without it");
}

absl::Status FitToFilter(const EventFilterText& text, EventSelection* selection) {
  if (text.empty()) return absl::OkStatus();
  const std::string asked = absl::StrJoin(text.ToStrings(), " ");
  std::vector<std::string>& events = selection->tracepoints;
  RETURN_IF_ERROR(WantCompanions(asked, events, "filters", "record others without a filter"));
  const std::vector<std::string> of_packets = text.PacketOptions();
  const auto exception = std::find(events.begin(), events.end(), kExceptionEvent);
  if (!of_packets.empty() && exception != events.end()) {
    events.erase(exception);
    selection->notes.push_back(absl::StrCat("XDP exceptions are not recorded: ", kExceptionEvent,
                                            " tells of no packet and no drop reason, so ",
                                            absl::StrJoin(of_packets, ", "),
                                            " cannot hold for it"));
  }
  if (events.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        asked, " leaves nothing to record: ",
        selection->notes.empty() ? absl::StrCat("it is for ", kDropEvent, " and ", kExceptionEvent)
                                 : selection->notes.back()));
  }
  if (selection->program_loads || selection->program_unloads) {
    selection->notes.emplace_back(
        "filters are for drops and XDP exceptions: loads and unloads of programs are all recorded");
  }
  return absl::OkStatus();
}

absl::StatusOr<event_filter_constants> ResolveFilter(const EventFilter& filter,
                                                     absl::Span<const EventFormat> formats,
                                                     std::vector<std::string>* notes) {
  event_filter_constants constants = ToConstants(filter);
  for (const std::string& reason : filter.reasons) {
    const auto format = std::find_if(formats.begin(), formats.end(), [](const EventFormat& each) {
      return each.FullName() == kDropEvent;
    });
    if (format == formats.end()) return absl::InternalError("a drop reason, but no drops");
    ASSIGN_OR_RETURN(constants.reason[constants.reasons++], DropReasonNumber(reason, *format));
  }
  for (const std::string& netns : filter.netns) {
    ASSIGN_OR_RETURN(const NetnsId id, FindNetns(netns));
    constants.netns[constants.netns_count++] = {id.cookie, static_cast<uint32_t>(id.inode), 0};
  }
  RETURN_IF_ERROR(AddProgramText(filter.programs, &constants, notes));
  return constants;
}

}  // namespace correlate
