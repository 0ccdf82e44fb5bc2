#include "base/whole_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>

#include "base/errno_status.h"
#include "base/fd_stream.h"
#include "base/scoped_fd.h"

namespace correlate {

absl::Status WriteWholeFile(const std::string& path, absl::string_view text) {
  const std::string temporary = path + ".new";
  const ScopedFd file(
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (!file.valid()) return ErrnoStatus(errno, "cannot write " + temporary);
  FdStream stream(file.get());
  stream << text << std::flush;
  if (stream.error() != 0) {
    unlink(temporary.c_str());
    return ErrnoStatus(stream.error(), "cannot write " + path);
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    unlink(temporary.c_str());
    return ErrnoStatus(error, "cannot write " + path);
  }
  return absl::OkStatus();
}

}  // namespace correlate
