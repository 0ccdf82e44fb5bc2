/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Where a packet was when it was freed: device and network namespace, each only where it is proven
 * to be one. Costs a handful of reads. */
#ifndef COLLECTOR_PACKET_PLACE_BPF_H_
#define COLLECTOR_PACKET_PLACE_BPF_H_

/* clang-format off */
#include "collector/kernel_types.bpf.h"
#include "collector/kernel_read.bpf.h"
#include <bpf/bpf_helpers.h>
/* clang-format on */

/* What every network namespace's ns.ops points to; found by learn_netns_ops. */
const void* netns_ops = 0;

struct packet_place {
  __u64 netns_cookie;
  __u32 netns_inode; /* 0: unknown */
  __u32 ifindex;     /* 0: unknown */
  __u32 is_device;   /* else the ifindex is skb_iif: where the packet came in */
};

static __always_inline __u64 cookie_of(struct net* net) {
  if (bpf_core_field_exists(net->net_cookie)) {
    /* An atomic64_t before 5.14: the same eight bytes. */
    return READ_WORD((void*)net + bpf_core_field_offset(struct net, net_cookie));
  }
  struct ns_common___id* ns = (void*)net + bpf_core_field_offset(struct net, ns);
  return bpf_core_field_exists(ns->ns_id) ? READ(ns, ns_id) : 0;
}

static __always_inline bool find_netns(struct packet_place* place, struct net* net) {
  if (!net || !netns_ops || READ(net, ns.ops) != netns_ops) return false;
  place->netns_inode = READ(net, ns.inum);
  place->netns_cookie = cookie_of(net);
  return true;
}

/* True if `device` is one: skb->dev shares its place with other things, so only what leads to a
 * network namespace is believed. */
static __always_inline bool find_device(struct packet_place* place, struct net_device* device) {
  if (!device) return false;
  int ifindex = READ(device, ifindex);
  if (ifindex <= 0) return false;
  if (!find_netns(place, READ(device, nd_net.net))) return false;
  place->ifindex = ifindex;
  place->is_device = 1;
  return true;
}

/* `rx_sk`: the receiving socket, where the kernel passes it. */
static __always_inline void find_packet(struct packet_place* place, struct sk_buff* skb,
                                        struct sock* rx_sk) {
  if (find_device(place, READ(skb, dev))) return;
  struct sock* sk = rx_sk ? rx_sk : READ(skb, sk);
  if (!sk || !find_netns(place, READ(sk, __sk_common.skc_net.net))) return;
  int ifindex = READ(skb, skb_iif);
  if (ifindex > 0) place->ifindex = ifindex;
}

/* Run once by BPF_PROG_TEST_RUN, in our own process. */
SEC("raw_tp")
int learn_netns_ops(void* context) {
  (void)context;
  struct task_struct* task = (void*)bpf_get_current_task();

  netns_ops = READ(task, nsproxy, net_ns, ns.ops);
  return 0;
}

#endif /* COLLECTOR_PACKET_PLACE_BPF_H_ */
