#include "cli/parted_output.h"

#include <utility>

namespace correlate {

void PartedOutput::EndFile(TraceWriter& file, const PartTotals::Part& part,
                           const RecordingEnd& so_far, const std::string& reason, uint64_t now_ns) {
  totals_.Tell(part, now_ns, file);
  RecordingEnd end = part.End();
  end.time_ns = now_ns;
  end.reason = reason;
  end.out_of_order = so_far.out_of_order - std::exchange(told_.out_of_order, so_far.out_of_order);
  end.cpu_time_ns = so_far.cpu_time_ns - std::exchange(told_.cpu_time_ns, so_far.cpu_time_ns);
  file.OnEnd(end);
}

void PartedOutput::OnRecording(const RecordingFacts& facts) {
  tables_.OnRecording(facts);
  RecordingFacts first = facts;
  first.part = 1;
  stream_->OnRecording(first);
}

void PartedOutput::OnClocks(const ClockReading& clocks) {
  tables_.OnClocks(clocks);
  stream_->OnClocks(clocks);
}

void PartedOutput::OnFormat(const EventFormat& format) {
  tables_.OnFormat(format);
  totals_.OnFormat(format);
  stream_->OnFormat(format);
}

void PartedOutput::OnProgram(const ProgramInfo& program) {
  tables_.OnProgram(program);
  stream_->OnProgram(program);
}

void PartedOutput::OnMap(const MapInfo& map) {
  tables_.OnMap(map);
  stream_->OnMap(map);
}

void PartedOutput::OnMapSnapshot(const MapSnapshot& snapshot) { stream_->OnMapSnapshot(snapshot); }

void PartedOutput::OnProgramImage(const ProgramImage& image) {
  tables_.OnProgramImage(image);
  stream_->OnProgramImage(image);
}

void PartedOutput::OnBtf(const BtfImage& btf) {
  tables_.OnBtf(btf);
  stream_->OnBtf(btf);
}

void PartedOutput::OnAttachment(const Attachment& attachment) {
  tables_.OnAttachment(attachment);
  stream_->OnAttachment(attachment);
}

void PartedOutput::OnNetns(const Netns& netns) {
  tables_.OnNetns(netns);
  stream_->OnNetns(netns);
}

void PartedOutput::OnDevice(const Device& device) {
  tables_.OnDevice(device);
  stream_->OnDevice(device);
}

void PartedOutput::OnHostCounters(const HostCounters& counters) {
  tables_.OnHostCounters(counters);
  stream_->OnHostCounters(counters);
}

void PartedOutput::OnEvent(const CorrelatedEvent& event) {
  tables_.OnEvent(event);
  totals_.OnEvent(event);
  stream_->OnEvent(event);
}

void PartedOutput::OnLoss(const Loss& loss) {
  totals_.OnLoss(loss);
  stream_->OnLoss(loss);
}

void PartedOutput::OnCounts(const EventCounts& counts) {
  tables_.OnCounts(counts);
  totals_.OnCounts(counts);
}

void PartedOutput::OnNote(const Note& note) {
  tables_.OnNote(note);
  stream_->OnNote(note);
}

}  // namespace correlate
