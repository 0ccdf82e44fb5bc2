#include "symbolize/forwarding_sink.h"

namespace correlate {

void ForwardingSink::OnRecording(const RecordingFacts& facts) {
  All(&TraceSink::OnRecording, facts);
}
void ForwardingSink::OnClocks(const ClockReading& clocks) { All(&TraceSink::OnClocks, clocks); }
void ForwardingSink::OnFormat(const EventFormat& format) { All(&TraceSink::OnFormat, format); }
void ForwardingSink::OnProgram(const ProgramInfo& program) { All(&TraceSink::OnProgram, program); }
void ForwardingSink::OnMap(const MapInfo& map) { All(&TraceSink::OnMap, map); }
void ForwardingSink::OnMapSnapshot(const MapSnapshot& snapshot) {
  All(&TraceSink::OnMapSnapshot, snapshot);
}
void ForwardingSink::OnProgramImage(const ProgramImage& image) {
  All(&TraceSink::OnProgramImage, image);
}
void ForwardingSink::OnBtf(const BtfImage& btf) { All(&TraceSink::OnBtf, btf); }
void ForwardingSink::OnAttachment(const Attachment& attachment) {
  All(&TraceSink::OnAttachment, attachment);
}
void ForwardingSink::OnNetns(const Netns& netns) { All(&TraceSink::OnNetns, netns); }
void ForwardingSink::OnDevice(const Device& device) { All(&TraceSink::OnDevice, device); }
void ForwardingSink::OnEvent(const CorrelatedEvent& event) { All(&TraceSink::OnEvent, event); }
void ForwardingSink::OnLoss(const Loss& loss) { All(&TraceSink::OnLoss, loss); }
void ForwardingSink::OnCounts(const EventCounts& counts) { All(&TraceSink::OnCounts, counts); }
void ForwardingSink::OnKindCount(const KindCount& count) { All(&TraceSink::OnKindCount, count); }
void ForwardingSink::OnXdpActions(const XdpActionCounts& counts) {
  All(&TraceSink::OnXdpActions, counts);
}
void ForwardingSink::OnHostCounters(const HostCounters& counters) {
  All(&TraceSink::OnHostCounters, counters);
}
void ForwardingSink::OnNote(const Note& note) { All(&TraceSink::OnNote, note); }
void ForwardingSink::OnEnd(const RecordingEnd& end) { All(&TraceSink::OnEnd, end); }

bool ForwardingSink::WantsMore() const {
  for (const TraceSink* sink : next_) {
    if (sink->WantsMore()) return true;
  }
  return false;
}

}  // namespace correlate
