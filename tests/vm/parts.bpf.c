/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Two XDP programs for one device, behind a dispatcher of libxdp. */
/* clang-format off */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/in.h>
#include <linux/ip.h>
/* clang-format on */

SEC("xdp")
int pass_all(struct xdp_md* context) {
  (void)context;
  return XDP_PASS;
}

static __always_inline int is_udp(struct xdp_md* context) {
  struct ethhdr* link = (void*)(long)context->data;
  struct iphdr* ip = (void*)(link + 1);

  if ((void*)(ip + 1) > (void*)(long)context->data_end) return 0;
  return link->h_proto == bpf_htons(ETH_P_IP) && ip->protocol == IPPROTO_UDP;
}

SEC("xdp")
int drop_udp(struct xdp_md* context) { return is_udp(context) ? XDP_DROP : XDP_PASS; }

SEC("xdp")
int abort_udp(struct xdp_md* context) { return is_udp(context) ? XDP_ABORTED : XDP_PASS; }

char LICENSE[] SEC("license") = "Dual BSD/GPL";
