// One rtnetlink socket for dumps and questions. It belongs to the network namespace that its opener
// was in, and would keep it alive: open it, ask, and let it go.
#ifndef COLLECTOR_NETLINK_SOCKET_H_
#define COLLECTOR_NETLINK_SOCKET_H_

#include <libmnl/libmnl.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "collector/rtnetlink.h"

namespace correlate {

// What a dump gave. Not consistent: the kernel's list changed during each of several attempts, so
// that the last one may lack an entry or hold one twice.
template <typename Message>
struct Dumped {
  std::vector<Message> messages;
  bool consistent = true;
};

class NetlinkSocket {
 public:
  static absl::StatusOr<NetlinkSocket> Open();

  // Sends `request` and gathers what `parse` (ParseLinks and the like) makes of the answer; again,
  // a few times, while the kernel says that the list changed meanwhile.
  template <typename Message>
  absl::StatusOr<Dumped<Message>> Dump(std::vector<uint8_t> request,
                                       absl::StatusOr<DumpState> (*parse)(absl::Span<const uint8_t>,
                                                                          std::vector<Message>&)) {
    Dumped<Message> dumped;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      dumped.messages.clear();
      ASSIGN_OR_RETURN(const bool interrupted,
                       DumpOnce(request, [&](absl::Span<const uint8_t> datagram) {
                         return parse(datagram, dumped.messages);
                       }));
      dumped.consistent = !interrupted;
      if (dumped.consistent) break;
    }
    return dumped;
  }

  // Sends `request`, which is answered by one datagram (an error is one too), valid until the next
  // call.
  absl::StatusOr<absl::Span<const uint8_t>> Ask(std::vector<uint8_t> request);

 private:
  static constexpr int kAttempts = 5;

  struct Close {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };
  explicit NetlinkSocket(mnl_socket* socket);

  absl::Status Send(std::vector<uint8_t>& request);
  absl::StatusOr<absl::Span<const uint8_t>> Receive();  // the next datagram of the answer
  // Whether the kernel said that the list changed.
  absl::StatusOr<bool> DumpOnce(
      std::vector<uint8_t>& request,
      absl::FunctionRef<absl::StatusOr<DumpState>(absl::Span<const uint8_t>)> parse);

  std::unique_ptr<mnl_socket, Close> socket_;
  std::vector<uint8_t> buffer_;
  uint32_t sequence_ = 0;
};

}  // namespace correlate

#endif  // COLLECTOR_NETLINK_SOCKET_H_
