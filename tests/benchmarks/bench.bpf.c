/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What drops packets in benchmarks: by its verdict, or inside a helper that it calls from one of
 * several places, so that each place of each load of it is a callchain of its own. */
#include <linux/pkt_cls.h>

#include "cli/demo/udp_port.bpf.h"

/* The same numbers stand in traffic.py. */
enum { PORT_SHOT = 7001, PORT_INSIDE = 7010, IFINDEX_DOWN = 77 };

SEC("tc")
int bench_tc(struct __sk_buff* skb) {
  __u16 port = udp_destination((void*)(long)skb->data, (void*)(long)skb->data_end);

  switch (port) {
    case PORT_SHOT:
      return TC_ACT_SHOT;
    case PORT_INSIDE:
      bpf_clone_redirect(skb, IFINDEX_DOWN, 0);
      return TC_ACT_STOLEN;
    case PORT_INSIDE + 1:
      bpf_clone_redirect(skb, IFINDEX_DOWN, 0);
      return TC_ACT_QUEUED;
    case PORT_INSIDE + 2:
      bpf_clone_redirect(skb, IFINDEX_DOWN, 0);
      return TC_ACT_TRAP;
    default:
      return TC_ACT_OK;
  }
}

SEC("xdp")
int bench_xdp(struct xdp_md* context) {
  if (udp_destination((void*)(long)context->data, (void*)(long)context->data_end) == PORT_SHOT)
    return XDP_ABORTED;
  return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
