/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Copies the beginning of a packet into the record, where that was asked for (--snaplen): from its
 * Ethernet header, if what stands there is one, else from its IP header. */
#ifndef COLLECTOR_PACKET_CAPTURE_BPF_H_
#define COLLECTOR_PACKET_CAPTURE_BPF_H_

/* clang-format off */
#include "collector/kernel_types.bpf.h"
#include "collector/kernel_read.bpf.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include "collector/event_filter.bpf.h"
/* clang-format on */

enum { NO_MAC_HEADER = 0xffff };

const volatile __u32 snaplen = 0; /* bytes; 0: none */

/* An offset into a packet's memory may be one of long ago: a header is believed where it says of
 * the packet what the kernel says of it. */
static __always_inline bool is_ethernet(unsigned char* at, __u16 protocol) {
  __u16 ethertype = 0;

  if (bpf_probe_read_kernel(&ethertype, sizeof(ethertype), at + 2 * ETH_ALEN)) return false;
  ethertype = bpf_ntohs(ethertype);
  if (ethertype < ETH_P_802_3_MIN) return protocol == ETH_P_802_2 || protocol == ETH_P_802_3;
  return ethertype == protocol;
}

static __always_inline bool is_ip(unsigned char* at, __u16 protocol) {
  __u8 first = 0;

  if (protocol != ETH_P_IP && protocol != ETH_P_IPV6) return false;
  if (bpf_probe_read_kernel(&first, sizeof(first), at)) return false;
  return first >> 4 == (protocol == ETH_P_IP ? 4 : 6);
}

/* A global function: the verifier looks at it once. The packet is that of the event in hand. */
__noinline int capture_packet(__u32 context) {
  struct workspace* space = workspace_of(context);

  if (!space) return 0;
  struct enriched_event* event = &space->record.event;
  struct captured_packet* packet = &event->packet;
  struct sk_buff* skb = (struct sk_buff*)*(volatile __u64*)&event->skb;
  unsigned char* head = READ(skb, head);
  __u32 tail = READ(skb, tail); /* an offset: NET_SKBUFF_DATA_USES_OFFSET on 64 bits */
  __u32 network = READ(skb, network_header);
  __u32 from = READ(skb, mac_header);

  if (!head || tail > READ(skb, end)) return 0;
  if (from != NO_MAC_HEADER && from + ETH_HLEN <= tail &&
      is_ethernet(head + from, event->protocol)) {
    packet->link = CAPTURED_ETHERNET;
  } else if (network && network < tail && is_ip(head + network, event->protocol)) {
    packet->link = CAPTURED_IP;
    from = network;
  } else {
    return 0;
  }
  /* skb->len counts from skb->data, which is where the kernel has got to. */
  __s64 before_data = (__s64)(READ(skb, data) - head) - from;
  __s64 whole = before_data + READ(skb, len);
  __u32 bytes = tail - from;

  if (whole < bytes) return 0;
  if (bytes > snaplen) bytes = snaplen;
  barrier_var(bytes);
  if (bytes > ENRICHED_MOST_PACKET_BYTES) return 0;
  if (bpf_probe_read_kernel(packet->bytes, bytes, head + from)) return 0;
  packet->wire_bytes = whole;
  packet->captured_bytes = bytes;
  packet->vlan_protocol = event->flags & ENRICHED_VLAN_TAG ? bpf_ntohs(READ(skb, vlan_proto)) : 0;
  packet->vlan_tci = event->vlan_tci;
  packet->reserved = 0;
  event->flags |= ENRICHED_CAPTURED;
  return 1;
}

#endif /* COLLECTOR_PACKET_CAPTURE_BPF_H_ */
