#include "cli/standing_tables.h"

#include <set>

#include "symbolize/attachment_table.h"

namespace correlate {

void StandingTables::OnProgram(const ProgramInfo& program) {
  programs_[{program.id, program.load_time_ns}] = program;
}

void StandingTables::OnProgramImage(const ProgramImage& image) {
  images_[{image.program_id, image.load_time_ns}] = image;
}

void StandingTables::OnAttachment(const Attachment& attachment) {
  attachments_[AttachmentIdentity(attachment)] = attachment;
}

void StandingTables::OnNetns(const Netns& netns) { netns_[{netns.id, netns.from_ns}] = netns; }

void StandingTables::OnDevice(const Device& device) {
  devices_[{{device.netns, device.ifindex}, device.from_ns}] = device;
}

void StandingTables::OnHostCounters(const HostCounters& counters) {
  host_counters_[{counters.source, counters.netns, counters.ifindex, counters.label}] = counters;
}

void StandingTables::OnNote(const Note& note) {
  if (!started_) notes_.push_back(note);
}

void StandingTables::Forget(uint64_t before_ns) {
  std::erase_if(programs_,
                [&](const auto& entry) { return entry.second.unload_time_ns < before_ns; });
  std::erase_if(images_, [&](const auto& entry) { return !programs_.contains(entry.first); });
  // Of maps and types no end is known: those that a program still has are kept.
  std::set<uint32_t> maps;
  std::set<uint32_t> types;
  for (const auto& [key, program] : programs_) {
    maps.insert(program.map_ids.begin(), program.map_ids.end());
    types.insert(program.btf_id);
  }
  std::erase_if(maps_, [&](const auto& entry) { return !maps.contains(entry.first); });
  std::erase_if(btf_, [&](const auto& entry) { return !types.contains(entry.first); });
  const auto ended = [&](const auto& entry) {
    return entry.second.absent_after_ns != 0 && entry.second.absent_after_ns < before_ns;
  };
  std::erase_if(attachments_, ended);
  std::erase_if(netns_, ended);
  std::erase_if(devices_, ended);
  std::set<NetnsId> standing;
  for (const auto& [key, netns] : netns_) standing.insert(netns.id);
  std::erase_if(host_counters_, [&](const auto& entry) {
    return entry.second.netns.inode != 0 && !standing.contains(entry.second.netns);
  });
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
  for (const auto& [id, map] : maps_) sink.OnMap(map);
  for (const auto& [key, image] : images_) sink.OnProgramImage(image);
  for (const auto& [id, btf] : btf_) sink.OnBtf(btf);
  for (const auto& [key, attachment] : attachments_) sink.OnAttachment(attachment);
  for (const auto& [key, counters] : host_counters_) sink.OnHostCounters(counters);
  for (const Note& note : notes_) sink.OnNote(note);
}

}  // namespace correlate
