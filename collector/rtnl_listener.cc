#include "collector/rtnl_listener.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/errno_status.h"

namespace correlate {
namespace {

constexpr int kQueueBytes = 4 << 20;  // thousands of messages, until somebody reads
constexpr size_t kDatagramBytes = 64 * 1024;

// The namespace a message came from; our own comes without a number.
int32_t NsidOf(msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == SOL_NETLINK && header->cmsg_type == NETLINK_LISTEN_ALL_NSID) {
      int32_t nsid = -1;
      std::memcpy(&nsid, CMSG_DATA(header), sizeof nsid);
      return nsid;
    }
  }
  return -1;
}

}  // namespace

absl::StatusOr<RtnlListener> RtnlListener::Open() {
  RtnlListener listener;
  listener.socket_ =
      ScopedFd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  const int fd = listener.socket_.get();
  if (fd < 0) return ErrnoStatus(errno, "a netlink socket");
  const sockaddr_nl any = {.nl_family = AF_NETLINK};
  if (bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) {
    return ErrnoStatus(errno, "a netlink socket");
  }
  listener.buffer_.resize(kDatagramBytes);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kQueueBytes, sizeof kQueueBytes);
  constexpr int kOn = 1;
  listener.hears_all_ = setsockopt(fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &kOn, sizeof kOn) == 0;
  for (const int group : {RTNLGRP_LINK, RTNLGRP_TC, RTNLGRP_NSID}) {
    if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
      return ErrnoStatus(errno, "notifications of rtnetlink");
    }
  }
  return listener;
}

bool RtnlListener::Read(absl::FunctionRef<void(int32_t nsid, const Notification&)> hear) {
  bool whole = true;
  for (;;) {
    alignas(cmsghdr) char control[128];
    iovec data = {.iov_base = buffer_.data(), .iov_len = buffer_.size()};
    msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t bytes = recvmsg(socket_.get(), &message, 0);
    if (bytes < 0) {
      if (errno == EINTR) continue;
      if (errno != ENOBUFS) return whole;  // EAGAIN: that was all
      whole = false;
      continue;
    }
    const int32_t nsid = NsidOf(message);
    for (const Notification& notification :
         ParseNotifications({buffer_.data(), static_cast<size_t>(bytes)})) {
      hear(nsid, notification);
    }
  }
}

}  // namespace correlate
