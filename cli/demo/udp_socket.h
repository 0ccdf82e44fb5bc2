// A UDP socket for IPv4, nonblocking, in the network namespace that its maker was in; it stays
// there wherever it is used from.
#ifndef CLI_DEMO_UDP_SOCKET_H_
#define CLI_DEMO_UDP_SOCKET_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/scoped_fd.h"

namespace correlate {

class UdpSocket {
 public:
  // Port 0: the kernel chooses one.
  static absl::StatusOr<UdpSocket> Bind(const std::string& address, uint16_t port);

  absl::Status SendTo(const std::string& address, uint16_t port, absl::string_view data);
  // Takes what has arrived; how many packets that was.
  size_t Drain();
  int fd() const { return fd_.get(); }

 private:
  explicit UdpSocket(ScopedFd fd) : fd_(std::move(fd)) {}
  ScopedFd fd_;
};

}  // namespace correlate

#endif  // CLI_DEMO_UDP_SOCKET_H_
