// What a recording is asked to do: the options of `record`, `alert`, `top` and `demo` that concern
// the recording itself.
#ifndef CLI_RECORDING_OPTIONS_H_
#define CLI_RECORDING_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/code_recorder.h"
#include "collector/enricher.h"
#include "collector/event_filter.h"
#include "collector/perf_source.h"

namespace correlate {

struct RecordingOptions {
  std::vector<std::string> events;  // as given with -e; empty: the defaults
  PerfSourceSpec::Callchains callchains = PerfSourceSpec::Callchains::kAdaptive;
  uint32_t max_stack = 64;
  std::vector<std::string> snapshot_maps;  // ids or names
  using Images = CodeRecorder::Images;
  Images images = Images::kNamed;  // of which programs the code is kept
  uint32_t value_bytes = 64;       // of keys and values of maps, in calls of bpf(2)
  uint32_t snaplen = 0;            // bytes of each dropped packet to keep
  uint32_t stack_rate = 2000;      // kAdaptive: callchains a second and CPU
  // Drops and XDP exceptions a second and CPU that are written whole; kNone: all.
  uint32_t max_rate = Enricher::Limits::kNone;
  bool others_without_limit = false;  // else it is an error to ask for other events with max_rate
  size_t ring_bytes = 0;              // a CPU; 0: see PerfSourceSpec
  enum class Attribution { kAuto, kVerdict, kOff };
  Attribution attribution = Attribution::kAuto;
  double max_cpu = 0;           // share of the host's CPU time that all this may take; 0: any
  bool enrich = true;           // with the companion BPF programs, where the host allows them
  EventFilterText filter_text;  // what is to be recorded; empty: everything
  EventFilter filter;           // the same, parsed
};

}  // namespace correlate

#endif  // CLI_RECORDING_OPTIONS_H_
