// Any text as a filter, and what comes of it on a recording with hostile names.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "query/filter.h"
#include "tests/fakes/recording.h"
#include "tests/fuzz/planted_bug.h"

namespace {

class Filtered : public correlate::EventView {
 public:
  explicit Filtered(correlate::Filter filter) : filter_(std::move(filter)) {}
  void OnEvent(const correlate::CorrelatedEvent& event) override {
    EventView::OnEvent(event);
    (void)filter_.Matches(*this);
  }

 private:
  const correlate::Filter filter_;
};

}  // namespace

// Two filters as one, so that good ones grow deeper.
extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1,
                                            const uint8_t* data2, size_t size2, uint8_t* out,
                                            size_t max_size, unsigned int seed) {
  const absl::string_view a(reinterpret_cast<const char*>(data1), size1);
  const absl::string_view b(reinterpret_cast<const char*>(data2), size2);
  const std::string both =
      absl::StrCat("(", a, seed % 2 == 0 ? ") && (" : ") || ", b, seed % 2 == 0 ? ")" : "");
  const size_t size = std::min(both.size(), max_size);
  std::memcpy(out, both.data(), size);
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto filter = correlate::Filter::Parse({reinterpret_cast<const char*>(data), size});
  if (!filter.ok()) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  correlate::PlantedBug(text.find("((") != text.npos && text.find("||") != text.npos &&
                        text.find(" in ") != text.npos);
  Filtered filtered(*filter);
  correlate::FeedTestRecording(filtered);
  return 0;
}
