/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Programs that drop packets and write down that it was they: the truth that attributions are
 * judged by. A packet is known by its UDP source port, which is its own; its destination port says
 * who is to drop it. */
/* clang-format off */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

/* The same numbers stand in arena.py. */
enum {
  PORT_A = 7101,
  PORT_B = 7102,
  PORT_CLONE = 7103,
  PORT_TAIL = 7104,
  PORT_REDIRECT = 7105,
  PORT_ABORTED = 7106,
  PORT_UNKNOWN = 7107,
  PORT_CGROUP = 7108,
  PORT_SOCKET = 7109,
  PORT_PEER = 7110,
  PORT_EITHER = 7111, /* whoever sees it first */
  IFINDEX_DOWN = 77,
  IFINDEX_NOWHERE = 0x7ffffff0,
  UNKNOWN_ACTION = 42,
};

/* Who a program is, in `truth`. */
enum {
  NAME_A = 1,
  NAME_B,
  NAME_CLONE,
  NAME_TAIL,
  NAME_XDP,
  NAME_CGROUP,
  NAME_SOCKET,
  NAME_PEER,
  NAME_CGROUP_INGRESS
};

/* Packet -> who dropped it. Each load of the object has its own. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, __u32);
} truth SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} tails SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} peer SEC(".maps"); /* ifindex for bpf_redirect_peer */

/* Network order, as in the packet; 0: no UDP. VLAN tags in the packet are stepped over. */
static __always_inline struct udphdr* find_udp(void* data, void* end) {
  struct ethhdr* eth = data;
  void* next = eth + 1;

  if (next > end) return 0;
  __u16 type = eth->h_proto;
  if (type == bpf_htons(ETH_P_8021Q)) {
    if (next + 4 > end) return 0;
    type = *(__u16*)(next + 2);
    next += 4;
  }
  if (type == bpf_htons(ETH_P_IP)) {
    struct iphdr* ip = next;
    if ((void*)(ip + 1) > end || ip->ihl != 5 || ip->protocol != IPPROTO_UDP) return 0;
    next = ip + 1;
  } else if (type == bpf_htons(ETH_P_IPV6)) {
    struct ipv6hdr* ip = next;
    if ((void*)(ip + 1) > end || ip->nexthdr != IPPROTO_UDP) return 0;
    next = ip + 1;
  } else {
    return 0;
  }
  return next + sizeof(struct udphdr) > end ? 0 : next;
}

static __always_inline void confess(struct udphdr* udp, __u32 name) {
  __u32 packet = bpf_ntohs(udp->source);

  bpf_map_update_elem(&truth, &packet, &name, BPF_ANY);
}

static __always_inline int drop(struct __sk_buff* skb, __u16 port, __u32 name) {
  struct udphdr* udp = find_udp((void*)(long)skb->data, (void*)(long)skb->data_end);

  if (!udp || (udp->dest != bpf_htons(port) && udp->dest != bpf_htons(PORT_EITHER)))
    return TC_ACT_UNSPEC;
  confess(udp, name);
  return TC_ACT_SHOT;
}

SEC("tc")
int drop_a(struct __sk_buff* skb) { return drop(skb, PORT_A, NAME_A); }

SEC("tc")
int drop_b(struct __sk_buff* skb) { return drop(skb, PORT_B, NAME_B); }

SEC("tc")
int pass(struct __sk_buff* skb) { return skb->len == 0xffffffff ? TC_ACT_SHOT : TC_ACT_UNSPEC; }

static __noinline long clone_to(struct __sk_buff* skb, __u32 ifindex) {
  return bpf_clone_redirect(skb, ifindex, 0);
}

SEC("tc")
int clone(struct __sk_buff* skb) {
  struct udphdr* udp = find_udp((void*)(long)skb->data, (void*)(long)skb->data_end);

  if (!udp || udp->dest != bpf_htons(PORT_CLONE)) return TC_ACT_UNSPEC;
  confess(udp, NAME_CLONE);
  clone_to(skb, IFINDEX_DOWN);
  return TC_ACT_UNSPEC;
}

SEC("tc")
int tail_target(struct __sk_buff* skb) {
  return skb->len == 0xffffffff ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

SEC("tc")
int tail(struct __sk_buff* skb) {
  struct udphdr* udp = find_udp((void*)(long)skb->data, (void*)(long)skb->data_end);

  if (!udp || udp->dest != bpf_htons(PORT_TAIL)) return TC_ACT_UNSPEC;
  confess(udp, NAME_TAIL);
  bpf_tail_call(skb, &tails, 0);
  return TC_ACT_UNSPEC;
}

SEC("tc")
int redirect_nowhere(struct __sk_buff* skb) {
  struct udphdr* udp = find_udp((void*)(long)skb->data, (void*)(long)skb->data_end);

  if (!udp || udp->dest != bpf_htons(PORT_REDIRECT)) return TC_ACT_UNSPEC;
  return bpf_redirect(IFINDEX_NOWHERE, 0);
}

SEC("tc")
int to_peer(struct __sk_buff* skb) {
  struct udphdr* udp = find_udp((void*)(long)skb->data, (void*)(long)skb->data_end);
  __u32 zero = 0;
  __u32* ifindex = bpf_map_lookup_elem(&peer, &zero);

  if (!udp || !ifindex || udp->dest != bpf_htons(PORT_PEER)) return TC_ACT_UNSPEC;
  return bpf_redirect_peer(*ifindex, 0);
}

SEC("tc")
int drop_peer(struct __sk_buff* skb) { return drop(skb, PORT_PEER, NAME_PEER); }

SEC("xdp")
int xdp_verdict(struct xdp_md* context) {
  struct udphdr* udp = find_udp((void*)(long)context->data, (void*)(long)context->data_end);
  int action = XDP_PASS;

  if (!udp) return XDP_PASS;
  if (udp->dest == bpf_htons(PORT_A)) action = XDP_DROP;
  if (udp->dest == bpf_htons(PORT_ABORTED)) action = XDP_ABORTED;
  if (udp->dest == bpf_htons(PORT_UNKNOWN)) action = UNKNOWN_ACTION;
  if (action != XDP_PASS) confess(udp, NAME_XDP);
  return action;
}

static __always_inline int allow(struct __sk_buff* skb, __u16 port, __u32 name) {
  struct udphdr udp;

  /* A cgroup's program sees the packet from its network header on. */
  if (skb->protocol != bpf_htons(ETH_P_IP) ||
      bpf_skb_load_bytes(skb, sizeof(struct iphdr), &udp, sizeof(udp)))
    return 1;
  if (udp.dest != bpf_htons(port)) return 1;
  confess(&udp, name);
  return 0;
}

SEC("cgroup_skb/egress")
int cgroup_egress(struct __sk_buff* skb) { return allow(skb, PORT_CGROUP, NAME_CGROUP); }

SEC("cgroup_skb/ingress")
int cgroup_ingress(struct __sk_buff* skb) { return allow(skb, PORT_CGROUP, NAME_CGROUP_INGRESS); }

/* Sees the packet from its UDP header on; the length to keep, or 0. */
SEC("socket")
int socket_filter(struct __sk_buff* skb) {
  struct udphdr udp;

  if (bpf_skb_load_bytes(skb, 0, &udp, sizeof(udp)) || udp.dest != bpf_htons(PORT_SOCKET))
    return skb->len;
  confess(&udp, NAME_SOCKET);
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
