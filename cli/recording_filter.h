// Filters against a recording's events: whether they can hold for what is selected, and what they
// mean on this host. One that cannot hold is refused, never ignored.
#ifndef CLI_RECORDING_FILTER_H_
#define CLI_RECORDING_FILTER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "collector/event_filter.h"
#include "collector/event_filter_constants.h"
#include "collector/event_spec.h"

namespace correlate {

// InvalidArgument where an event has no companion program, which alone can filter. Takes XDP
// exceptions out where a packet is asked for, since they tell of none: recorded in part, they would
// make the packet of one that is missing look like an XDP_DROP. What is left out, and what is not
// filtered, is added to the selection's notes. Pure.
absl::Status FitToFilter(const EventFilterText& text, EventSelection* selection);

// InvalidArgument where an event has no companion program, which alone can leave some out. Pure.
absl::Status FitToLimit(const std::string& option, const EventSelection& selection);

// Looks up what the values mean: reasons in skb:kfree_skb's format (where `formats` has it),
// namespaces and programs on this host.
absl::StatusOr<event_filter_constants> ResolveFilter(const EventFilter& filter,
                                                     absl::Span<const EventFormat> formats,
                                                     std::vector<std::string>* notes);

}  // namespace correlate

#endif  // CLI_RECORDING_FILTER_H_
