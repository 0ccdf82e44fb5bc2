/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Programs whose verdicts the tests know: each looks for UDP to one port and leaves the rest alone.
 */
#include <linux/pkt_cls.h>

#include "cli/demo/udp_port.bpf.h"

/* The same numbers stand in lab.py. */
enum {
  PORT_SHOT = 7001,
  PORT_ABORT = 7002,
  PORT_UNKNOWN_ACTION = 7003,
  PORT_REDIRECT_NOWHERE = 7004,
  PORT_MIRROR = 7005,
  PORT_TX = 7006,
  IFINDEX_DOWN = 77,
  IFINDEX_NOWHERE = 0x7ffffff0,
  UNKNOWN_ACTION = 42,
  STORM_CLONES = 1000,
};

static __always_inline __u16 port_of(struct __sk_buff* skb) {
  return udp_destination((void*)(long)skb->data, (void*)(long)skb->data_end);
}

static __noinline int lab_decide(struct __sk_buff* skb) {
  __u16 port = port_of(skb);

  if (port == PORT_SHOT) return TC_ACT_SHOT;
  if (port == PORT_REDIRECT_NOWHERE) return bpf_redirect(IFINDEX_NOWHERE, 0);
  return TC_ACT_OK;
}

/* Drops by its verdict: it has returned when the packet is freed. */
SEC("tc")
int lab_tc_verdict(struct __sk_buff* skb) { return lab_decide(skb); }

static __noinline int lab_clone_to(struct __sk_buff* skb, __u32 ifindex) {
  long error = bpf_clone_redirect(skb, ifindex, 0);

  return error == 0;
}

/* The clone is freed inside the helper that the subprogram calls; the packet goes its way. */
SEC("tc")
int lab_tc_mirror(struct __sk_buff* skb) {
  if (port_of(skb) == PORT_MIRROR) lab_clone_to(skb, IFINDEX_DOWN);
  return TC_ACT_OK;
}

SEC("xdp")
int lab_xdp(struct xdp_md* context) {
  void* data = (void*)(long)context->data;
  void* end = (void*)(long)context->data_end;
  __u16 port = udp_destination(data, end);

  if (port == PORT_ABORT) return XDP_ABORTED;
  if (port == PORT_UNKNOWN_ACTION) return UNKNOWN_ACTION;
  if (port == PORT_REDIRECT_NOWHERE) return bpf_redirect(IFINDEX_NOWHERE, 0);
  if (port == PORT_TX) return XDP_TX;
  return XDP_PASS;
}

/* As many kinds of exceptions as there are source ports: the action is the port. */
SEC("xdp")
int lab_xdp_port(struct xdp_md* context) {
  struct ethhdr* eth = (void*)(long)context->data;
  struct iphdr* ip = (void*)(eth + 1);
  struct udphdr* udp = (void*)(ip + 1);

  if ((void*)(udp + 1) > (void*)(long)context->data_end) return XDP_PASS;
  if (eth->h_proto != bpf_htons(ETH_P_IP) || ip->protocol != IPPROTO_UDP) return XDP_PASS;
  return bpf_ntohs(udp->source);
}

/* STORM_CLONES drops a run, as fast as one CPU can; for BPF_PROG_TEST_RUN. */
SEC("tc")
int lab_storm(struct __sk_buff* skb) {
  for (int i = 0; i < STORM_CLONES; i++) bpf_clone_redirect(skb, IFINDEX_DOWN, 0);
  return TC_ACT_OK;
}

enum { NUMBERED_CPUS = 8, NUMBERS = 1 << 24 };
__u32 lab_numbers[NUMBERED_CPUS]; /* of the last packet that lab_numbered made on each */

/* The same; each drop's source address is its CPU and the next of that CPU's numbers. */
SEC("tc")
int lab_numbered(struct __sk_buff* skb) {
  __u32 cpu = bpf_get_smp_processor_id();

  if (cpu >= NUMBERED_CPUS) return TC_ACT_OK;
  for (int i = 0; i < STORM_CLONES; i++) {
    __u32 next = (lab_numbers[cpu] + 1) % NUMBERS;
    __be32 number = bpf_htonl(cpu * NUMBERS + next);

    lab_numbers[cpu] = next;

    bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct iphdr, saddr), &number, sizeof number, 0);
    bpf_clone_redirect(skb, IFINDEX_DOWN, 0);
  }
  return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
