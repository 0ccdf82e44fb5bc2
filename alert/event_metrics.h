// Counters of drops, XDP exceptions and losses for Prometheus (docs/metrics.md): exact, from the
// same flow as alerts. Labels are what outlives a program's reload and says something on another
// host: no ids, no addresses.
//
// Series are bounded. When there are too many, what is new is counted without its device and
// namespace, and when even those are too many, by event alone: "other" stands for what was left
// out. No series ever goes away or back. Fed by one thread, read by any (prometheus-cpp locks).
#ifndef ALERT_EVENT_METRICS_H_
#define ALERT_EVENT_METRICS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "alert/metric_families.h"
#include "query/event_key.h"
#include "report/event_flow.h"
#include "symbolize/trace_sink.h"

namespace correlate {

class EventMetrics : public TraceSink {
 public:
  // `registry` has to live as long. Of `most_series` a fifth is kept for what has no device.
  explicit EventMetrics(prometheus::Registry* registry, size_t most_series);
  ~EventMetrics() override;

  void Add(const CountedEvents& events);

  void OnFormat(const EventFormat& format) override { formats_[format.id] = format.FullName(); }
  void OnClocks(const ClockReading& clocks) override;
  void OnNetns(const Netns& netns) override;
  void OnProgram(const ProgramInfo& program) override;
  void OnAttachment(const Attachment& attachment) override;
  void OnCounts(const EventCounts& counts) override;
  void OnLoss(const Loss& loss) override;

 private:
  // Values of the labels, in their order.
  using Values = std::vector<std::string>;
  Values ValuesOf(const CountedEvents& events) const;
  prometheus::Counter& CounterOf(Values values, uint64_t count);
  prometheus::Counter* Find(const Values& values, size_t most);

  const size_t most_series_;
  std::vector<EventKey> keys_;  // event, reason, program, tag, hook, ifname, netns, evidence

  prometheus::Family<prometheus::Counter>& events_;
  prometheus::Family<prometheus::Counter>& hits_;
  prometheus::Family<prometheus::Gauge>& programs_family_;
  prometheus::Family<prometheus::Gauge>& attachments_family_;
  prometheus::Family<prometheus::Counter>& changes_;
  prometheus::Gauge& series_gauge_;
  prometheus::Counter& without_series_;
  prometheus::Counter& lost_records_;

  absl::flat_hash_map<std::string, prometheus::Counter*> series_;  // by values
  uint64_t started_ns_ = 0;  // the first reading of the clocks
  uint64_t own_netns_ = 0;   // its inode; 0: unknown
  std::map<uint32_t, std::string> formats_;
  std::map<std::pair<uint32_t, uint32_t>, EventCounts> counts_;  // by format, CPU
  std::map<uint32_t, std::string> programs_;                     // that are loaded: their type
  std::map<std::string, std::string> attachments_;               // that hold: their hook
};

}  // namespace correlate

#endif  // ALERT_EVENT_METRICS_H_
