// Captures of `perf record` in this folder (see `make`), replayed through the pipeline behind the
// rings: without root, on any machine, always the same.
#ifndef TESTS_CAPTURES_CAPTURE_H_
#define TESTS_CAPTURES_CAPTURE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/perf_data_import.h"
#include "symbolize/trace_sink.h"

namespace correlate {

// A file of this folder, unpacked if its name ends in .zst.
absl::StatusOr<std::string> ReadCaptureFile(const std::string& name);

// As `import` does.
absl::StatusOr<PerfDataImport> ReplayCapture(const std::string& name, TraceSink& sink);

}  // namespace correlate

#endif  // TESTS_CAPTURES_CAPTURE_H_
