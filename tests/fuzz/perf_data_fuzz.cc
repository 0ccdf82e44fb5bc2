// Any bytes as a file of `perf record` on their way to a trace: its formats and BPF programs too.
#include <cstdint>

#include "cli/perf_data_import.h"
#include "tests/fuzz/perf_data_mutator.h"
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

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static correlate::KnownFormats known;  // a process for each input would be most of its time
  if (known.size() > 10'000) known.clear();
  Losses losses;
  (void)correlate::ImportPerfData({reinterpret_cast<const char*>(data), size},
                                  "ffffffff81000000 T _text\n", losses, &known);
  return 0;
}
