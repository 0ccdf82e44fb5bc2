// Programs that were loaded, unloaded, attached and detached while a host was recorded: what may
// have led to what. Memory grows with the changes, up to a bound: the latest are kept. One thread.
#ifndef REPORT_HOST_CHANGES_H_
#define REPORT_HOST_CHANGES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "symbolize/trace_sink.h"

namespace correlate {

class HostChanges : public TraceSink {
 public:
  // Attachments are seen by looks: what they tell happened at that time or shortly before.
  struct Change {
    uint64_t time_ns = 0;
    std::string what;  // "loaded", "unloaded", "attached", "detached"
    uint32_t program_id = 0;
    std::string program;   // name; empty: unknown
    std::string where;     // of attachments
    bool ours = false;     // a program of the recorder
    bool passing = false;  // it was gone within a second, and nobody saw it attached
  };
  explicit HostChanges(size_t most = SIZE_MAX) : most_(most) {}

  void OnClocks(const ClockReading& clocks) override;
  void OnProgram(const ProgramInfo& program) override;
  void OnAttachment(const Attachment& attachment) override;

  // In order of time; all, or those of a time, both ends included.
  std::vector<Change> Changes(uint64_t from_ns = 0, uint64_t to_ns = kForever) const;
  // Without programs of the recorder, and those that passed: libraries load such ones to try what
  // the kernel can.
  std::vector<Change> Telling(uint64_t from_ns, uint64_t to_ns) const;

 private:
  void Add(const std::string& identity, Change change);

  const size_t most_;
  uint64_t start_ns_ = 0;  // programs loaded before are no change
  std::map<std::pair<uint64_t, std::string>, Change> changes_;  // by time and identity
  // By id; of as many of the latest.
  struct Program {
    std::string name;
    bool ours = false;
    bool attached = false;  // at some time
    bool passed = false;    // gone within a second
  };
  std::map<uint32_t, Program> programs_;
};

}  // namespace correlate

#endif  // REPORT_HOST_CHANGES_H_
