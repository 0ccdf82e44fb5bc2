#include "collector/bpf_call_kinds.h"

#include <linux/bpf.h>

#include <algorithm>

#include "collector/bpf_call_record.h"

namespace correlate {
namespace {

struct Origin {
  absl::string_view event;
  std::vector<uint32_t> commands;
  std::vector<uint32_t> kinds;  // bpf_call_kind; empty: as the commands
};

const std::vector<Origin>& Origins() {
  static const auto& origins = *new std::vector<Origin>({
      {"bpf:bpf_map_create", {BPF_MAP_CREATE}, {}},
      {"bpf:bpf_map_lookup_elem", {BPF_MAP_LOOKUP_ELEM}, {}},
      {"bpf:bpf_map_update_elem", {BPF_MAP_UPDATE_ELEM}, {}},
      {"bpf:bpf_map_delete_elem", {BPF_MAP_DELETE_ELEM}, {}},
      {"bpf:bpf_map_next_key", {BPF_MAP_GET_NEXT_KEY}, {}},
      {"bpf:bpf_prog_load", {BPF_PROG_LOAD}, {}},
      {"bpf:bpf_obj_pin_map", {BPF_OBJ_PIN}, {}},
      {"bpf:bpf_obj_pin_prog", {BPF_OBJ_PIN}, {CALL_PINS_PROGRAM}},
      {"bpf:bpf_obj_get_map", {BPF_OBJ_GET}, {}},
      {"bpf:bpf_obj_get_prog", {BPF_OBJ_GET}, {CALL_OPENS_PROGRAM}},
      {"bpf:bpf_prog_get_type", {BPF_PROG_ATTACH, BPF_LINK_CREATE}, {}},
      {"bpf:bpf_prog_attach", {BPF_PROG_ATTACH}, {}},
      {"bpf:bpf_link_create", {BPF_LINK_CREATE}, {}},
  });
  return origins;
}

}  // namespace

uint32_t BpfCommandsOf(absl::Span<const std::string> events) {
  uint32_t commands = 0;
  for (const Origin& origin : Origins()) {
    if (std::find(events.begin(), events.end(), origin.event) == events.end()) continue;
    for (const uint32_t command : origin.commands) commands |= 1u << command;
  }
  return commands;
}

std::vector<uint32_t> BpfCallKindsOf(absl::string_view event) {
  for (const Origin& origin : Origins()) {
    if (origin.event == event) return origin.kinds.empty() ? origin.commands : origin.kinds;
  }
  return {};
}

}  // namespace correlate
