// The seam behind which every source of events stands: live perf rings, a replayed capture, a fake.
// The owner reads in a loop on one thread and finishes once.
#ifndef COLLECTOR_EVENT_SOURCE_H_
#define COLLECTOR_EVENT_SOURCE_H_

#include <vector>

#include "absl/status/status.h"
#include "collector/event.h"

namespace correlate {

class EventSource {
 public:
  virtual ~EventSource() = default;
  // Begins to collect. Side-band records may come from before this call.
  virtual absl::Status Start() = 0;
  // Hands over, in time order, what has become old enough to be in order. Does not block.
  virtual absl::Status Read(EventSink& sink) = 0;
  // Stops collecting and hands over all the rest. Counts() is exact from here on.
  virtual absl::Status Finish(EventSink& sink) = 0;
  virtual std::vector<EventCounts> Counts() const = 0;
  virtual uint64_t out_of_order() const = 0;
};

}  // namespace correlate

#endif  // COLLECTOR_EVENT_SOURCE_H_
