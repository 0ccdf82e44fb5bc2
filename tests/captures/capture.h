// Captures of `perf record` in this folder (see `make`), replayed through the pipeline behind the
// rings: without root, on any machine, always the same.
#ifndef TESTS_CAPTURES_CAPTURE_H_
#define TESTS_CAPTURES_CAPTURE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "symbolize/trace_sink.h"

namespace correlate {

// A file of this folder, unpacked if its name ends in .zst.
absl::StatusOr<std::string> ReadCaptureFile(const std::string& name);

struct ReplaySummary {
  uint64_t events = 0;
  uint64_t malformed = 0;     // records that made no sense
  uint64_t out_of_order = 0;  // events that could not be put in order
};

// Hands `sink` what a recording on the captured host would have: formats, programs as side-band
// records tell them, events, an end. Attachments are not in a capture.
absl::StatusOr<ReplaySummary> ReplayCapture(const std::string& name, TraceSink& sink);

}  // namespace correlate

#endif  // TESTS_CAPTURES_CAPTURE_H_
