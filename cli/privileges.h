// Which capabilities (capabilities(7)) each command uses, and what it does without: what the manual
// pages say. Pure.
#ifndef CLI_PRIVILEGES_H_
#define CLI_PRIVILEGES_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace correlate {

struct Privilege {
  absl::string_view capability;  // "CAP_SYSLOG"
  absl::string_view without;     // what is missing then, a phrase
};

// Empty: it needs none.
absl::Span<const Privilege> PrivilegesOf(absl::string_view command);

}  // namespace correlate

#endif  // CLI_PRIVILEGES_H_
