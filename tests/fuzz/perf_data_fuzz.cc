// Any bytes as a file of `perf record`.
#include <cstdint>

#include "collector/perf_data_source.h"

namespace {

class NullSink : public correlate::EventSink {
 public:
  void OnRawEvent(const correlate::RawEvent&) override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto source = correlate::PerfDataSource::Parse({reinterpret_cast<const char*>(data), size});
  if (!source.ok()) return 0;
  NullSink sink;
  (void)(*source)->Finish(sink);
  return 0;
}
