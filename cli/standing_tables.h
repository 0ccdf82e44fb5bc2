// What has been told of a recording besides its events, for a file that begins in the middle of it:
// the host, formats, programs, namespaces, devices, attachments. One thread.
#ifndef CLI_STANDING_TABLES_H_
#define CLI_STANDING_TABLES_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "symbolize/trace_sink.h"

namespace correlate {

class StandingTables : public TraceSink {
 public:
  void OnRecording(const RecordingFacts& facts) override { facts_ = facts; }
  void OnClocks(const ClockReading& clocks) override { clocks_ = clocks; }
  void OnFormat(const EventFormat& format) override { formats_[format.id] = format; }
  void OnProgram(const ProgramInfo& program) override;
  void OnMap(const MapInfo& map) override { maps_[map.id] = map; }
  void OnProgramImage(const ProgramImage& image) override;
  void OnBtf(const BtfImage& btf) override { btf_[btf.id] = btf; }
  void OnAttachment(const Attachment& attachment) override;
  void OnNetns(const Netns& netns) override;
  void OnDevice(const Device& device) override;
  void OnHostCounters(const HostCounters& counters) override;
  // Those of the start, which say what is missing on this host, hold for every file.
  void OnNote(const Note& note) override;
  void OnCounts(const EventCounts&) override { started_ = true; }
  void OnEvent(const CorrelatedEvent&) override { started_ = true; }

  // Forgets what ended before then: call it now and then, and memory grows with what there is.
  void Forget(uint64_t before_ns);
  // `part`: number of the file, see RecordingFacts.
  void TellTo(TraceSink& sink, uint32_t part) const;
  const std::map<uint32_t, EventFormat>& formats() const { return formats_; }

 private:
  RecordingFacts facts_;
  ClockReading clocks_;
  std::map<uint32_t, EventFormat> formats_;
  std::map<std::pair<uint32_t, uint64_t>, ProgramInfo> programs_;  // by id and load time
  std::map<std::pair<uint32_t, uint64_t>, ProgramImage> images_;   // likewise
  std::map<uint32_t, MapInfo> maps_;
  std::map<uint32_t, BtfImage> btf_;
  std::map<std::string, Attachment> attachments_;        // by AttachmentIdentity
  std::map<std::pair<NetnsId, uint64_t>, Netns> netns_;  // by id and from_ns
  std::map<std::pair<std::pair<NetnsId, uint32_t>, uint64_t>, Device> devices_;
  std::map<std::tuple<std::string, NetnsId, uint32_t, std::string>, HostCounters> host_counters_;
  std::vector<Note> notes_;
  bool started_ = false;
};

}  // namespace correlate

#endif  // CLI_STANDING_TABLES_H_
