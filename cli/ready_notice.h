// Tells whoever waits for it that a recording has begun: a line on a descriptor (--ready-fd), and
// the service manager's protocol, a datagram to the socket that NOTIFY_SOCKET names (sd_notify(3)).
// Owns the descriptor. One thread.
#ifndef CLI_READY_NOTICE_H_
#define CLI_READY_NOTICE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/scoped_fd.h"

namespace correlate {

class ReadyNotice {
 public:
  // `fd` -1: none; it is closed on exec from here on. `notify_socket`: a path, or @ and a name in
  // the abstract namespace (unix(7)); empty: none. InvalidArgument where the descriptor is not open
  // or not to be written to.
  static absl::StatusOr<ReadyNotice> Create(int fd, std::string notify_socket);

  // "ready" and a newline, then the descriptor's end; READY=1. What could not be told is an error,
  // which is no reason to stop.
  absl::Status Ready();
  absl::Status Stopping();  // STOPPING=1
  // Call again and again: WATCHDOG=1, twice as often as the manager wants it by WATCHDOG_USEC
  // (`usec`: its value; null: it does not).
  void KeepAlive(const char* usec, uint64_t now_ns);

 private:
  ReadyNotice(ScopedFd fd, std::string notify_socket)
      : fd_(std::move(fd)), notify_socket_(std::move(notify_socket)) {}
  absl::Status Notify(absl::string_view state) const;

  uint64_t last_alive_ns_ = 0;
  ScopedFd fd_;
  std::string notify_socket_;
};

}  // namespace correlate

#endif  // CLI_READY_NOTICE_H_
