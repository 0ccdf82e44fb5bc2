// Those functions of libmnl that we call, for the static program: Debian has libmnl as a shared
// library alone. Same names and meaning (libmnl/libmnl.h); the layout of messages is
// linux/netlink.h's. collector/rtnetlink_test runs against both.
#include <libmnl/libmnl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

struct mnl_socket {
  int fd;
};

namespace {

char* Tail(nlmsghdr* message) {
  return reinterpret_cast<char*>(message) + MNL_ALIGN(message->nlmsg_len);
}

}  // namespace

extern "C" {

mnl_socket* mnl_socket_open2(int bus, int flags) {
  const int fd = socket(AF_NETLINK, SOCK_RAW | flags, bus);
  if (fd < 0) return nullptr;
  auto* opened = new (std::nothrow) mnl_socket{fd};
  if (opened == nullptr) {
    close(fd);
    errno = ENOMEM;
  }
  return opened;
}

int mnl_socket_close(mnl_socket* closed) {
  const int result = close(closed->fd);
  delete closed;
  return result;
}

ssize_t mnl_socket_sendto(const mnl_socket* socket, const void* request, size_t size) {
  sockaddr_nl kernel = {};
  kernel.nl_family = AF_NETLINK;
  return sendto(socket->fd, request, size, 0, reinterpret_cast<const sockaddr*>(&kernel),
                sizeof kernel);
}

ssize_t mnl_socket_recvfrom(const mnl_socket* socket, void* buffer, size_t size) {
  sockaddr_nl sender = {};
  iovec piece = {buffer, size};
  msghdr message = {};
  message.msg_name = &sender;
  message.msg_namelen = sizeof sender;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  const ssize_t bytes = recvmsg(socket->fd, &message, 0);
  if (bytes < 0) return bytes;
  if ((message.msg_flags & MSG_TRUNC) != 0) {
    errno = ENOSPC;
    return -1;
  }
  if (message.msg_namelen != sizeof sender) {
    errno = EINVAL;
    return -1;
  }
  return bytes;
}

nlmsghdr* mnl_nlmsg_put_header(void* buffer) {
  std::memset(buffer, 0, MNL_NLMSG_HDRLEN);
  auto* message = static_cast<nlmsghdr*>(buffer);
  message->nlmsg_len = MNL_NLMSG_HDRLEN;
  return message;
}

void* mnl_nlmsg_put_extra_header(nlmsghdr* message, size_t size) {
  char* header = Tail(message);
  const size_t aligned = MNL_ALIGN(size);
  std::memset(header, 0, aligned);
  message->nlmsg_len += static_cast<uint32_t>(aligned);
  return header;
}

void mnl_attr_put(nlmsghdr* message, uint16_t type, size_t size, const void* data) {
  char* tail = Tail(message);
  auto* attribute = reinterpret_cast<nlattr*>(tail);
  const size_t length = MNL_ATTR_HDRLEN + size;
  attribute->nla_type = type;
  attribute->nla_len = static_cast<uint16_t>(length);
  if (size > 0) std::memcpy(tail + MNL_ATTR_HDRLEN, data, size);
  std::memset(tail + length, 0, MNL_ALIGN(length) - length);
  message->nlmsg_len += static_cast<uint32_t>(MNL_ALIGN(length));
}

void mnl_attr_put_u8(nlmsghdr* message, uint16_t type, uint8_t value) {
  mnl_attr_put(message, type, sizeof value, &value);
}

void mnl_attr_put_u32(nlmsghdr* message, uint16_t type, uint32_t value) {
  mnl_attr_put(message, type, sizeof value, &value);
}

void mnl_attr_put_strz(nlmsghdr* message, uint16_t type, const char* text) {
  mnl_attr_put(message, type, std::strlen(text) + 1, text);
}

nlattr* mnl_attr_nest_start(nlmsghdr* message, uint16_t type) {
  char* tail = Tail(message);
  auto* nest = reinterpret_cast<nlattr*>(tail);
  nest->nla_type = NLA_F_NESTED | type;
  message->nlmsg_len += static_cast<uint32_t>(MNL_ATTR_HDRLEN);
  return nest;
}

void mnl_attr_nest_end(nlmsghdr* message, nlattr* nest) {
  nest->nla_len = static_cast<uint16_t>(Tail(message) - reinterpret_cast<char*>(nest));
}

// Without callbacks: the first error of an answer, or an acknowledgement.
int mnl_cb_run(const void* buffer, size_t bytes, unsigned int, unsigned int, mnl_cb_t, void*) {
  const auto* at = static_cast<const char*>(buffer);
  while (bytes >= sizeof(nlmsghdr)) {
    nlmsghdr header;
    std::memcpy(&header, at, sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > bytes) break;
    if (header.nlmsg_type == NLMSG_ERROR) {
      nlmsgerr error = {};
      if (header.nlmsg_len < sizeof header + sizeof error.error) {
        errno = EBADMSG;
        return MNL_CB_ERROR;
      }
      std::memcpy(&error.error, at + sizeof header, sizeof error.error);
      errno = error.error < 0 ? -error.error : error.error;
      return error.error == 0 ? MNL_CB_STOP : MNL_CB_ERROR;
    }
    if (header.nlmsg_type == NLMSG_DONE) return MNL_CB_STOP;
    const size_t step = MNL_ALIGN(header.nlmsg_len);
    if (step >= bytes) break;
    at += step;
    bytes -= step;
  }
  return MNL_CB_OK;
}

}  // extern "C"
