// A network namespace of our own, and the way in and out of it. It lives as long as a descriptor, a
// mount, a process or a socket is in it; with the last of them go its devices and whatever is
// attached to them. Entering is a matter of the calling thread alone.
#ifndef CLI_DEMO_SCOPED_NETNS_H_
#define CLI_DEMO_SCOPED_NETNS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/scoped_fd.h"

namespace correlate {

// While it lives, the thread that made it is in the namespace. If the way back fails the process
// aborts: going on in a wrong namespace could touch the host's network.
class NetnsEntry {
 public:
  NetnsEntry(NetnsEntry&&) = default;
  NetnsEntry& operator=(NetnsEntry&&) = delete;
  ~NetnsEntry();

 private:
  friend class ScopedNetns;
  explicit NetnsEntry(ScopedFd back) : back_(std::move(back)) {}
  ScopedFd back_;
};

class ScopedNetns {
 public:
  // A fresh namespace with its loopback device up. The calling thread stays where it is.
  static absl::StatusOr<ScopedNetns> Create();

  absl::StatusOr<NetnsEntry> Enter() const;
  // Makes it visible as `path`, which is created: a mount, gone with the caller's mount namespace.
  absl::Status MountAt(const std::string& path) const;
  int fd() const { return fd_.get(); }

 private:
  explicit ScopedNetns(ScopedFd fd) : fd_(std::move(fd)) {}
  ScopedFd fd_;
};

}  // namespace correlate

#endif  // CLI_DEMO_SCOPED_NETNS_H_
