#include "cli/demo/rtnl.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/status_macros.h"

namespace correlate {
namespace {

constexpr char kNeedsNetAdmin[] = "run as root: this needs CAP_NET_ADMIN";

struct CloseSocket {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};

using Attributes = absl::FunctionRef<void(nlmsghdr*)>;

// Sends one request and waits for the kernel's word on it: 0 or an errno.
template <typename Header>
int Ask(uint16_t type, uint16_t flags, const Header& header, Attributes attributes) {
  alignas(NLMSG_ALIGNTO) char buffer[4096] = {};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer);
  message->nlmsg_type = type;
  message->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  *static_cast<Header*>(mnl_nlmsg_put_extra_header(message, sizeof header)) = header;
  attributes(message);
  const std::unique_ptr<mnl_socket, CloseSocket> socket(
      mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
  if (socket == nullptr) return errno;
  if (mnl_socket_sendto(socket.get(), message, message->nlmsg_len) < 0) return errno;
  alignas(NLMSG_ALIGNTO) char answer[8192];
  const ssize_t bytes = mnl_socket_recvfrom(socket.get(), answer, sizeof answer);
  if (bytes < 0) return errno;
  return mnl_cb_run(answer, static_cast<size_t>(bytes), 0, 0, nullptr, nullptr) < 0 ? errno : 0;
}

absl::Status Told(int error, const std::string& what) {
  if (error == 0) return absl::OkStatus();
  return ErrnoStatus(error, what, error == EPERM ? kNeedsNetAdmin : "");
}

void PutVethEnd(nlmsghdr* message, const VethEnd& end) {
  mnl_attr_put_strz(message, IFLA_IFNAME, end.name.c_str());
  mnl_attr_put(message, IFLA_ADDRESS, end.mac.size(), end.mac.data());
  mnl_attr_put_u32(message, IFLA_NET_NS_FD, static_cast<uint32_t>(end.netns_fd));
}

struct IpAddress {
  uint8_t family = 0;
  uint8_t bytes[16] = {};
  size_t size = 0;
};

absl::StatusOr<IpAddress> ParseIp(const std::string& text) {
  IpAddress ip;
  ip.family = text.find(':') == std::string::npos ? AF_INET : AF_INET6;
  ip.size = ip.family == AF_INET ? 4 : 16;
  if (inet_pton(ip.family, text.c_str(), ip.bytes) != 1) {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' is no IP address"));
  }
  return ip;
}

}  // namespace

absl::Status CreateVeth(const VethEnd& end, const VethEnd& peer) {
  const int error =
      Ask(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{}, [&](nlmsghdr* message) {
        PutVethEnd(message, end);
        nlattr* info = mnl_attr_nest_start(message, IFLA_LINKINFO);
        mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
        nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
        nlattr* peer_info = mnl_attr_nest_start(message, VETH_INFO_PEER);
        mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg));
        PutVethEnd(message, peer);
        mnl_attr_nest_end(message, peer_info);
        mnl_attr_nest_end(message, data);
        mnl_attr_nest_end(message, info);
      });
  const std::string what = absl::StrCat("veth pair ", end.name, " and ", peer.name);
  if (error == EOPNOTSUPP) {
    return ErrnoStatus(error, what, "this kernel has no veth devices (CONFIG_VETH, module veth)");
  }
  return Told(error, what);
}

absl::StatusOr<uint32_t> LinkIndex(const std::string& name) {
  const unsigned index = if_nametoindex(name.c_str());
  if (index == 0) return ErrnoStatus(errno, absl::StrCat("device ", name));
  return index;
}

absl::Status SetLinkUp(const std::string& name) {
  ASSIGN_OR_RETURN(const uint32_t index, LinkIndex(name));
  ifinfomsg header = {};
  header.ifi_index = static_cast<int>(index);
  const int error = Ask(RTM_NEWLINK, 0, header, [](nlmsghdr* message) {
    nlattr* families = mnl_attr_nest_start(message, IFLA_AF_SPEC);
    nlattr* inet6 = mnl_attr_nest_start(message, AF_INET6);
    mnl_attr_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    mnl_attr_nest_end(message, inet6);
    mnl_attr_nest_end(message, families);
  });
  // The latter: a host without IPv6.
  if (error != 0 && error != EAFNOSUPPORT) {
    return Told(error, absl::StrCat("device ", name, " without IPv6 addresses of its own"));
  }
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  return Told(Ask(RTM_NEWLINK, 0, header, [](nlmsghdr*) {}), absl::StrCat("device ", name, " up"));
}

absl::Status AddAddress(const std::string& link, const std::string& address, uint8_t prefix_bits) {
  ASSIGN_OR_RETURN(const uint32_t index, LinkIndex(link));
  ASSIGN_OR_RETURN(const IpAddress ip, ParseIp(address));
  ifaddrmsg header = {};
  header.ifa_family = ip.family;
  header.ifa_prefixlen = prefix_bits;
  header.ifa_index = index;
  if (ip.family == AF_INET6) header.ifa_flags = IFA_F_NODAD;
  const int error = Ask(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, header, [&](nlmsghdr* message) {
    mnl_attr_put(message, IFA_LOCAL, ip.size, ip.bytes);
    mnl_attr_put(message, IFA_ADDRESS, ip.size, ip.bytes);
  });
  return Told(error, absl::StrCat("address ", address, " of ", link));
}

absl::Status AddNeighbour(const std::string& link, const std::string& address,
                          const MacAddress& mac) {
  ASSIGN_OR_RETURN(const uint32_t index, LinkIndex(link));
  ASSIGN_OR_RETURN(const IpAddress ip, ParseIp(address));
  ndmsg header = {};
  header.ndm_family = ip.family;
  header.ndm_ifindex = static_cast<int>(index);
  header.ndm_state = NUD_PERMANENT;
  const int error = Ask(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, header, [&](nlmsghdr* message) {
    mnl_attr_put(message, NDA_DST, ip.size, ip.bytes);
    mnl_attr_put(message, NDA_LLADDR, mac.size(), mac.data());
  });
  return Told(error, absl::StrCat("neighbour ", address, " on ", link));
}

absl::Status AddRoute(const std::string& destination, uint8_t prefix_bits,
                      const std::string& gateway) {
  ASSIGN_OR_RETURN(const IpAddress to, ParseIp(destination));
  ASSIGN_OR_RETURN(const IpAddress via, ParseIp(gateway));
  rtmsg header = {};
  header.rtm_family = to.family;
  header.rtm_dst_len = prefix_bits;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_STATIC;
  header.rtm_scope = RT_SCOPE_UNIVERSE;
  header.rtm_type = RTN_UNICAST;
  const int error = Ask(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, header, [&](nlmsghdr* message) {
    mnl_attr_put(message, RTA_DST, to.size, to.bytes);
    mnl_attr_put(message, RTA_GATEWAY, via.size, via.bytes);
  });
  return Told(error, absl::StrCat("route to ", destination, " by way of ", gateway));
}

}  // namespace correlate
