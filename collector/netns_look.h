// One look at everything attached inside one network namespace, by a thread that is in it: XDP on
// devices, the filters of clsact and ingress qdiscs and what else stands among them, tcx, netkit,
// the namespace's own hooks. Nothing stays open.
#ifndef COLLECTOR_NETNS_LOOK_H_
#define COLLECTOR_NETNS_LOOK_H_

#include "absl/status/status.h"
#include "collector/event.h"
#include "collector/netlink_socket.h"
#include "collector/rtnetlink.h"

namespace correlate {

// Remembers between looks what this host refuses, so as not to ask again. One thread at a time.
class NetnsLooker {
 public:
  // The thread is inside `netns`. What could be seen is in the look even if it is not complete.
  absl::Status Look(const Netns& netns, AttachmentLook& look);

  // Programs on hooks that bpf(2) is asked for could not be seen: CAP_NET_ADMIN is missing.
  bool query_refused() const { return query_refused_; }

 private:
  absl::Status LookAtDevices(AttachmentLook& look);
  absl::Status AddTc(const Attachment& device, TcHook hook, NetlinkSocket& socket,
                     AttachmentLook& look);
  void AddQueried(const Attachment& device, uint32_t attach_type, AttachmentLook& look);
  void LookAtNetnsHooks(AttachmentLook& look);

  bool query_refused_ = false;
  bool has_tcx_ = true;
  bool has_netkit_ = true;
};

}  // namespace correlate

#endif  // COLLECTOR_NETNS_LOOK_H_
