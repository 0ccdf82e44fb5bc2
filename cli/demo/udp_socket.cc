#include "cli/demo/udp_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/status_macros.h"

namespace correlate {
namespace {

absl::StatusOr<sockaddr_in> ParseEndpoint(const std::string& address, uint16_t port) {
  sockaddr_in endpoint = {};
  endpoint.sin_family = AF_INET;
  endpoint.sin_port = htons(port);
  if (inet_pton(AF_INET, address.c_str(), &endpoint.sin_addr) != 1) {
    return absl::InvalidArgumentError(absl::StrCat("'", address, "' is no IPv4 address"));
  }
  return endpoint;
}

}  // namespace

absl::StatusOr<UdpSocket> UdpSocket::Bind(const std::string& address, uint16_t port) {
  ASSIGN_OR_RETURN(const sockaddr_in endpoint, ParseEndpoint(address, port));
  ScopedFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return ErrnoStatus(errno, "UDP socket");
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&endpoint), sizeof endpoint) != 0) {
    return ErrnoStatus(errno, absl::StrCat("UDP socket at ", address, ":", port));
  }
  return UdpSocket(std::move(fd));
}

absl::Status UdpSocket::SendTo(const std::string& address, uint16_t port, absl::string_view data) {
  ASSIGN_OR_RETURN(const sockaddr_in to, ParseEndpoint(address, port));
  // A packet dropped on its way out may be told as an error (ENOBUFS); that is no failure to send.
  if (sendto(fd_.get(), data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&to),
             sizeof to) < 0 &&
      errno != ENOBUFS) {
    return ErrnoStatus(errno, absl::StrCat("UDP packet to ", address, ":", port));
  }
  return absl::OkStatus();
}

size_t UdpSocket::Drain() {
  char data[2048];
  size_t packets = 0;
  while (recv(fd_.get(), data, sizeof data, 0) >= 0) ++packets;
  return packets;
}

}  // namespace correlate
