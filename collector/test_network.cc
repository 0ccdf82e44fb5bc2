#include "collector/test_network.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sched.h>
#include <sys/socket.h>

#include "absl/functional/function_ref.h"

namespace correlate {
namespace {

// Sends one request that creates something and waits for the kernel's word on it.
template <typename Header>
bool Create(uint16_t type, const Header& header, absl::FunctionRef<void(nlmsghdr*)> attributes) {
  alignas(8) char buffer[4096] = {};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer);
  message->nlmsg_type = type;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
  *static_cast<Header*>(mnl_nlmsg_put_extra_header(message, sizeof header)) = header;
  attributes(message);
  mnl_socket* socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
  if (socket == nullptr) return false;
  bool agreed = false;
  if (mnl_socket_sendto(socket, message, message->nlmsg_len) > 0) {
    alignas(8) char answer[8192];
    const ssize_t bytes = mnl_socket_recvfrom(socket, answer, sizeof answer);
    agreed = bytes > 0 &&
             mnl_cb_run(answer, static_cast<size_t>(bytes), 0, 0, nullptr, nullptr) == MNL_CB_STOP;
  }
  mnl_socket_close(socket);
  return agreed;
}

uint32_t Parent(TcHook hook) {
  return TC_H_MAKE(TC_H_CLSACT, hook == TcHook::kIngress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

tcmsg FilterHeader(uint32_t ifindex, TcHook hook, uint32_t pref, uint32_t handle) {
  return {.tcm_ifindex = static_cast<int>(ifindex),
          .tcm_handle = handle,
          .tcm_parent = Parent(hook),
          .tcm_info = TC_H_MAKE(pref << 16, htons(ETH_P_ALL))};
}

}  // namespace

bool EnterNewNetns() { return unshare(CLONE_NEWNET) == 0; }

bool AddVethPair(const std::string& name, const std::string& peer) {
  return Create(RTM_NEWLINK, ifinfomsg{}, [&](nlmsghdr* message) {
    mnl_attr_put_strz(message, IFLA_IFNAME, name.c_str());
    nlattr* info = mnl_attr_nest_start(message, IFLA_LINKINFO);
    mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
    nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
    nlattr* peer_info = mnl_attr_nest_start(message, VETH_INFO_PEER);
    mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg));
    mnl_attr_put_strz(message, IFLA_IFNAME, peer.c_str());
    mnl_attr_nest_end(message, peer_info);
    mnl_attr_nest_end(message, data);
    mnl_attr_nest_end(message, info);
  });
}

bool AddClsact(uint32_t ifindex) {
  const tcmsg header = {.tcm_ifindex = static_cast<int>(ifindex),
                        .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
                        .tcm_parent = TC_H_CLSACT};
  return Create(RTM_NEWQDISC, header,
                [](nlmsghdr* message) { mnl_attr_put_strz(message, TCA_KIND, "clsact"); });
}

bool AddBpfFilter(uint32_t ifindex, TcHook hook, uint32_t chain, uint32_t pref, uint32_t handle,
                  const ScopedFd& program) {
  return Create(RTM_NEWTFILTER, FilterHeader(ifindex, hook, pref, handle), [&](nlmsghdr* message) {
    mnl_attr_put_strz(message, TCA_KIND, "bpf");
    if (chain != 0) mnl_attr_put_u32(message, TCA_CHAIN, chain);
    nlattr* options = mnl_attr_nest_start(message, TCA_OPTIONS);
    mnl_attr_put_u32(message, TCA_BPF_FD, static_cast<uint32_t>(program.get()));
    mnl_attr_put_strz(message, TCA_BPF_NAME, "test");
    mnl_attr_put_u32(message, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
    mnl_attr_nest_end(message, options);
  });
}

bool AddU32Filter(uint32_t ifindex, TcHook hook, uint32_t pref) {
  return Create(RTM_NEWTFILTER, FilterHeader(ifindex, hook, pref, 0), [](nlmsghdr* message) {
    mnl_attr_put_strz(message, TCA_KIND, "u32");
    nlattr* options = mnl_attr_nest_start(message, TCA_OPTIONS);
    // One key of zeros: nothing is compared.
    alignas(tc_u32_sel) char match[sizeof(tc_u32_sel) + sizeof(tc_u32_key)] = {};
    auto* selector = reinterpret_cast<tc_u32_sel*>(match);
    selector->flags = TC_U32_TERMINAL;
    selector->nkeys = 1;
    mnl_attr_put(message, TCA_U32_SEL, sizeof match, match);
    mnl_attr_nest_end(message, options);
  });
}

}  // namespace correlate
