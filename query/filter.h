// The expressions of --filter, of alert rules and of exports: what an event has to be like.
//
//   reason == TC_INGRESS && (dport == 53 || src == 10.0.0.0/8) && !(program ~ "^lb_")
//
// A comparison is KEY OP VALUE (event_key.h for the keys). == (or =) and != compare names, numbers
// and addresses, the latter also with a network (ADDR/LEN); a VALUE without quotes may be a glob
// (veth*). < <= > >= compare numbers and times. ~ and !~ search for a regular expression (RE2's).
// KEY in (V, V, ...) is true for one of them. KEY alone: the event tells it. Operators: ! && || (or
// not, and, or), with parentheses. Where a key has several values (frames, candidates), one has to
// fit; != and !~ are true where == and ~ are not, so also where the event does not tell the key.
#ifndef QUERY_FILTER_H_
#define QUERY_FILTER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "query/event_view.h"

namespace correlate {

// kUnknown only of sources that cannot tell every key.
enum class Match { kNo, kYes, kUnknown };

class FilterNode;

// Immutable, shared by copies.
class Filter {
 public:
  // The error says the column, shows the line with a mark below it, and what was expected.
  static absl::StatusOr<Filter> Parse(absl::string_view text);

  Match Evaluate(const ValueSource& source) const;
  bool Matches(const EventView& view) const { return Evaluate(view) == Match::kYes; }
  const std::string& text() const { return text_; }  // as it was given

 private:
  std::string text_;
  std::shared_ptr<const FilterNode> root_;
};

}  // namespace correlate

#endif  // QUERY_FILTER_H_
