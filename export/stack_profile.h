// Events counted by their call stack and a few labels: what flame graphs and profiles are made of.
// Stacks are paths in a tree, so that those that share their outer frames share its nodes: memory
// grows by a few words with each distinct frame under its callers. Frames carry names, never
// addresses. One thread.
#ifndef EXPORT_STACK_PROFILE_H_
#define EXPORT_STACK_PROFILE_H_

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/numbered.h"
#include "query/event_view.h"
#include "report/event_memo.h"
#include "symbolize/trace_sink.h"

namespace correlate {

class StackProfile : public TraceSink {
 public:
  struct Frame {
    std::string name;  // valid UTF-8
    std::string file;  // empty: unknown
    uint32_t line = 0;
    FrameKind kind = FrameKind::kUnknown;
    friend bool operator==(const Frame&, const Frame&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const Frame& f) {
      return H::combine(std::move(h), f.name, f.file, f.line, f.kind);
    }
  };
  // As tables show them (event_view.h); "unknown" and "none" too.
  struct Labels {
    std::string event;
    std::string reason;
    std::string program;
    std::string device;
    std::string evidence;
    auto Tie() const { return std::tie(event, reason, program, device, evidence); }
    friend bool operator==(const Labels& a, const Labels& b) { return a.Tie() == b.Tie(); }
    template <typename H>
    friend H AbslHashValue(H h, const Labels& l) {
      return H::combine(std::move(h), l.event, l.reason, l.program, l.device, l.evidence);
    }
  };
  static constexpr uint32_t kNoStack = 0;
  struct Sample {
    uint32_t stack = kNoStack;  // see FramesOf; kNoStack: no callchain was taken
    uint32_t labels = 0;        // place in labels()
    uint64_t events = 0;
  };

  StackProfile();
  void OnRecording(const RecordingFacts& facts) override { view_.OnRecording(facts); }
  void OnClocks(const ClockReading& clocks) override { view_.OnClocks(clocks); }
  void OnFormat(const EventFormat&) override { memo_.OnFormat(); }
  void OnNetns(const Netns& netns) override { view_.OnNetns(netns); }
  void OnEvent(const CorrelatedEvent& event) override;

  const std::vector<Frame>& frames() const { return frames_.values(); }
  const std::vector<Labels>& labels() const { return labels_.values(); }
  // In the order in which they came.
  const std::vector<Sample>& samples() const { return samples_; }
  // Places in frames(), leaf first; valid until the next call.
  const std::vector<uint32_t>& FramesOf(uint32_t stack) const;
  const EventView& view() const { return view_; }

 private:
  // A frame under its callers; the node at 0 is the root, of no frame.
  struct Node {
    uint32_t caller = 0;
    uint32_t frame = 0;
  };
  uint32_t FrameNumber(const correlate::Frame& frame);
  uint32_t StackNumber(const Stack* stack);
  size_t SampleOf(const CorrelatedEvent& event);

  EventView view_;
  EventMemo memo_;  // places in samples_
  EventLabels label_texts_;
  Numbered<Frame> frames_;
  absl::flat_hash_map<uint64_t, uint32_t> frame_numbers_;  // by id; emptied before it grows large
  std::vector<Node> nodes_ = {{}};
  absl::flat_hash_map<std::pair<uint32_t, uint32_t>, uint32_t>
      node_numbers_;  // by caller and frame
  Numbered<Labels> labels_;
  std::vector<Sample> samples_;
  absl::flat_hash_map<std::pair<uint32_t, uint32_t>, size_t> sample_numbers_;
  mutable std::vector<uint32_t> path_;  // of FramesOf
};

}  // namespace correlate

#endif  // EXPORT_STACK_PROFILE_H_
