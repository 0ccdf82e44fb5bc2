// Events of a trace by what a page shows of them, and when they happened: from these it counts
// again for any part of the time and any filter. Memory is bounded: distinct combinations up to
// kMostFacts with their callchains, up to twice as many without; the rest is one fact that says so.
// Steps of time get longer until they are at most kMostBuckets. One thread.
#ifndef REPORT_PAGE_FACTS_H_
#define REPORT_PAGE_FACTS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/numbered.h"
#include "query/selection.h"
#include "report/event_memo.h"
#include "symbolize/trace_sink.h"

namespace correlate {

class PageFacts : public TraceSink {
 public:
  static constexpr size_t kMostFacts = 4000;
  static constexpr size_t kMostBuckets = 600;
  static constexpr size_t kMostPairs = 200'000;  // of all facts together, once finished

  static constexpr int32_t kNoStack = -1;     // no callchain was taken
  static constexpr int32_t kOtherStack = -2;  // one of those for which there was no room

  struct Fact {
    std::vector<uint32_t> labels;                        // for each dimension its place in labels()
    int32_t stack = kNoStack;                            // place in stacks()
    std::vector<std::pair<uint32_t, uint64_t>> buckets;  // and events in it, in order of time
  };
  struct FrameName {
    std::string name;
    FrameKind kind = FrameKind::kUnknown;
    friend bool operator==(const FrameName&, const FrameName&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const FrameName& f) {
      return H::combine(std::move(h), f.name, f.kind);
    }
  };

  explicit PageFacts(Selection selection);

  void OnRecording(const RecordingFacts& facts) override { view_.OnRecording(facts); }
  void OnClocks(const ClockReading& clocks) override;
  void OnFormat(const EventFormat&) override { memo_.OnFormat(); }
  void OnNetns(const Netns& netns) override { view_.OnNetns(netns); }
  void OnEvent(const CorrelatedEvent& event) override;

  // Call once, after the trace.
  void Finish();

  static const std::vector<std::string>& dimensions();
  // Of a dimension, by its place in dimensions().
  const std::vector<std::string>& labels(size_t dimension) const {
    return label_values_[dimension].values();
  }
  const std::vector<FrameName>& frames() const { return frames_.values(); }
  const std::vector<std::vector<uint32_t>>& stacks() const {
    return stacks_.values();
  }  // outermost first
  const std::vector<Fact>& facts() const { return facts_; }
  uint64_t start_ns() const { return start_ns_; }
  uint64_t step_ns() const { return step_ns_; }
  size_t buckets() const { return buckets_; }
  uint64_t events() const { return events_; }

 private:
  size_t FactOf(const CorrelatedEvent& event);
  int32_t StackOf(const Stack* stack);
  void Widen();

  const Selection selection_;
  EventView view_;
  EventLabels label_texts_;
  EventMemo memo_;  // places in facts_
  uint64_t start_ns_ = 0;
  uint64_t step_ns_ = 1'000'000;
  size_t buckets_ = 0;
  uint64_t events_ = 0;
  std::vector<Numbered<std::string>> label_values_;  // by dimension
  Numbered<FrameName> frames_;
  Numbered<std::vector<uint32_t>> stacks_;
  std::vector<Fact> facts_;
  absl::flat_hash_map<std::pair<std::vector<uint32_t>, int32_t>, size_t> fact_numbers_;
};

}  // namespace correlate

#endif  // REPORT_PAGE_FACTS_H_
