/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What the suite's BPF programs share: how a packet is known, and the maps in which they say what
 * they did.
 *
 * Every packet is UDP, its source port is its number within a scenario, its destination port says
 * what is to become of it, and its payload begins with a number drawn for the run. The maps are
 * made once (witness.bpf.c) and used by every object that is loaded (bpf.py).
 */
#ifndef TESTS_ATTRIBUTION_PACKET_BPF_H_
#define TESTS_ATTRIBUTION_PACKET_BPF_H_

/* libbpf's headers need the types of linux/bpf.h before them. */
/* clang-format off */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

enum {
  MAX_PACKETS = 65536,
  MAX_CPUS = 1024,
};

/* By packet number: the identity of the program that decided to drop it; 0 while none has. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, MAX_PACKETS);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, __u32);
} culprits SEC(".maps");

/* By CPU: the packet that an XDP program saw last. Its tracepoints have no packet and come right
 * after it. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, MAX_CPUS);
  __type(key, __u32);
  __type(value, __u32);
} last_packet SEC(".maps");

struct udp_ports {
  __u16 source, destination;
};

static __always_inline struct udp_ports ports_of_udp(const struct udphdr* udp) {
  struct udp_ports ports = {bpf_ntohs(udp->source), bpf_ntohs(udp->dest)};

  return ports;
}

/* Zeros for what is no UDP over IPv4 without options or IPv6 without extensions. */
static __always_inline struct udp_ports ports_of_ip(void* ip, void* end) {
  struct udp_ports none = {};
  struct iphdr* ip4 = ip;
  struct ipv6hdr* ip6 = ip;

  if ((void*)(ip4 + 1) > end) return none;
  if (ip4->version == 4 && ip4->ihl == 5 && ip4->protocol == IPPROTO_UDP) {
    struct udphdr* udp = (void*)(ip4 + 1);

    return (void*)(udp + 1) > end ? none : ports_of_udp(udp);
  }
  if ((void*)(ip6 + 1) > end) return none;
  if (ip6->version == 6 && ip6->nexthdr == IPPROTO_UDP) {
    struct udphdr* udp = (void*)(ip6 + 1);

    return (void*)(udp + 1) > end ? none : ports_of_udp(udp);
  }
  return none;
}

struct vlan_header {
  __be16 tag, ethertype;
};

static __always_inline struct udp_ports ports_of_frame(void* data, void* end) {
  struct udp_ports none = {};
  struct ethhdr* ethernet = data;
  struct vlan_header* vlan = (void*)(ethernet + 1);

  if ((void*)(vlan + 1) > end) return none;
  if (ethernet->h_proto == bpf_htons(ETH_P_8021Q)) return ports_of_ip(vlan + 1, end);
  if (ethernet->h_proto != bpf_htons(ETH_P_IP) && ethernet->h_proto != bpf_htons(ETH_P_IPV6))
    return none;
  return ports_of_ip(ethernet + 1, end);
}

#endif /* TESTS_ATTRIBUTION_PACKET_BPF_H_ */
