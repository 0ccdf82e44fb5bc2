// Hands everything on to two sinks: a trace is written and counted in one go. Borrows both.
#ifndef CLI_TEE_SINK_H_
#define CLI_TEE_SINK_H_

#include "symbolize/trace_sink.h"

namespace correlate {

class TeeSink : public TraceSink {
 public:
  TeeSink(TraceSink* first, TraceSink* second) : first_(first), second_(second) {}

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
  void OnNote(const Note& note) override;
  void OnEnd(const RecordingEnd& end) override;
  bool WantsMore() const override { return first_->WantsMore() || second_->WantsMore(); }

 private:
  template <typename Value>
  void Both(void (TraceSink::*method)(const Value&), const Value& value) {
    (first_->*method)(value);
    (second_->*method)(value);
  }

  TraceSink* const first_;
  TraceSink* const second_;
};

}  // namespace correlate

#endif  // CLI_TEE_SINK_H_
