#include "cli/standing_tables.h"

#include "symbolize/attachment_table.h"

namespace correlate {

void StandingTables::OnProgram(const ProgramInfo& program) {
  programs_[{program.id, program.load_time_ns}] = program;
}

void StandingTables::OnAttachment(const Attachment& attachment) {
  attachments_[AttachmentIdentity(attachment)] = attachment;
}

void StandingTables::OnNetns(const Netns& netns) { netns_[{netns.id, netns.from_ns}] = netns; }

void StandingTables::OnDevice(const Device& device) {
  devices_[{{device.netns, device.ifindex}, device.from_ns}] = device;
}

void StandingTables::OnNote(const Note& note) {
  if (!started_) notes_.push_back(note);
}

void StandingTables::Forget(uint64_t before_ns) {
  std::erase_if(programs_,
                [&](const auto& entry) { return entry.second.unload_time_ns < before_ns; });
  const auto ended = [&](const auto& entry) {
    return entry.second.absent_after_ns != 0 && entry.second.absent_after_ns < before_ns;
  };
  std::erase_if(attachments_, ended);
  std::erase_if(netns_, ended);
  std::erase_if(devices_, ended);
}

void StandingTables::TellTo(TraceSink& sink, uint32_t part) const {
  RecordingFacts facts = facts_;
  facts.part = part;
  sink.OnRecording(facts);
  if (clocks_.monotonic_ns != 0) sink.OnClocks(clocks_);
  for (const auto& [id, format] : formats_) sink.OnFormat(format);
  for (const auto& [key, netns] : netns_) sink.OnNetns(netns);
  for (const auto& [key, device] : devices_) sink.OnDevice(device);
  for (const auto& [key, program] : programs_) sink.OnProgram(program);
  for (const auto& [key, attachment] : attachments_) sink.OnAttachment(attachment);
  for (const Note& note : notes_) sink.OnNote(note);
}

}  // namespace correlate
