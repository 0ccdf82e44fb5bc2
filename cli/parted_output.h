// What a ring of files and a flight recorder share: a stream of events that is cut into parts, and
// what every part needs to stand alone as a trace.
#ifndef CLI_PARTED_OUTPUT_H_
#define CLI_PARTED_OUTPUT_H_

#include <string>

#include "cli/part_totals.h"
#include "cli/standing_tables.h"
#include "cli/trace_output.h"

namespace correlate {

class PartedOutput : public TraceOutput, protected TraceSink {
 public:
  TraceSink& sink() override { return *this; }

 protected:
  // Where events and whatever else has its moment go; not owned. To be set before anything is told.
  void set_stream(TraceWriter* stream) { stream_ = stream; }
  void BeginFile(TraceSink& file, uint32_t number) { tables_.TellTo(file, number); }
  // `end` has reason and time.
  void EndFile(TraceWriter& file, const PartTotals::Part& part, const RecordingEnd& so_far,
               const std::string& reason, uint64_t now_ns);
  StandingTables& tables() { return tables_; }
  const StandingTables& tables() const { return tables_; }
  PartTotals& totals() { return totals_; }
  const RecordingEnd& end() const { return end_; }  // of the recording, once it came

  void OnRecording(const RecordingFacts& facts) override;
  void OnClocks(const ClockReading& clocks) override;
  void OnFormat(const EventFormat& format) override;
  void OnProgram(const ProgramInfo& program) override;
  void OnMap(const MapInfo& map) override;
  void OnMapSnapshot(const MapSnapshot& snapshot) override;
  void OnProgramImage(const ProgramImage& image) override;
  void OnBtf(const BtfImage& btf) override;
  void OnAttachment(const Attachment& attachment) override;
  void OnNetns(const Netns& netns) override;
  void OnDevice(const Device& device) override;
  void OnEvent(const CorrelatedEvent& event) override;
  void OnLoss(const Loss& loss) override;
  void OnCounts(const EventCounts& counts) override;
  void OnKindCount(const KindCount& count) override { totals_.OnKindCount(count); }
  void OnXdpActions(const XdpActionCounts& counts) override { totals_.OnXdpActions(counts); }
  void OnHostCounters(const HostCounters& counters) override;
  void OnNote(const Note& note) override;
  void OnEnd(const RecordingEnd& end) override { end_ = end; }

 private:
  TraceWriter* stream_ = nullptr;
  StandingTables tables_;
  PartTotals totals_;
  RecordingEnd told_;  // running totals of the parts that ended
  RecordingEnd end_;
};

}  // namespace correlate

#endif  // CLI_PARTED_OUTPUT_H_
