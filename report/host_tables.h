// What a trace tells of its host: programs, attachments, devices, and what changed among them
// during the recording. Memory grows with distinct ones. One thread.
#ifndef REPORT_HOST_TABLES_H_
#define REPORT_HOST_TABLES_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "report/host_changes.h"
#include "report/kind_source.h"
#include "symbolize/trace_sink.h"

namespace correlate {

class HostTables : public TraceSink {
 public:
  void OnClocks(const ClockReading& clocks) override { changes_.OnClocks(clocks); }
  void OnAttachment(const Attachment& attachment) override;
  void OnProgram(const ProgramInfo& program) override;
  void OnDevice(const Device& device) override { devices_.Add(device); }

  // Where the program was attached during the recording, as the tables tell.
  std::vector<Attachment> AttachmentsOf(uint32_t program_id) const;
  // As of the latest program of that id; empty: unknown.
  std::string ProgramName(uint32_t id) const;
  const DeviceNames& devices() const { return devices_; }

  // What was attached where a drop reason points to: who it may have been, where no event tells.
  struct Suspect {
    std::string program;  // name; empty: unknown
    Attachment attachment;
  };
  std::vector<Suspect> SuspectsOf(absl::string_view reason) const;

  const HostChanges& changes() const { return changes_; }

 private:
  std::map<uint32_t, std::string> program_names_;  // by id, the latest
  // The latest of each place, by program and device: there are many of either.
  std::map<std::tuple<uint32_t, NetnsId, uint32_t>, std::vector<Attachment>> attachments_;
  HostChanges changes_;
  DeviceNames devices_;
};

}  // namespace correlate

#endif  // REPORT_HOST_TABLES_H_
