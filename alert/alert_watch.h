// A stream of a recording, live or replayed, the rules that watch it, and what their alerts are
// told with. Feed it the stream; in time order where it is replayed (AlignedClocks). One thread.
#ifndef ALERT_ALERT_WATCH_H_
#define ALERT_ALERT_WATCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "alert/alert_engine.h"
#include "alert/alert_text.h"
#include "alert/rule.h"
#include "report/event_flow.h"
#include "report/host_changes.h"
#include "symbolize/forwarding_sink.h"

namespace correlate {

class AlertWatch : public ForwardingSink {
 public:
  // `also`: who else wants every event once (metrics); may be null.
  AlertWatch(std::vector<AlertRule> rules, AlertEngine::Receiver receiver,
             EventFlow::Receiver also = nullptr);

  void OnRecording(const RecordingFacts& facts) override;
  void OnNetns(const Netns& netns) override;
  void OnEnd(const RecordingEnd& end) override;

  // Live, while nothing comes.
  void AdvanceTo(uint64_t now_ns);
  AlertEngine& engine() { return engine_; }
  // `trace`: that it is replayed from; empty: live.
  AlertContext Context(const std::string& trace) const;

 private:
  static constexpr size_t kMostChanges = 1000;
  HostChanges changes_{kMostChanges};
  AlertEngine engine_;
  EventFlow flow_;
  std::string host_;
};

}  // namespace correlate

#endif  // ALERT_ALERT_WATCH_H_
