// Reading whole small files, /proc and /sys among them (whose size stat() does not tell).
#ifndef BASE_FILES_H_
#define BASE_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace correlate {

// The whole content. `directory_fd` may be AT_FDCWD.
absl::StatusOr<std::string> ReadFileAt(int directory_fd, const std::string& path);
absl::StatusOr<std::string> ReadFile(const std::string& path);

}  // namespace correlate

#endif  // BASE_FILES_H_
