// What a file of `perf record` tells besides its records: the host, formats of tracepoints, BPF
// programs (tools/perf/util/header.c, bpf-event.c). Pure functions on foreign bytes. What is
// damaged is left out: nothing of it is needed to count events, but for the formats.
#ifndef COLLECTOR_PERF_DATA_FEATURES_H_
#define COLLECTOR_PERF_DATA_FEATURES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collector/event.h"
#include "collector/perf_data_file.h"
#include "collector/program_image.h"

namespace correlate {

struct PerfDataHost {
  std::string hostname;
  std::string kernel_release;
  std::string machine;
  std::string perf_version;
  uint32_t online_cpus = 0;
  uint64_t memory_bytes = 0;
  std::vector<std::string> command_line;
  // Where `perf record -k` tied its clock to the wall clock.
  std::optional<ClockReading> clocks;
};
PerfDataHost ParsePerfDataHost(const PerfDataFile& file);

// A tracepoint's format as the file holds it.
struct PerfDataFormat {
  uint64_t tracepoint_id = 0;  // perf_event_attr.config
  std::string system;
  std::string text;
};
absl::StatusOr<std::vector<PerfDataFormat>> ParsePerfDataFormats(absl::string_view tracing_data);

// Programs that were loaded when the recording began or while it ran. Empty for a file of the other
// byte order, whose structures perf does not tell apart either.
struct PerfDataPrograms {
  std::vector<ProgramInfo> programs;
  std::vector<BtfImage> btf;
};
PerfDataPrograms ParsePerfDataPrograms(const PerfDataFile& file);

}  // namespace correlate

#endif  // COLLECTOR_PERF_DATA_FEATURES_H_
