#include "base/errno_status.h"

#include <cerrno>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace correlate {
namespace {

absl::string_view GeneralAdvice(int error) {
  switch (error) {
    case EPERM:
    case EACCES:
      return "run as root, or see `bpftrace-correlate doctor` for the capability or sysctl";
    case EMFILE:
      return "raise the limit of open files: ulimit -n";
    case ENFILE:
      return "raise the host's limit of open files: sysctl fs.file-max";
    case ENOSPC:
    case EDQUOT:
      return "free some space, or write elsewhere with --output";
    case EBUSY:
      return "somebody else holds it; try again when they are done";
    default:
      return "";
  }
}

}  // namespace

absl::Status ErrnoStatus(int error, absl::string_view what, absl::string_view next_step) {
  const std::string reason =
      error == kNotSupported ? "not supported (ENOTSUPP)" : std::generic_category().message(error);
  if (next_step.empty()) next_step = GeneralAdvice(error);
  std::string message = absl::StrCat(what, ": ", reason);
  if (!next_step.empty()) absl::StrAppend(&message, "; ", next_step);
  return absl::Status(absl::ErrnoToStatusCode(error), message);
}

}  // namespace correlate
