// A recording of `perf record` as one of ours: what it holds goes through the same correlator. What
// perf does not record is unknown: attachments, devices, packets.
#ifndef CLI_PERF_DATA_IMPORT_H_
#define CLI_PERF_DATA_IMPORT_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/foreign_formats.h"
#include "symbolize/trace_sink.h"

namespace correlate {

struct PerfDataImport {
  uint64_t events = 0;
  uint64_t lost = 0;
  uint64_t malformed = 0;        // records that made no sense
  uint64_t out_of_order = 0;     // events that could not be put in order
  uint64_t foreign_samples = 0;  // of events that are no tracepoints: left out
  bool kernel_symbols = false;   // kernel addresses have names
  absl::Status damage;           // OK: the file was whole; else what is before was imported
};

// `perf_data` is the whole file. `kallsyms`: /proc/kallsyms of the recording host at that boot;
// where it is another boot's (the kernel's text is elsewhere) it is not used, as a note in the
// trace says. `known`: see ParseForeignFormats. Error: nothing can be imported.
absl::StatusOr<PerfDataImport> ImportPerfData(absl::string_view perf_data,
                                              absl::string_view kallsyms, TraceSink& sink,
                                              KnownFormats* known = nullptr);

}  // namespace correlate

#endif  // CLI_PERF_DATA_IMPORT_H_
