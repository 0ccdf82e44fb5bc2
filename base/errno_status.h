// The one map from errno to absl::Status. A message names the object, says why, and says the next
// step: which capability, sysctl, option or package mends it. Thread-safe.
#ifndef BASE_ERRNO_STATUS_H_
#define BASE_ERRNO_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace correlate {

// ENOTSUPP of the kernel's include/linux/errno.h, which user space has no name for.
inline constexpr int kNotSupported = 524;

// "WHAT: reason" with the status code that fits `error` (a positive errno). `next_step`, when not
// empty, replaces the general advice for that errno ("run as root, or give CAP_...").
absl::Status ErrnoStatus(int error, absl::string_view what, absl::string_view next_step = "");

}  // namespace correlate

#endif  // BASE_ERRNO_STATUS_H_
