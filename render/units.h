// Sizes and times as people write them on a command line, and as people read them.
#ifndef RENDER_UNITS_H_
#define RENDER_UNITS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace correlate {

// "64M", "512K", "8MiB", "1048576": bytes; K, M, G are powers of 1024, as for perf and dd.
absl::StatusOr<uint64_t> ParseBytes(absl::string_view text);
// "60", "60s", "500ms", "10m", "1h30m": nanoseconds; a number alone is seconds.
absl::StatusOr<uint64_t> ParseDuration(absl::string_view text);

std::string FormatSeconds(uint64_t ns);       // "6.41 s"
std::string FormatMegabytes(uint64_t bytes);  // "7.10 MB", of 10^6 bytes
std::string FormatCount(uint64_t count);      // "1,204"

}  // namespace correlate

#endif  // RENDER_UNITS_H_
