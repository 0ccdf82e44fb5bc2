// An event with what its values need besides: its host, clock and names of namespaces. Feed it the
// stream (it is a TraceSink), then look at one event after the other. One thread.
#ifndef QUERY_EVENT_VIEW_H_
#define QUERY_EVENT_VIEW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "query/event_key.h"
#include "render/event_fields.h"
#include "render/text_by_id.h"
#include "render/wall_clock.h"
#include "symbolize/netns_names.h"
#include "symbolize/trace_sink.h"

namespace correlate {

// What tells values: an event, or less than one (a kind of which events were only counted).
class ValueSource {
 public:
  virtual ~ValueSource() = default;
  // False: it cannot tell. No value and true: there is none.
  virtual bool Visit(const EventKey& key, ValueVisitor visitor) const = 0;
};

class EventView : public TraceSink, public ValueSource {
 public:
  void OnRecording(const RecordingFacts& facts) override;
  void OnClocks(const ClockReading& clocks) override;
  void OnNetns(const Netns& netns) override { netns_names_.Add(netns); }
  // The event to look at; borrowed until the next one.
  void OnEvent(const CorrelatedEvent& event) override { event_ = &event; }

  bool Visit(const EventKey& key, ValueVisitor visitor) const override {
    key.visit(*this, key, visitor);
    return true;
  }

  // From now on a location without a symbol tells nothing, instead of its address.
  void HideAddresses() { addresses_ = false; }
  bool addresses() const { return addresses_; }

  const CorrelatedEvent& event() const { return *event_; }
  const std::string& host() const { return host_; }
  const WallClock& clock() const { return clock_; }
  uint64_t start_ns() const { return start_ns_; }  // the first reading of the clocks
  const NetnsNames& netns_names() const { return netns_names_; }
  const Json& AttributionJson() const;  // of event(), which has one
  const Json& StackJson() const;        // likewise

 private:
  const CorrelatedEvent* event_ = nullptr;
  bool addresses_ = true;
  std::string host_;
  std::string boot_id_;
  WallClock clock_;
  uint64_t start_ns_ = 0;
  NetnsNames netns_names_;
  // By id.
  mutable absl::flat_hash_map<uint64_t, Json> attributions_;
  mutable absl::flat_hash_map<uint64_t, Json> stacks_;
};

// What tables show of a kind's events, of which less is known: "only counted" where the kind cannot
// tell, "unknown" where there is nothing to tell.
std::vector<std::string> KindLabels(const ValueSource& kind, const std::vector<EventKey>& keys);

// What tables show for events by several keys. One thread.
class EventLabels {
 public:
  explicit EventLabels(std::vector<EventKey> keys) : keys_(std::move(keys)), by_id_(keys_.size()) {}
  const std::vector<EventKey>& keys() const { return keys_; }
  // "unknown" where the event does not tell, "none" where no program is blamed. Valid until the
  // next call.
  const std::vector<std::string>& Of(const EventView& view);

 private:
  static void Append(const EventKey& key, const EventView& view, std::string* label);
  const std::vector<EventKey> keys_;
  std::vector<TextById> by_id_;
  std::vector<std::string> labels_;
};

}  // namespace correlate

#endif  // QUERY_EVENT_VIEW_H_
