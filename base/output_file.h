// Opens what is written to, as root at times, where others may have laid something: in a folder
// that everybody may write to no link is followed and no file of somebody else is taken. Some hosts
// have the kernel see to it (fs.protected_symlinks and fs.protected_regular in proc(5)), not all.
#ifndef BASE_OUTPUT_FILE_H_
#define BASE_OUTPUT_FILE_H_

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"
#include "base/scoped_fd.h"

namespace correlate {

// What of an existing file stays.
enum class Existing { kReplace, kContinue };

// For writing; made with `mode` (before the umask) if it is not there. PermissionDenied says whose
// the link or file is.
absl::StatusOr<ScopedFd> OpenOutputFile(const std::string& path, Existing existing, mode_t mode);

}  // namespace correlate

#endif  // BASE_OUTPUT_FILE_H_
