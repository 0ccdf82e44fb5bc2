// What to attach, as plain data: from what the user asked for (-e GROUP:NAME, with globs, and maybe
// with a filter of the kernel's, -e 'GROUP:NAME/drops > 0/') and the
// list of the host's tracepoints to the names of tracepoints, or to an error that names what is
// near. A pure function; nothing here touches the host.
//
// The twelve `bpf:*` tracepoints were removed in Linux 4.18 (commit 4d220ed0f814). They can be
// asked for on any kernel, and bpf:bpf_link_create and bpf:bpf_prog_attach with them: unloads are
// then made from side-band records, the others from calls of bpf(2). Loads are by default made from
// side-band records too, since that costs nothing; asked for, from calls, which also tell those
// that failed.
#ifndef COLLECTOR_EVENT_SPEC_H_
#define COLLECTOR_EVENT_SPEC_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace correlate {

inline constexpr absl::string_view kProgramLoadEvent = "bpf:bpf_prog_load";
inline constexpr absl::string_view kProgramUnloadEvent = "bpf:bpf_prog_put_rcu";

struct EventSelection {
  std::vector<std::string> tracepoints;  // "group:name", each once, in the order asked for
  // Of those that have one: an expression over their fields (Documentation/trace/events.rst, 5.1).
  std::map<std::string, std::string> filters;
  std::vector<std::string> bpf_calls;  // "bpf:bpf_map_create", ...: to be made from bpf(2)
  bool program_loads = false;          // make bpf:bpf_prog_load from side-band records
  bool program_unloads = false;        // make bpf:bpf_prog_put_rcu from side-band records
  std::vector<std::string> notes;      // what was asked for and this host cannot give
};

// `requested` as given with -e, each maybe a list with commas; empty means the defaults.
// A filter for what is no tracepoint, or two for one, are an error.
// `available` is the host's list, "group:name" (Tracefs::ListEvents). A name without a glob that
// does not exist is an error, and so is a glob that matches nothing at all.
absl::StatusOr<EventSelection> SelectEvents(absl::Span<const std::string> requested,
                                            absl::Span<const std::string> available);

}  // namespace correlate

#endif  // COLLECTOR_EVENT_SPEC_H_
