#include "symbolize/aligned_clocks.h"

namespace correlate {

uint64_t AlignedClocks::At(uint64_t time_ns) const {
  // 0 and kForever stand for "none".
  if (time_ns == 0 || time_ns == kForever) return time_ns;
  const auto moved = static_cast<int64_t>(time_ns) + offset_ns_;
  return moved <= 0 ? 1 : static_cast<uint64_t>(moved);
}

template <typename Value, typename... Times>
Value AlignedClocks::Moved(Value value, Times Value::*... times) const {
  ((value.*times = At(value.*times)), ...);
  return value;
}

template <typename Seen>
Seen AlignedClocks::MovedSeen(const Seen& seen) const {
  return Moved(seen, &Seen::from_ns, &Seen::to_ns, &Seen::absent_before_ns, &Seen::absent_after_ns);
}

void AlignedClocks::OnRecording(const RecordingFacts& facts) {
  if (facts.boot_id.empty() || facts.boot_id != boot_id_) {
    boot_id_ = facts.boot_id;
    known_.reset();
    offset_ns_ = 0;
  }
  ForwardingSink::OnRecording(facts);
}

void AlignedClocks::OnClocks(const ClockReading& clocks) {
  if (!first_.has_value()) {
    first_ = clocks;
    known_ = 0;
  }
  if (!known_.has_value()) {
    const auto base = [](const ClockReading& reading) {
      return static_cast<int64_t>(reading.realtime_ns) - static_cast<int64_t>(reading.monotonic_ns);
    };
    known_ = offset_ns_ = base(clocks) - base(*first_);
  }
  ForwardingSink::OnClocks(Moved(clocks, &ClockReading::monotonic_ns));
}

void AlignedClocks::OnProgram(const ProgramInfo& program) {
  ForwardingSink::OnProgram(
      Moved(program, &ProgramInfo::load_time_ns, &ProgramInfo::unload_time_ns));
}

void AlignedClocks::OnMapSnapshot(const MapSnapshot& snapshot) {
  if (offset_ns_ == 0) return ForwardingSink::OnMapSnapshot(snapshot);  // they are large
  ForwardingSink::OnMapSnapshot(Moved(snapshot, &MapSnapshot::time_ns));
}

void AlignedClocks::OnProgramImage(const ProgramImage& image) {
  if (offset_ns_ == 0) return ForwardingSink::OnProgramImage(image);  // likewise
  ForwardingSink::OnProgramImage(Moved(image, &ProgramImage::load_time_ns));
}

void AlignedClocks::OnAttachment(const Attachment& attachment) {
  ForwardingSink::OnAttachment(MovedSeen(attachment));
}
void AlignedClocks::OnNetns(const Netns& netns) { ForwardingSink::OnNetns(MovedSeen(netns)); }
void AlignedClocks::OnDevice(const Device& device) { ForwardingSink::OnDevice(MovedSeen(device)); }

void AlignedClocks::OnEvent(const CorrelatedEvent& event) {
  if (offset_ns_ == 0) return ForwardingSink::OnEvent(event);  // they are many
  ForwardingSink::OnEvent(Moved(event, &CorrelatedEvent::time_ns));
}

void AlignedClocks::OnLoss(const Loss& loss) {
  ForwardingSink::OnLoss(Moved(loss, &Loss::from_ns, &Loss::to_ns));
}
void AlignedClocks::OnKindCount(const KindCount& count) {
  ForwardingSink::OnKindCount(Moved(count, &KindCount::time_ns));
}
void AlignedClocks::OnHostCounters(const HostCounters& counters) {
  ForwardingSink::OnHostCounters(Moved(counters, &HostCounters::time_ns));
}
void AlignedClocks::OnNote(const Note& note) {
  ForwardingSink::OnNote(Moved(note, &Note::time_ns));
}
void AlignedClocks::OnEnd(const RecordingEnd& end) {
  ForwardingSink::OnEnd(Moved(end, &RecordingEnd::time_ns));
}

}  // namespace correlate
