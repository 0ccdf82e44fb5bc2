#include "cli/ready_notice.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/status_macros.h"

namespace correlate {

absl::StatusOr<ReadyNotice> ReadyNotice::Create(int fd, std::string notify_socket) {
  if (fd >= 0) {
    const int mode = fcntl(fd, F_GETFL);
    if (mode < 0 || (mode & O_ACCMODE) == O_RDONLY) {
      return absl::InvalidArgumentError(
          absl::StrCat("--ready-fd ", fd, " is no descriptor that can be written to"));
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  return ReadyNotice(ScopedFd(fd), std::move(notify_socket));
}

absl::Status ReadyNotice::Ready() {
  absl::Status status;
  if (fd_.valid()) {
    constexpr char kLine[] = "ready\n";
    if (write(fd_.get(), kLine, sizeof kLine - 1) < 0) status = ErrnoStatus(errno, "--ready-fd");
    fd_.reset();
  }
  status.Update(Notify("READY=1"));
  return status;
}

absl::Status ReadyNotice::Stopping() { return Notify("STOPPING=1"); }

void ReadyNotice::KeepAlive(const char* usec, uint64_t now_ns) {
  uint64_t every_us = 0;
  if (usec == nullptr || !absl::SimpleAtoi(usec, &every_us) || every_us == 0) return;
  if (now_ns < last_alive_ns_ + every_us * 1000 / 2) return;
  last_alive_ns_ = now_ns;
  Notify("WATCHDOG=1").IgnoreError();  // that nobody listens was told at the start
}

absl::Status ReadyNotice::Notify(absl::string_view state) const {
  if (notify_socket_.empty()) return absl::OkStatus();
  const std::string what = absl::StrCat("NOTIFY_SOCKET ", notify_socket_);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const bool abstract = notify_socket_.front() == '@';
  if ((!abstract && notify_socket_.front() != '/') ||
      notify_socket_.size() >= sizeof address.sun_path) {
    return absl::InvalidArgumentError(absl::StrCat(what, " is neither a path nor @name"));
  }
  std::memcpy(address.sun_path, notify_socket_.data(), notify_socket_.size());
  if (abstract) address.sun_path[0] = '\0';
  const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) +
                                            notify_socket_.size() + (abstract ? 0 : 1));
  const ScopedFd sender(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!sender.valid() || sendto(sender.get(), state.data(), state.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address), bytes) < 0) {
    return ErrnoStatus(errno, what);
  }
  return absl::OkStatus();
}

}  // namespace correlate
