// What one may ask of an event, by name: every key of its JSON (docs/json.md), with dots between
// them ("packet.inner.dport", "fields.reason", "attribution.programs.attachments.hook"), and short
// names for what is asked often ("reason", "program", "src"). The same names in filters, in --by
// and in exports.
#ifndef QUERY_EVENT_KEY_H_
#define QUERY_EVENT_KEY_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "query/event_value.h"

namespace correlate {

class EventView;  // event_view.h

using ValueVisitor = absl::FunctionRef<void(const EventValue&)>;

struct EventKey {
  // What its values can be compared with. kAny: that is told by the value.
  enum class Form { kText, kNumber, kAddress, kTime, kAny };
  // What of an event it depends on: its label may be remembered by that.
  enum class Of { kEvent, kAttribution, kStack };

  std::string name;  // as asked
  std::string path;  // below fields, stack or attribution; else empty
  Form form = Form::kText;
  Of of = Of::kEvent;
  void (*visit)(const EventView&, const EventKey&, ValueVisitor) = nullptr;
  // What stands in a table, where that is more than its values; or null.
  void (*label)(const EventView&, std::string*) = nullptr;
};

// The error names the keys that are close.
absl::StatusOr<EventKey> ParseEventKey(absl::string_view name);
// "event,reason": at least one unless `list` is empty.
absl::StatusOr<std::vector<EventKey>> ParseEventKeys(absl::string_view list);
// The short names, in the order in which --help shows them.
std::vector<std::string> ShortEventKeys();

}  // namespace correlate

#endif  // QUERY_EVENT_KEY_H_
