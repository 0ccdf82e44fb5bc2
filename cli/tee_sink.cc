#include "cli/tee_sink.h"

namespace correlate {

void TeeSink::OnRecording(const RecordingFacts& facts) { Both(&TraceSink::OnRecording, facts); }
void TeeSink::OnClocks(const ClockReading& clocks) { Both(&TraceSink::OnClocks, clocks); }
void TeeSink::OnFormat(const EventFormat& format) { Both(&TraceSink::OnFormat, format); }
void TeeSink::OnProgram(const ProgramInfo& program) { Both(&TraceSink::OnProgram, program); }
void TeeSink::OnMap(const MapInfo& map) { Both(&TraceSink::OnMap, map); }
void TeeSink::OnMapSnapshot(const MapSnapshot& snapshot) {
  Both(&TraceSink::OnMapSnapshot, snapshot);
}
void TeeSink::OnProgramImage(const ProgramImage& image) { Both(&TraceSink::OnProgramImage, image); }
void TeeSink::OnBtf(const BtfImage& btf) { Both(&TraceSink::OnBtf, btf); }
void TeeSink::OnAttachment(const Attachment& attachment) {
  Both(&TraceSink::OnAttachment, attachment);
}
void TeeSink::OnNetns(const Netns& netns) { Both(&TraceSink::OnNetns, netns); }
void TeeSink::OnDevice(const Device& device) { Both(&TraceSink::OnDevice, device); }
void TeeSink::OnEvent(const CorrelatedEvent& event) { Both(&TraceSink::OnEvent, event); }
void TeeSink::OnLoss(const Loss& loss) { Both(&TraceSink::OnLoss, loss); }
void TeeSink::OnCounts(const EventCounts& counts) { Both(&TraceSink::OnCounts, counts); }
void TeeSink::OnKindCount(const KindCount& count) { Both(&TraceSink::OnKindCount, count); }
void TeeSink::OnXdpActions(const XdpActionCounts& counts) {
  Both(&TraceSink::OnXdpActions, counts);
}
void TeeSink::OnNote(const Note& note) { Both(&TraceSink::OnNote, note); }
void TeeSink::OnEnd(const RecordingEnd& end) { Both(&TraceSink::OnEnd, end); }

}  // namespace correlate
