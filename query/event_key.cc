#include "query/event_key.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "query/known_event_keys.h"

namespace correlate {
namespace {

size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

// ", did you mean 'reason'?", or the names that there are.
std::string Suggestion(absl::string_view name) {
  std::vector<std::string> close;
  size_t least = std::min<size_t>(2, name.size() / 3);
  for (const std::string& known : AllEventKeys()) {
    // The last part alone will do: "ifindex" for "packet.ifindex".
    size_t distance = 0;
    if (!absl::EndsWith(known, absl::StrCat(".", name))) {
      const size_t longer = std::max(name.size(), known.size());
      if (longer - std::min(name.size(), known.size()) > least) continue;
      distance = EditDistance(name, known);
    }
    if (distance > least) continue;
    if (distance < least) close.clear();
    least = distance;
    close.push_back(absl::StrCat("'", known, "'"));
  }
  constexpr size_t kMostShown = 4;
  if (!close.empty() && close.size() <= kMostShown) {
    return absl::StrCat(", did you mean ", absl::StrJoin(close, " or "), "?");
  }
  return absl::StrCat("; the keys are ", absl::StrJoin(ShortEventKeys(), ", "),
                      ", and those of an event's JSON, like packet.length or fields.NAME");
}

}  // namespace

absl::StatusOr<EventKey> ParseEventKey(absl::string_view name) {
  if (auto key = FindEventKey(name)) return *std::move(key);
  return absl::InvalidArgumentError(absl::StrCat("there is no key '", name, "'", Suggestion(name)));
}

absl::StatusOr<std::vector<EventKey>> ParseEventKeys(absl::string_view list) {
  std::vector<EventKey> keys;
  if (list.empty()) return keys;
  for (const absl::string_view name : absl::StrSplit(list, ',')) {
    auto key = ParseEventKey(absl::StripAsciiWhitespace(name));
    if (!key.ok()) return key.status();
    keys.push_back(*std::move(key));
  }
  return keys;
}

}  // namespace correlate
