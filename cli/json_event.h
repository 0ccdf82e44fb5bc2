// An event as one JSON object, as `script --json` prints it; docs/json.md describes every key.
#ifndef CLI_JSON_EVENT_H_
#define CLI_JSON_EVENT_H_

#include <cstdint>
#include <string>

#include "cli/event_fields.h"
#include "cli/text_by_id.h"
#include "cli/wall_clock.h"
#include "symbolize/correlated_event.h"
#include "symbolize/netns_names.h"

namespace correlate {

// Events as lines of JSON. One thread.
class JsonEventLines {
 public:
  void AddNetns(const Netns& netns) { netns_names_.Add(netns); }
  // One object, without the newline. `clock` gives the wall time where it knows it.
  std::string Line(const CorrelatedEvent& event, const WallClock& clock);

 private:
  NetnsNames netns_names_;
  TextById stacks_;
  TextById attributions_;
};

Json AttributionToJson(const Attribution& attribution);
Json AttachmentToJson(const Attachment& attachment);
Json LossToJson(const Loss& loss);

}  // namespace correlate

#endif  // CLI_JSON_EVENT_H_
