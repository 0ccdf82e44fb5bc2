// What the values of filters stand for on this host, now: namespaces, and the text of programs.
// Nothing is kept open. Needs the privileges of netns_scanner.h and program_scanner.h.
#ifndef COLLECTOR_FILTER_TARGETS_H_
#define COLLECTOR_FILTER_TARGETS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "collector/event.h"
#include "collector/event_filter_constants.h"

namespace correlate {

// A file in /run/netns, a path (with a slash), or an inode number; a name goes first. NotFound if
// there is none. Its cookie is 0 where it may not be entered.
absl::StatusOr<NetnsId> FindNetns(const std::string& text);

// Puts the text of these programs into `constants`, so that what is freed inside of their calls is
// known by its callchain. NotFound if one is not loaded; in `notes` stands what cannot be told.
absl::Status AddProgramText(absl::Span<const uint32_t> ids, event_filter_constants* constants,
                            std::vector<std::string>* notes);

}  // namespace correlate

#endif  // COLLECTOR_FILTER_TARGETS_H_
