// An event as one JSON object, as `script --json` prints it; docs/json.md describes every key.
#ifndef RENDER_JSON_EVENT_H_
#define RENDER_JSON_EVENT_H_

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>

#include "render/event_fields.h"
#include "render/text_by_id.h"
#include "render/wall_clock.h"
#include "symbolize/correlated_event.h"
#include "symbolize/netns_names.h"
#include "symbolize/trace_sink.h"

namespace correlate {

// Events as lines of JSON. One thread.
class JsonEventLines {
 public:
  explicit JsonEventLines(const Disclosure& disclosure = {}) : disclosure_(disclosure) {}
  void AddNetns(const Netns& netns) { netns_names_.Add(netns); }
  // One object, without the newline. `clock` gives the wall time where it knows it.
  std::string Line(const CorrelatedEvent& event, const WallClock& clock);

 private:
  const Disclosure disclosure_;
  NetnsNames netns_names_;
  TextById stacks_;
  TextById attributions_;
};

// A sink that prints each event and loss as a line; borrows `out`, and wants no more once that
// fails.
std::unique_ptr<TraceSink> MakeJsonPrinter(std::ostream& out, const Disclosure& disclosure = {});

Json StackToJson(const Stack& stack, const Disclosure& disclosure = {});
Json AttributionToJson(const Attribution& attribution);
Json AttachmentToJson(const Attachment& attachment);
Json LossToJson(const Loss& loss);

}  // namespace correlate

#endif  // RENDER_JSON_EVENT_H_
