// Of which calls of bpf(2) the events bpf:* are made. Pure functions of names.
#ifndef COLLECTOR_BPF_CALL_KINDS_H_
#define COLLECTOR_BPF_CALL_KINDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace correlate {

// The commands (1 << enum bpf_cmd) that make these events.
uint32_t BpfCommandsOf(absl::Span<const std::string> events);
// What calls that make this event are counted as: bpf_call_kind() of bpf_call_record.h.
std::vector<uint32_t> BpfCallKindsOf(absl::string_view event);

}  // namespace correlate

#endif  // COLLECTOR_BPF_CALL_KINDS_H_
