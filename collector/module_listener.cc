#include "collector/module_listener.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "absl/strings/match.h"
#include "base/errno_status.h"

namespace correlate {
namespace {

constexpr uint32_t kKernelGroup = 1;  // udev speaks in another one

}  // namespace

bool IsModuleUevent(absl::string_view message) {
  return absl::StartsWith(message, "add@/module/") || absl::StartsWith(message, "remove@/module/");
}

absl::StatusOr<ModuleListener> ModuleListener::Open() {
  ModuleListener listener;
  listener.socket_ =
      ScopedFd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT));
  const sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = kKernelGroup};
  if (listener.socket_.get() < 0 ||
      bind(listener.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return ErrnoStatus(errno, "the kernel's uevents");
  }
  return listener;
}

bool ModuleListener::Read() {
  bool changed = false;
  std::array<char, 4096> buffer;  // UEVENT_BUFFER_SIZE is 2048
  for (;;) {
    sockaddr_nl sender = {};
    socklen_t sender_bytes = sizeof sender;
    const ssize_t bytes = recvfrom(fd(), buffer.data(), buffer.size(), 0,
                                   reinterpret_cast<sockaddr*>(&sender), &sender_bytes);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0 && errno == ENOBUFS) {
      changed = true;
      continue;
    }
    if (bytes < 0) return changed;
    if (sender.nl_pid != 0) continue;  // not the kernel
    changed |= IsModuleUevent({buffer.data(), static_cast<size_t>(bytes)});
  }
}

}  // namespace correlate
