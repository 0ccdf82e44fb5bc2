/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Finds the destination port of an IPv4 UDP packet without options, for tc and XDP alike. */
#ifndef CLI_DEMO_UDP_PORT_BPF_H_
#define CLI_DEMO_UDP_PORT_BPF_H_

/* libbpf's headers need the types of linux/bpf.h before them. */
/* clang-format off */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

/* 0 for every other packet. */
static __always_inline __u16 udp_destination(void* data, void* end) {
  struct ethhdr* eth = data;
  struct iphdr* ip = data + sizeof(*eth);
  struct udphdr* udp = (void*)(ip + 1);

  if ((void*)(udp + 1) > end) return 0;
  if (eth->h_proto != bpf_htons(ETH_P_IP)) return 0;
  if (ip->ihl != 5 || ip->protocol != IPPROTO_UDP) return 0;
  return bpf_ntohs(udp->dest);
}

#endif /* CLI_DEMO_UDP_PORT_BPF_H_ */
