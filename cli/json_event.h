// An event as one JSON object, as `script --json` prints it; docs/json.md describes every key.
#ifndef CLI_JSON_EVENT_H_
#define CLI_JSON_EVENT_H_

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "cli/event_fields.h"
#include "cli/wall_clock.h"
#include "symbolize/correlated_event.h"

namespace correlate {

// Events as lines of JSON. A stack or an attribution is turned into text once and then reused by
// its id: a trace has far fewer of them than events. One thread.
class JsonEventLines {
 public:
  // One object, without the newline. `clock` gives the wall time where it knows it.
  std::string Line(const CorrelatedEvent& event, const WallClock& clock);

 private:
  using Texts = absl::flat_hash_map<uint64_t, std::string>;  // by id

  Texts stacks_;
  Texts attributions_;
};

Json AttributionToJson(const Attribution& attribution);
Json AttachmentToJson(const Attachment& attachment);
Json LossToJson(const Loss& loss);

}  // namespace correlate

#endif  // CLI_JSON_EVENT_H_
