// Hears what changes in this host's network namespaces: devices (XDP among it), tc filters, and
// namespaces that get or lose a number in ours. One socket in our own namespace hears all those
// that have a number there (NETLINK_LISTEN_ALL_NSID); nothing is opened in, or numbered for, any
// other. tcx and XDP held by a bpf_link are not notified (net/core/dev.c, kernel/bpf/tcx.c). One
// thread.
#ifndef COLLECTOR_RTNL_LISTENER_H_
#define COLLECTOR_RTNL_LISTENER_H_

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "base/scoped_fd.h"
#include "collector/rtnetlink.h"

namespace correlate {

class RtnlListener {
 public:
  static absl::StatusOr<RtnlListener> Open();

  int fd() const { return socket_.get(); }
  // False without CAP_NET_BROADCAST: only our own namespace is heard.
  bool hears_all() const { return hears_all_; }

  // Hands over all that has come, with the number of the namespace (-1: our own); does not block.
  // False if some of it was lost for want of room.
  bool Read(absl::FunctionRef<void(int32_t nsid, const Notification&)> hear);

 private:
  RtnlListener() = default;

  ScopedFd socket_;
  bool hears_all_ = false;
  std::vector<uint8_t> buffer_;
};

}  // namespace correlate

#endif  // COLLECTOR_RTNL_LISTENER_H_
