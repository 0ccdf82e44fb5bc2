/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* A tc program that mirrors to a device that is down: the kernel frees the clone inside the helper,
 * while the program and its subprogram are on the callchain. The packet itself goes its way. */
#include <linux/pkt_cls.h>

#include "cli/demo/ports.h"
#include "cli/demo/udp_port.bpf.h"

const volatile __u32 mirror_ifindex = 0;

static __noinline int clone_to(struct __sk_buff* skb, __u32 ifindex) {
  long error = bpf_clone_redirect(skb, ifindex, 0);

  return error == 0;
}

SEC("tc")
int tc_mirror(struct __sk_buff* skb) {
  void* data = (void*)(long)skb->data;
  void* end = (void*)(long)skb->data_end;

  if (udp_destination(data, end) == DEMO_PORT_MIRROR) clone_to(skb, mirror_ifindex);
  return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
