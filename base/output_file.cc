#include "base/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/errno_status.h"

namespace correlate {
namespace {

absl::Status CannotWrite(int error, const std::string& path) {
  return ErrnoStatus(error, absl::StrCat("cannot write ", path),
                     "choose another place with --output");
}

}  // namespace

absl::StatusOr<ScopedFd> OpenOutputFile(const std::string& path, Existing existing, mode_t mode) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  // Until it is known whose file it is nothing of it is cut off.
  int flags = O_WRONLY | O_CREAT | O_CLOEXEC;
  // The folder that was looked at is the one that the file is made in.
  const ScopedFd at(open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat about = {};
  if (!at.valid() || fstat(at.get(), &about) != 0) return CannotWrite(errno, path);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (name.empty()) return CannotWrite(EISDIR, path);
  const bool everybodys = (about.st_mode & S_IWOTH) != 0;
  if (everybodys) flags |= O_NOFOLLOW;
  ScopedFd file(openat(at.get(), name.c_str(), flags, mode));
  if (!file.valid()) {
    if (errno == ELOOP && everybodys) {
      return absl::PermissionDeniedError(absl::StrCat(
          path,
          ": a link in a folder that everybody may write to is not followed; name the file that "
          "is meant, or another folder"));
    }
    return CannotWrite(errno, path);
  }
  if (fstat(file.get(), &about) != 0) return CannotWrite(errno, path);
  if (!S_ISREG(about.st_mode)) return file;  // a pipe or a device: nothing to cut off
  if (everybodys && about.st_uid != geteuid()) {
    return absl::PermissionDeniedError(
        absl::StrCat(path, ": belongs to user ", about.st_uid,
                     ", in a folder that everybody may write to: what is written there would be "
                     "his; choose another name or folder"));
  }
  if (existing == Existing::kReplace && ftruncate(file.get(), 0) != 0) {
    return CannotWrite(errno, path);
  }
  return file;
}

}  // namespace correlate
