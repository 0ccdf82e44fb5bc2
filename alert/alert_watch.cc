#include "alert/alert_watch.h"

namespace correlate {

AlertWatch::AlertWatch(std::vector<AlertRule> rules, AlertEngine::Receiver receiver,
                       EventFlow::Receiver also)
    : ForwardingSink({&changes_, &flow_}),
      engine_(std::move(rules), std::move(receiver),
              [this](uint64_t time_ns) { return flow_.view().clock().RealtimeNs(time_ns); }),
      flow_([this, also = std::move(also)](const CountedEvents& events) {
        engine_.Add(events);
        if (also) also(events);
      }) {}

void AlertWatch::OnRecording(const RecordingFacts& facts) {
  host_ = facts.hostname;
  ForwardingSink::OnRecording(facts);
}

void AlertWatch::OnNetns(const Netns& netns) {
  engine_.AddNetns(netns);
  ForwardingSink::OnNetns(netns);
}

void AlertWatch::OnEnd(const RecordingEnd& end) {
  ForwardingSink::OnEnd(end);
  engine_.AdvanceTo(end.time_ns);
}

void AlertWatch::AdvanceTo(uint64_t now_ns) {
  flow_.AdvanceTo(now_ns);
  engine_.AdvanceTo(now_ns);
}

AlertContext AlertWatch::Context(const std::string& trace) const {
  return {.clock = flow_.view().clock(), .changes = changes_, .host = host_, .trace = trace};
}

}  // namespace correlate
