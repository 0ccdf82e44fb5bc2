// What a trace holds and how it was made, as `info` prints it: counted by identity, so that a later
// entry replaces an earlier one. One thread.
#ifndef CLI_INFO_TABLES_H_
#define CLI_INFO_TABLES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "render/event_fields.h"
#include "render/wall_clock.h"
#include "report/running_totals.h"
#include "symbolize/attachment_table.h"
#include "symbolize/trace_sink.h"

namespace correlate {

class InfoTables : public TraceSink {
 public:
  void OnRecording(const RecordingFacts& facts) override {
    facts_ = facts;
    totals_.OnRecording();
    ++recordings_;
  }
  void OnClocks(const ClockReading& clocks) override {
    clock_.Add(clocks);
    clocks_.push_back(clocks);
  }
  void OnFormat(const EventFormat& format) override {
    totals_.OnFormat(format);
    last_format_ = nullptr;
    formats_.insert(format.FullName());
  }
  void OnProgram(const ProgramInfo& program) override {
    programs_.insert({program.id, program.load_time_ns});
  }
  void OnAttachment(const Attachment& a) override {
    if (a.IsObstacle()) return;
    attachments_.insert(AttachmentIdentity(a));
  }
  void OnNetns(const Netns& netns) override {
    netns_.insert(netns.id);
    if (netns.heard) heard_.insert(netns.id);
  }
  void OnDevice(const Device& device) override { devices_.insert({device.netns, device.ifindex}); }
  void OnEvent(const CorrelatedEvent& event) override {
    ++events_;
    if (event.format != last_format_) {
      last_format_ = event.format;
      last_written_ = &written_[event.format->FullName()];
    }
    ++*last_written_;
  }
  void OnLoss(const Loss& loss) override {
    lost_ += loss.count;
    if (losses_.size() < kMostLossLines) losses_.push_back(loss);
    ++loss_spans_;
  }
  void OnCounts(const EventCounts& counts) override { totals_.OnCounts(counts); }
  void OnNote(const Note& note) override { notes_.push_back(note); }
  void OnEnd(const RecordingEnd& end) override { end_ = end; }

  // A line a fact; `name`: of the trace.
  std::string Text(const std::string& name) const;
  // docs/json.md describes the keys.
  Json ToJson() const;

 private:
  static constexpr size_t kMostLossLines = 20;

  std::map<std::string, EventCounts> CountsByEvent() const;

  RecordingFacts facts_;
  WallClock clock_;
  std::vector<ClockReading> clocks_;
  uint64_t recordings_ = 0;  // one behind the other
  std::set<std::string> formats_;
  std::set<std::pair<uint32_t, uint64_t>> programs_;
  std::set<std::string> attachments_;
  std::set<NetnsId> netns_;
  std::set<NetnsId> heard_;  // of these the kernel notified the recorder
  std::set<std::pair<NetnsId, uint32_t>> devices_;
  std::map<std::string, uint64_t> written_;
  const EventFormat* last_format_ = nullptr;
  uint64_t* last_written_ = nullptr;  // of last_format_'s event
  RunningTotals totals_;
  std::vector<Loss> losses_;
  std::vector<Note> notes_;
  std::optional<RecordingEnd> end_;
  uint64_t events_ = 0;
  uint64_t lost_ = 0;
  uint64_t loss_spans_ = 0;
};

}  // namespace correlate

#endif  // CLI_INFO_TABLES_H_
