// A sink that writes down all that it is told, one line a call, so that two ways to the same sink
// can be compared. Numbers that only a producer gives meaning to (ids of stacks, frames, looks) are
// left out.
#ifndef TESTS_FAKES_TRANSCRIPT_H_
#define TESTS_FAKES_TRANSCRIPT_H_

#include <string>
#include <vector>

#include "symbolize/trace_sink.h"

namespace correlate {

class Transcript : public TraceSink {
 public:
  const std::vector<std::string>& lines() const { return lines_; }
  size_t events() const { return events_; }

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
  void OnXdpActions(const XdpActionCounts& counts) override;
  void OnHostCounters(const HostCounters& counters) override;
  void OnNote(const Note& note) override;
  void OnEnd(const RecordingEnd& end) override;

 private:
  std::vector<std::string> lines_;
  size_t events_ = 0;
};

}  // namespace correlate

#endif  // TESTS_FAKES_TRANSCRIPT_H_
