#include "collector/netlink_socket.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/errno_status.h"

namespace correlate {
namespace {

// The kernel fills up to 32 KiB a datagram when the reader offers that much (net/netlink,
// netlink_dump).
constexpr size_t kBufferBytes = 64 * 1024;

}  // namespace

NetlinkSocket::NetlinkSocket(mnl_socket* socket) : socket_(socket), buffer_(kBufferBytes) {}

absl::StatusOr<NetlinkSocket> NetlinkSocket::Open() {
  mnl_socket* socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
  if (socket == nullptr) return ErrnoStatus(errno, "a netlink socket");
  return NetlinkSocket(socket);
}

absl::Status NetlinkSocket::Send(std::vector<uint8_t>& request) {
  auto* header = reinterpret_cast<nlmsghdr*>(request.data());
  header->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), request.data(), request.size()) < 0) {
    return ErrnoStatus(errno, "rtnetlink");
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::Span<const uint8_t>> NetlinkSocket::Receive() {
  for (;;) {
    const ssize_t bytes = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
    if (bytes < 0) {
      if (errno == EINTR) continue;
      return ErrnoStatus(errno, "rtnetlink");
    }
    // What is left of an answer that was given up half way.
    if (bytes >= static_cast<ssize_t>(sizeof(nlmsghdr)) &&
        reinterpret_cast<const nlmsghdr*>(buffer_.data())->nlmsg_seq != sequence_) {
      continue;
    }
    return absl::MakeConstSpan(buffer_.data(), static_cast<size_t>(bytes));
  }
}

absl::StatusOr<absl::Span<const uint8_t>> NetlinkSocket::Ask(std::vector<uint8_t> request) {
  RETURN_IF_ERROR(Send(request));
  return Receive();
}

absl::StatusOr<bool> NetlinkSocket::DumpOnce(
    std::vector<uint8_t>& request,
    absl::FunctionRef<absl::StatusOr<DumpState>(absl::Span<const uint8_t>)> parse) {
  RETURN_IF_ERROR(Send(request));
  bool interrupted = false;
  for (;;) {
    ASSIGN_OR_RETURN(const absl::Span<const uint8_t> datagram, Receive());
    ASSIGN_OR_RETURN(const DumpState state, parse(datagram));
    interrupted |= state.interrupted;
    if (state.done) return interrupted;
  }
}

}  // namespace correlate
