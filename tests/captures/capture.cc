#include "tests/captures/capture.h"

#include <zstd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status_macros.h"

namespace correlate {
namespace {

constexpr unsigned long long kMostBytes = 64 << 20;

}  // namespace

absl::StatusOr<std::string> ReadCaptureFile(const std::string& name) {
  ASSIGN_OR_RETURN(std::string bytes, ReadFile("tests/captures/" + name));
  if (!absl::EndsWith(name, ".zst")) return bytes;
  const unsigned long long size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  if (size > kMostBytes) return absl::DataLossError(name + " does not tell a sane size");
  std::string unpacked(size, '\0');
  const size_t got = ZSTD_decompress(unpacked.data(), size, bytes.data(), bytes.size());
  if (ZSTD_isError(got) || got != size) {
    return absl::DataLossError(absl::StrCat(name, " cannot be unpacked"));
  }
  return unpacked;
}

absl::StatusOr<PerfDataImport> ReplayCapture(const std::string& name, TraceSink& sink) {
  ASSIGN_OR_RETURN(const std::string perf_data, ReadCaptureFile(name + ".perf.data.zst"));
  ASSIGN_OR_RETURN(const std::string kallsyms, ReadCaptureFile(name + ".kallsyms"));
  return ImportPerfData(perf_data, kallsyms, sink);
}

}  // namespace correlate
