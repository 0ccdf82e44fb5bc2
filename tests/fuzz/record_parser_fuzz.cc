// Any bytes as one record of a perf ring, under the layouts that this tool opens and under others.
#include <linux/perf_event.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "collector/record_parser.h"
#include "tests/fuzz/planted_bug.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static correlate::ParsedRecord parsed;
  if (size < sizeof(uint32_t) + 1) return 0;
  const uint32_t sample_type =
      data[0] | data[1] << 8 | data[2] << 16 | static_cast<uint32_t>(data[3]) << 24;
  const correlate::RecordLayout layout = {.sample_type = sample_type,
                                          .sample_id_all = (data[4] & 1) != 0};
  std::vector<uint8_t> record(data + 5, data + size);
  // Else hardly an input that grows would get past the header.
  perf_event_header header;
  if ((data[4] & 2) != 0 && record.size() >= sizeof header) {
    std::memcpy(&header, record.data(), sizeof header);
    header.size = static_cast<uint16_t>(record.size());
    std::memcpy(record.data(), &header, sizeof header);
  }
  correlate::RecordTime(record, layout);
  if (correlate::ParseRecord(record, layout, &parsed) == correlate::RecordKind::kSample) {
    // What the parser hands out must lie within the record: AddressSanitizer sees every byte read.
    volatile uint64_t sum = 0;
    for (const uint8_t byte : parsed.sample.raw) sum = sum + byte;
    for (const uint64_t address : parsed.sample.callchain) sum = sum + address;
    correlate::PlantedBug(parsed.sample.callchain.size() > 16 && parsed.sample.raw.size() > 64);
  }
  return 0;
}
