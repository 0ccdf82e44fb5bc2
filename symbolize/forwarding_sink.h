// Hands everything on to other sinks, in turn: a trace is written and counted in one go. What is to
// change something on the way derives from it. Borrows them.
#ifndef SYMBOLIZE_FORWARDING_SINK_H_
#define SYMBOLIZE_FORWARDING_SINK_H_

#include <utility>
#include <vector>

#include "symbolize/trace_sink.h"

namespace correlate {

class ForwardingSink : public TraceSink {
 public:
  explicit ForwardingSink(std::vector<TraceSink*> next) : next_(std::move(next)) {}

  void OnRecording(const RecordingFacts& facts) override;
  void OnClocks(const ClockReading& clocks) override;
  void OnFormat(const EventFormat& format) override;
  void OnProgram(const ProgramInfo& program) override;
  void OnMap(const MapInfo& map) override;
  void OnMapSnapshot(const MapSnapshot& snapshot) override;
  void OnProgramImage(const ProgramImage& image) override;
  void OnBtf(const BtfImage& btf) override;
  void OnAttachment(const Attachment& attachment) override;
  void OnNetns(const Netns& netns) override;
  void OnDevice(const Device& device) override;
  void OnEvent(const CorrelatedEvent& event) override;
  void OnLoss(const Loss& loss) override;
  void OnCounts(const EventCounts& counts) override;
  void OnKindCount(const KindCount& count) override;
  void OnXdpActions(const XdpActionCounts& counts) override;
  void OnHostCounters(const HostCounters& counters) override;
  void OnNote(const Note& note) override;
  void OnEnd(const RecordingEnd& end) override;
  bool WantsMore() const override;  // while one of them does

 private:
  template <typename Value>
  void All(void (TraceSink::*method)(const Value&), const Value& value) {
    for (TraceSink* sink : next_) (sink->*method)(value);
  }

  const std::vector<TraceSink*> next_;
};

}  // namespace correlate

#endif  // SYMBOLIZE_FORWARDING_SINK_H_
