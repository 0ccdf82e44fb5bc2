// Every key there is, and how its values are read from an event. Whoever has a name asks
// ParseEventKey (event_key.h), which says what is wrong with it.
#ifndef QUERY_KNOWN_EVENT_KEYS_H_
#define QUERY_KNOWN_EVENT_KEYS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "query/event_key.h"

namespace correlate {

std::optional<EventKey> FindEventKey(absl::string_view name);
// Except for those below "fields.", which depend on the event.
std::vector<std::string> AllEventKeys();

}  // namespace correlate

#endif  // QUERY_KNOWN_EVENT_KEYS_H_
