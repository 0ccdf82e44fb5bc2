// A file that is there whole, or as it was before. Any thread.
#ifndef BASE_WHOLE_FILE_H_
#define BASE_WHOLE_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace correlate {

// By way of PATH.new, which is gone if that fails. Follows no symbolic link.
absl::Status WriteWholeFile(const std::string& path, absl::string_view text);

}  // namespace correlate

#endif  // BASE_WHOLE_FILE_H_
