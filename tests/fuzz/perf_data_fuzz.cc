// Any bytes as a file of `perf record` on their way to a trace: its formats and BPF programs too.
#include <cstdint>
#include <cstring>
#include <vector>

#include "absl/strings/string_view.h"
#include "cli/perf_data_import.h"
#include "tests/fuzz/planted_bug.h"

// libtraceevent forgets some bytes of a format that it refuses.
extern "C" const char* __lsan_default_suppressions() { return "leak:libtraceevent"; }

namespace {

class Losses : public correlate::TraceSink {
 public:
  void OnLoss(const correlate::Loss& loss) override {
    correlate::PlantedBug(loss.count > uint64_t{1} << 40);
  }
};

}  // namespace

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

// Most of such a file is formats' text, and a text that is new costs a process: for the most part
// only what stands before it changes, which is the records, or what stands behind it, where it is.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t formats = text.find("name: ");
  const size_t behind = text.find('\n', text.rfind("print fmt: "));
  if (seed % 16 == 0 || formats == text.npos || behind == text.npos) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  const size_t begin = seed % 2 == 0 ? 0 : behind;
  const size_t bytes = seed % 2 == 0 ? formats : size - behind;
  std::vector<uint8_t> part(data + begin, data + begin + bytes);
  const size_t changed = LLVMFuzzerMutate(part.data(), bytes, bytes);
  std::memcpy(data + begin, part.data(), changed);
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static correlate::KnownFormats known;  // a process for each input would be most of its time
  if (known.size() > 10'000) known.clear();
  Losses losses;
  (void)correlate::ImportPerfData({reinterpret_cast<const char*>(data), size},
                                  "ffffffff81000000 T _text\n", losses, &known);
  return 0;
}
