// Any text as a filter, and what comes of it on a recording with hostile names.
#include <cstdint>
#include <string_view>

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
