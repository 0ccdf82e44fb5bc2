// Any bytes as the record of a call of bpf(2), and the events made of it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "collector/bpf_call_decoder.h"
#include "symbolize/bpf_call_events.h"
#include "tests/fuzz/planted_bug.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static correlate::BpfCallEvents& events = *new correlate::BpfCallEvents(std::vector<std::string>{
      "bpf:bpf_map_create", "bpf:bpf_map_update_elem", "bpf:bpf_map_next_key",
      "bpf:bpf_obj_get_prog", "bpf:bpf_obj_pin_map", "bpf:bpf_link_create"});
  correlate::TracepointSample sample;
  sample.raw = {data, size};
  correlate::BpfCallRecord call;
  if (!correlate::DecodeBpfCall(sample, &call)) return 0;
  if (call.key.size() + call.value.size() > size) abort();
  correlate::PlantedBug(call.changed && call.key.size() > 20);
  events.Make(call, [&](size_t, absl::Span<const uint8_t> raw) {
    if (raw.size() > size + 4096) abort();
  });
  return 0;
}
