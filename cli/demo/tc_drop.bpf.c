/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* A tc program that drops by its verdict, decided in a subprogram: it has returned when the kernel
 * frees the packet, so no callchain shows it. */
#include <linux/pkt_cls.h>

#include "cli/demo/ports.h"
#include "cli/demo/udp_port.bpf.h"

static __noinline int decide(struct __sk_buff* skb) {
  void* data = (void*)(long)skb->data;
  void* end = (void*)(long)skb->data_end;

  if (udp_destination(data, end) == DEMO_PORT_TC_DROP) return TC_ACT_SHOT;
  return TC_ACT_OK;
}

SEC("tc")
int tc_drop(struct __sk_buff* skb) { return decide(skb); }

char LICENSE[] SEC("license") = "Dual BSD/GPL";
