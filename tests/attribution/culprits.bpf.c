/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Programs that drop what they are told to, and write down which packets those were before they do.
 *
 * Each load is one program with constants of its own (bpf.py). So all loads of one function share
 * their tag and their name, as different configurations of one tool do: only what is loaded where
 * tells them apart.
 */
#include <linux/pkt_cls.h>

#include "tests/attribution/packet.bpf.h"

/* Set before the load. */
const volatile __u32 identity = 0;
const volatile __u16 port = 0;         /* packets to it are acted on */
const volatile __s32 action = 0;       /* what is returned for them */
const volatile __s32 otherwise = 0;    /* what is returned for all others */
const volatile __u32 ifindex = 0;      /* where they are sent */
const volatile __u32 passes_first = 0; /* only once the packet came by so many times */

static __always_inline void confess(struct udp_ports ports) {
  __u32 number = ports.source;
  __u32* culprit = bpf_map_lookup_elem(&culprits, &number);

  if (culprit) *culprit = identity;
}

static __always_inline struct udp_ports ports_of_skb(struct __sk_buff* skb) {
  return ports_of_frame((void*)(long)skb->data, (void*)(long)skb->data_end);
}

/* ---- tc, tcx, netkit ---- */

SEC("tc")
int tc_act(struct __sk_buff* skb) {
  struct udp_ports ports = ports_of_skb(skb);

  if (!port || ports.destination != port) return otherwise;
  if (skb->mark < passes_first) {
    skb->mark++;
    return otherwise;
  }
  confess(ports);
  return action;
}

static __noinline int decide_in_subprogram(struct __sk_buff* skb) {
  struct udp_ports ports = ports_of_skb(skb);

  if (!port || ports.destination != port) return otherwise;
  confess(ports);
  return action;
}

SEC("tc")
int tc_subprogram(struct __sk_buff* skb) { return decide_in_subprogram(skb); }

static __noinline int clone_to(struct __sk_buff* skb, __u32 device) {
  long error = bpf_clone_redirect(skb, device, 0);

  return error == 0;
}

/* The clone is freed inside the helper that the subprogram calls; the packet goes its way. */
SEC("tc")
int tc_clone(struct __sk_buff* skb) {
  struct udp_ports ports = ports_of_skb(skb);

  if (port && ports.destination == port) {
    confess(ports);
    clone_to(skb, ifindex);
  }
  return otherwise;
}

SEC("tc")
int tc_redirect(struct __sk_buff* skb) {
  struct udp_ports ports = ports_of_skb(skb);

  if (!port || ports.destination != port) return otherwise;
  confess(ports);
  return bpf_redirect(ifindex, 0);
}

/* Hands every packet over to the other end of a veth pair, in another namespace. */
SEC("tc")
int tc_redirect_peer(struct __sk_buff* skb) {
  return ports_of_skb(skb).destination ? bpf_redirect_peer(ifindex, 0) : otherwise;
}

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} jumps SEC(".maps");

SEC("tc")
int tc_tail_target(struct __sk_buff* skb) {
  confess(ports_of_skb(skb));
  return action;
}

SEC("tc")
int tc_tail_entry(struct __sk_buff* skb) {
  if (port && ports_of_skb(skb).destination == port) bpf_tail_call(skb, &jumps, 0);
  return otherwise;
}

/* ---- XDP ---- */

static __always_inline struct udp_ports ports_of_xdp(struct xdp_md* context) {
  struct udp_ports ports =
      ports_of_frame((void*)(long)context->data, (void*)(long)context->data_end);
  __u32 cpu = bpf_get_smp_processor_id();
  __u32* last = bpf_map_lookup_elem(&last_packet, &cpu);

  if (last) *last = ports.source;
  return ports;
}

SEC("xdp")
int xdp_act(struct xdp_md* context) {
  struct udp_ports ports = ports_of_xdp(context);

  if (!port || ports.destination != port) return XDP_PASS;
  confess(ports);
  return action;
}

SEC("xdp")
int xdp_redirect(struct xdp_md* context) {
  struct udp_ports ports = ports_of_xdp(context);

  if (!port || ports.destination != port) return XDP_PASS;
  confess(ports);
  return bpf_redirect(ifindex, 0);
}

/* ---- Sockets and cgroups ---- */

static __always_inline int cgroup_act(struct __sk_buff* skb) {
  struct udp_ports ports = ports_of_ip((void*)(long)skb->data, (void*)(long)skb->data_end);

  if (!port || ports.destination != port) return 1;
  confess(ports);
  return 0;
}

SEC("cgroup_skb/egress")
int cgroup_egress(struct __sk_buff* skb) { return cgroup_act(skb); }

SEC("cgroup_skb/ingress")
int cgroup_ingress(struct __sk_buff* skb) { return cgroup_act(skb); }

/* On a UDP socket: the UDP header is what comes first. */
SEC("socket")
int socket_act(struct __sk_buff* skb) {
  struct udphdr udp;
  struct udp_ports ports;

  if (bpf_skb_load_bytes(skb, 0, &udp, sizeof(udp))) return skb->len;
  ports = ports_of_udp(&udp);
  if (!port || ports.destination != port) return skb->len;
  confess(ports);
  return 0;
}

/* The filter of a tap device sees the frame. */
SEC("socket")
int tap_act(struct __sk_buff* skb) {
  struct udphdr udp;
  struct udp_ports ports;

  if (bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(struct iphdr), &udp, sizeof(udp))) return skb->len;
  ports = ports_of_udp(&udp);
  if (!port || ports.destination != port) return skb->len;
  confess(ports);
  return 0;
}

/* ---- netfilter ---- */

struct sk_buff {
  __u16 network_header;
  unsigned char* head;
} __attribute__((preserve_access_index));

struct bpf_nf_ctx {
  const void* state;
  struct sk_buff* skb;
} __attribute__((preserve_access_index));

enum { NF_DROP = 0, NF_ACCEPT = 1 };

SEC("netfilter")
int nf_act(struct bpf_nf_ctx* context) {
  unsigned char ip[sizeof(struct iphdr) + sizeof(struct udphdr)];
  struct sk_buff* skb = context->skb;
  struct udp_ports ports;

  if (bpf_probe_read_kernel(ip, sizeof(ip), skb->head + skb->network_header)) return NF_ACCEPT;
  ports = ports_of_ip(ip, ip + sizeof(ip));
  if (!port || ports.destination != port) return NF_ACCEPT;
  confess(ports);
  return NF_DROP;
}

/* ---- Another tool, which only watches ---- */

SEC("raw_tp/kfree_skb")
int watch_raw(void* context) {
  (void)context;
  return 0;
}

/* 1: whoever reads the same tracepoint by perf shall still see the event. */
SEC("tracepoint/skb/kfree_skb")
int watch_perf(void* context) {
  (void)context;
  return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
