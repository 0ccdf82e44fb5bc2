// Several recordings in one stream, on one clock: what comes from another boot (another host, or
// the same one after a restart) is moved along the wall clock onto the first one's CLOCK_MONOTONIC,
// so that times of all can be compared and ordered. As exact as the hosts' wall clocks are.
// A recording without a reading of its clocks is handed on as it is. One thread.
#ifndef SYMBOLIZE_ALIGNED_CLOCKS_H_
#define SYMBOLIZE_ALIGNED_CLOCKS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "symbolize/forwarding_sink.h"

namespace correlate {

class AlignedClocks : public ForwardingSink {
 public:
  explicit AlignedClocks(TraceSink* next) : ForwardingSink({next}) {}

  void OnRecording(const RecordingFacts& facts) override;
  void OnClocks(const ClockReading& clocks) override;
  void OnProgram(const ProgramInfo& program) override;
  void OnMapSnapshot(const MapSnapshot& snapshot) override;
  void OnProgramImage(const ProgramImage& image) override;
  void OnAttachment(const Attachment& attachment) override;
  void OnNetns(const Netns& netns) override;
  void OnDevice(const Device& device) override;
  void OnEvent(const CorrelatedEvent& event) override;
  void OnLoss(const Loss& loss) override;
  void OnKindCount(const KindCount& count) override;
  void OnHostCounters(const HostCounters& counters) override;
  void OnNote(const Note& note) override;
  void OnEnd(const RecordingEnd& end) override;

  // What was added to the times of the recording in hand, nanoseconds.
  int64_t offset_ns() const { return offset_ns_; }

 private:
  uint64_t At(uint64_t time_ns) const;
  template <typename Value, typename... Times>
  Value Moved(Value value, Times Value::*... times) const;
  template <typename Seen>
  Seen MovedSeen(const Seen& seen) const;  // what has from, to and absent

  std::optional<ClockReading> first_;  // of the first recording
  std::string boot_id_;                // of the recording in hand
  std::optional<int64_t> known_;       // the offset of that boot
  int64_t offset_ns_ = 0;
};

}  // namespace correlate

#endif  // SYMBOLIZE_ALIGNED_CLOCKS_H_
