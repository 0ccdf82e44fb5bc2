// A tracepoint's format, as its `format` file in tracefs or a trace tells it, through
// libtraceevent: which fields the raw bytes hold, what their numbers are called on the recording
// host, and the one-line text that the kernel's own `print fmt` makes of them.
#ifndef COLLECTOR_TRACEPOINT_FORMAT_H_
#define COLLECTOR_TRACEPOINT_FORMAT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collector/event.h"

namespace correlate {

// `text` is the format file. Fields come even where libtraceevent cannot make sense of the print
// fmt; then `names`, `is_code` and `print` are empty. The id is left to the caller.
absl::StatusOr<EventFormat> ParseEventFormat(absl::string_view system, absl::string_view text);

}  // namespace correlate

#endif  // COLLECTOR_TRACEPOINT_FORMAT_H_
