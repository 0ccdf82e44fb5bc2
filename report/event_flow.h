// A stream of a recording, live or from a file, as a flow in which every event is once: those that
// were written whole as they come, those that were only counted (or lost, where their kind is
// known) when the counts tell of them, with whatever their kind tells. So what is summed up over it
// is exact, however little of a storm was written.
//
// Counts are told a second late, when nothing of them can be written any more. One thread.
#ifndef REPORT_EVENT_FLOW_H_
#define REPORT_EVENT_FLOW_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "query/event_view.h"
#include "report/kind_running_total.h"
#include "report/kind_source.h"
#include "report/kind_totals.h"
#include "symbolize/trace_sink.h"

namespace correlate {

// So many events that are alike. Borrowed.
struct CountedEvents {
  uint64_t time_ns = 0;  // when it happened; of those only counted: when that was told
  uint64_t count = 0;
  const ValueSource& values;
  const EventView* view = nullptr;  // of one event that was written whole; null: only counted
  const Attribution* attribution = nullptr;  // null: nothing is known of who did it
};

// One text for a list of values, another one for each other list.
std::string GroupKey(const std::vector<std::string>& values);

// What tables show for events by several keys, whether they were written whole or only counted. One
// thread.
class CountedLabels {
 public:
  explicit CountedLabels(std::vector<EventKey> keys) : labels_(std::move(keys)) {}
  const std::vector<EventKey>& keys() const { return labels_.keys(); }
  // Valid until the next call, as key() is, which is the GroupKey of the last ones.
  const std::vector<std::string>& Of(const CountedEvents& events);
  const std::string& key() const { return key_; }

 private:
  EventLabels labels_;
  std::vector<std::string> only_counted_;
  std::string key_;
};

class EventFlow : public TraceSink {
 public:
  using Receiver = std::function<void(const CountedEvents&)>;
  explicit EventFlow(Receiver receiver) : receiver_(std::move(receiver)) {}

  void OnRecording(const RecordingFacts& facts) override;
  void OnClocks(const ClockReading& clocks) override;
  void OnFormat(const EventFormat&) override { event_kinds_.OnFormat(); }
  void OnNetns(const Netns& netns) override { view_.OnNetns(netns); }
  void OnProgram(const ProgramInfo& program) override;
  void OnDevice(const Device& device) override { devices_.Add(device); }
  void OnEvent(const CorrelatedEvent& event) override;
  void OnKindCount(const KindCount& named) override;
  void OnEnd(const RecordingEnd& end) override;

  // Nothing that comes from here on happened before. Live, while nothing comes.
  void AdvanceTo(uint64_t now_ns);
  const EventView& view() const { return view_; }

 private:
  // Programs by id and load time: who is blamed.
  using Blamed = std::vector<std::pair<uint32_t, uint64_t>>;
  struct Kind {
    KindRunningTotal counted;
    uint64_t written = 0;
    uint64_t told = 0;     // that were not written
    uint64_t last_ns = 0;  // when something of it came
    KindTotals::Rest names;
    // Of those written, as long as all blame the same.
    bool has_blame = false;
    bool blames_differ = false;
    uint64_t last_attribution_id = 0;
    Blamed blamed;
    Attribution blame;
  };
  // Kinds of which nothing came for a while are kept by their number of events alone, until they
  // are told for the last time.
  struct IdleKind {
    KindRunningTotal counted;
    uint64_t accounted = 0;  // written or told
  };
  static constexpr uint64_t kIdleNs = 120'000'000'000;
  Kind& KindOf(const EventKind& kind);
  void SlimIdleKinds();

  // A reading of a kind's count, which holds nothing that may yet be written a second later.
  struct Reading {
    uint64_t time_ns = 0;
    Kind* kind = nullptr;
    uint64_t counted = 0;
  };
  void Settle(const Reading& reading, uint64_t now_ns);
  void SettleAll(uint64_t now_ns);
  static void NoteBlame(const Attribution& attribution, Kind* kind);

  // What an exception that was only counted is told with.
  static constexpr size_t kMostPrograms = 10'000;
  struct Program {
    std::string name;
    std::string tag;
  };

  const Receiver receiver_;
  EventView view_;
  std::map<uint32_t, Program> programs_;  // by id
  std::string host_;
  DeviceNames devices_;
  EventKinds event_kinds_;
  absl::node_hash_map<EventKind, Kind> kinds_;
  absl::flat_hash_map<EventKind, IdleKind> idle_kinds_;
  uint64_t last_slimmed_ns_ = 0;
  std::map<uint32_t, Kind> others_;  // by format: kinds that found no room in the kernel's table
  std::deque<Reading> readings_;     // by time
  uint64_t now_ns_ = 0;
};

}  // namespace correlate

#endif  // REPORT_EVENT_FLOW_H_
