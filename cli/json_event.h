// An event as one JSON object, as `script --json` prints it; docs/json.md describes every key.
#ifndef CLI_JSON_EVENT_H_
#define CLI_JSON_EVENT_H_

#include "cli/event_fields.h"
#include "cli/wall_clock.h"
#include "symbolize/correlated_event.h"

namespace correlate {

Json EventToJson(const CorrelatedEvent& event, const WallClock& clock);
Json AttributionToJson(const Attribution& attribution);
Json AttachmentToJson(const Attachment& attachment);
Json LossToJson(const Loss& loss);

}  // namespace correlate

#endif  // CLI_JSON_EVENT_H_
