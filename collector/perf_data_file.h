// A file of `perf record` as it lies on disk, in file mode and in pipe mode: which events it holds
// and where its parts are. Layout: tools/perf/Documentation/perf.data-file-format.txt. Files may
// come from anywhere, and from machines of the other byte order: every offset and size is checked,
// and an unusable file is an error that says why.
#ifndef COLLECTOR_PERF_DATA_FILE_H_
#define COLLECTOR_PERF_DATA_FILE_H_

#include <linux/perf_event.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace correlate {

// Takes values off the front of bytes that may be of the other byte order.
class PerfDataReader {
 public:
  PerfDataReader(absl::string_view bytes, bool foreign) : rest_(bytes), foreign_(foreign) {}

  // Nothing where the bytes end before.
  template <typename Integer>
  std::optional<Integer> Take() {
    Integer value;
    if (rest_.size() < sizeof value) return std::nullopt;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return foreign_ ? Swapped(value) : value;
  }
  std::optional<absl::string_view> TakeBytes(uint64_t size);
  std::optional<absl::string_view> TakeText();  // up to a NUL, which is taken too
  // A block that its own size precedes.
  template <typename Size>
  std::optional<absl::string_view> TakeBlock() {
    const auto size = Take<Size>();
    return size.has_value() ? TakeBytes(*size) : std::nullopt;
  }
  absl::string_view rest() const { return rest_; }
  bool foreign() const { return foreign_; }

  template <typename Integer>
  static Integer Swapped(Integer value) {
    if constexpr (sizeof value == 8) {
      return static_cast<Integer>(__builtin_bswap64(static_cast<uint64_t>(value)));
    } else if constexpr (sizeof value == 4) {
      return static_cast<Integer>(__builtin_bswap32(static_cast<uint32_t>(value)));
    } else if constexpr (sizeof value == 2) {
      return static_cast<Integer>(__builtin_bswap16(static_cast<uint16_t>(value)));
    } else {
      return value;
    }
  }

 private:
  absl::string_view rest_;
  const bool foreign_;
};

// Bits of the header (tools/perf/util/header.h, enum of HEADER_*).
enum class PerfDataFeature {
  kTracingData = 1,
  kHostname = 3,
  kOsRelease = 4,
  kVersion = 5,
  kArch = 6,
  kCpus = 7,
  kMemory = 10,
  kCommandLine = 11,
  kClockId = 23,
  kBpfPrograms = 25,
  kBpfBtf = 26,
  kClocks = 29,
};

// Records that perf itself adds (tools/perf/util/event.h); they have no sample_id.
inline constexpr uint32_t kPerfUserRecord = 64;
inline constexpr uint32_t kPerfAttrRecord = 64;
inline constexpr uint32_t kPerfTracingDataRecord = 66;
inline constexpr uint32_t kPerfFinishedRoundRecord = 68;
inline constexpr uint32_t kPerfFeatureRecord = 80;
inline constexpr uint32_t kPerfCompressedRecord = 81;
inline constexpr uint32_t kPerfCompressed2Record = 83;

struct PerfDataEvent {
  uint32_t type = 0;  // perf_event_attr
  uint64_t config = 0;
  uint64_t sample_type = 0;
  bool sample_id_all = false;
  bool uses_clock_id = false;
  int32_t clock_id = 0;
  std::vector<uint64_t> ids;
};

struct PerfDataFile {
  // `bytes` is the whole file and borrowed, as are the parts.
  static absl::StatusOr<PerfDataFile> Parse(absl::string_view bytes);

  bool foreign = false;  // of the other byte order
  std::vector<PerfDataEvent> events;
  std::map<PerfDataFeature, absl::string_view> features;
  absl::string_view records;
};

absl::Status DamagedPerfData(absl::string_view what);

}  // namespace correlate

#endif  // COLLECTOR_PERF_DATA_FILE_H_
