// Any text as a JIT log: never a crash, and what it says it read was there.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "disassembly/jit_log.h"
#include "tests/fuzz/planted_bug.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const correlate::JitLog log = correlate::ParseJitLog({reinterpret_cast<const char*>(data), size});
  correlate::PlantedBug(log.images.size() > 2 && log.images[1].code.size() > 8);
  for (const correlate::JitLogImage& image : log.images) {
    if (image.code.size() > image.bytes || image.code.size() > size) abort();
    if (!image.whole() && log.errors.empty()) abort();
  }
  return 0;
}
