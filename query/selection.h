// Which events of a trace are asked for: --time and --filter, the same in every command that reads
// one.
#ifndef QUERY_SELECTION_H_
#define QUERY_SELECTION_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "query/event_view.h"
#include "query/filter.h"
#include "query/time_range.h"
#include "symbolize/forwarding_sink.h"

namespace correlate {

struct Selection {
  // Either may be empty: everything. The error begins with the option that is wrong.
  static absl::StatusOr<Selection> Parse(const std::string& time, const std::string& filter);

  bool everything() const { return !time.has_value() && !filter.has_value(); }
  TimeRange::Place PlaceOf(uint64_t time_ns, const EventView& view) const;
  bool Takes(const EventView& view) const;  // the event it looks at
  std::string Describe() const;             // "--time +1s, --filter 'cpu == 1'"; empty: everything

  std::optional<TimeRange> time;
  std::optional<Filter> filter;
};

// Hands on everything but the events (and losses) that are not asked for.
class SelectingSink : public ForwardingSink {
 public:
  SelectingSink(Selection selection, TraceSink* next)
      : ForwardingSink({next}), selection_(std::move(selection)) {}

  void OnRecording(const RecordingFacts& facts) override;
  void OnClocks(const ClockReading& clocks) override;
  void OnNetns(const Netns& netns) override;
  void OnEvent(const CorrelatedEvent& event) override;
  void OnLoss(const Loss& loss) override;

 private:
  const Selection selection_;
  EventView view_;
};

// `sink`, fed with what is selected alone; owns it.
std::unique_ptr<TraceSink> Selected(const Selection& selection, std::unique_ptr<TraceSink> sink);

}  // namespace correlate

#endif  // QUERY_SELECTION_H_
