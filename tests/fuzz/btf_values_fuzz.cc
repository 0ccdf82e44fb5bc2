// Any bytes as BTF, and any as a value of its types: never a crash, nothing read beyond the value.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "cli/btf_values.h"
#include "tests/fuzz/planted_bug.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t value_bytes = std::min<size_t>(data[0], size - 1);
  const std::string value(reinterpret_cast<const char*>(data) + 1, value_bytes);
  const std::string types(reinterpret_cast<const char*>(data) + 1 + value_bytes,
                          size - 1 - value_bytes);
  const auto parsed = correlate::BtfValues::Parse(types);
  if (!parsed.ok()) return 0;
  size_t printed = 0;
  for (uint32_t type = 0; type < 16 && printed < size_t{1} << 20; ++type) {
    const std::string text = (*parsed)->Format(type, value).dump();
    printed += text.size();
    correlate::PlantedBug(text.size() > 300);
  }
  return 0;
}
