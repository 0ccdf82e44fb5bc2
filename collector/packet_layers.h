/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The beginning of a packet to what filters ask of it, step by step, as C for both sides: the BPF
 * programs run it on what they have copied, and packet_layers_test.cc holds it against
 * packet_parser.cc, which it has to agree with in everything that a filter can see.
 *
 * Where it stands is kept in memory (in BPF a map's) and not in registers: what the verifier reads
 * from there it knows nothing about, so that every step looks the same to it. */
#ifndef COLLECTOR_PACKET_LAYERS_H_
#define COLLECTOR_PACKET_LAYERS_H_

#include <linux/types.h>
#include <stdbool.h>

#include "collector/enriched_record.h"
#include "collector/event_filter_constants.h"

#ifdef __bpf__
#define PACKET_INLINE static __always_inline
#define PACKET_BARRIER(value) barrier_var(value)
#else
#define PACKET_INLINE static inline
#define PACKET_BARRIER(value) (void)(value)
#endif

enum {
  PACKET_STEPS = 32, /* what the longest packet takes is less */
  PACKET_MOST_TAGS = 2,
  PACKET_MOST_EXTENSIONS = 8,
};

/* packet_cursor.state: what stands next */
enum {
  PACKET_DONE = 0,
  PACKET_ETHERNET = 1,
  PACKET_TAGS = 2,
  PACKET_NETWORK = 3,
  PACKET_EXTENSIONS = 4,
  PACKET_TRANSPORT = 5,
};

/* The headers of one packet: the outer one, or the one inside a tunnel. */
struct packet_layer {
  __u32 src[4]; /* network order; IPv4 in the first word */
  __u32 dst[4];
  __u16 sport;
  __u16 dport;
  __u8 family; /* 0, 4 or 6 */
  __u8 has_l4;
  __u8 has_ports;
  __u8 l4;
};

/* Where tunnels are looked for. Linux and flannel still use the old one. */
enum { VXLAN_PORT = 4789, VXLAN_OLD_PORT = 8472, GENEVE_PORT = 6081 };

struct packet_cursor {
  __u32 at;  /* in the header bytes */
  __u32 end; /* of what belongs to this layer */
  __u16 ethertype;
  __u8 state;
  __u8 tags;
  __u8 extensions;
  __u8 next; /* IPv6's next header */
  __u8 layer;
  __u8 reserved;
  struct packet_layer layers[2];
};

/* The next `bytes` bytes; null: there are not as many. */
PACKET_INLINE const __u8* packet_have(const struct packet_cursor* cursor, const __u8* header,
                                      __u32 bytes) {
  __u32 at = cursor->at;

  PACKET_BARRIER(at); /* the bound is for the verifier: on this variable */
  if (at > ENRICHED_HEADER_BYTES - bytes || at + bytes > cursor->end) return 0;
  return header + at;
}

PACKET_INLINE __u16 packet_load16(const __u8* from) { return (__u16)(from[0] << 8 | from[1]); }

PACKET_INLINE void packet_begin(struct packet_cursor* cursor, __u32 bytes, bool link_header,
                                __u16 ethertype) {
  __builtin_memset(cursor, 0, sizeof(*cursor));
  cursor->end = bytes;
  if (bytes > ENRICHED_HEADER_BYTES) cursor->end = ENRICHED_HEADER_BYTES;
  cursor->ethertype = ethertype;
  cursor->state = link_header ? PACKET_ETHERNET : PACKET_TAGS;
}

/* Goes on behind a header of `bytes` bytes. */
PACKET_INLINE void packet_go(struct packet_cursor* cursor, __u32 bytes, __u8 state) {
  cursor->at += bytes;
  cursor->state = state;
}

/* Frames are padded: what is behind the packet is not its own. */
PACKET_INLINE void packet_trim(struct packet_cursor* cursor, __u32 packet_bytes) {
  __u32 end = cursor->at + packet_bytes;

  if (packet_bytes && end < cursor->end) cursor->end = end;
}

PACKET_INLINE void packet_set_l4(struct packet_layer* layer, __u8 l4) {
  layer->l4 = l4;
  layer->has_l4 = 1;
}

PACKET_INLINE void packet_ipv4(struct packet_cursor* cursor, struct packet_layer* layer,
                               const __u8* header) {
  const __u8* ip = packet_have(cursor, header, 20);

  cursor->state = PACKET_DONE;
  if (!ip || ip[0] >> 4 != 4) return;
  __u32 header_bytes = (ip[0] & 0xf) * 4;
  if (header_bytes < 20) return;
  layer->family = 4;
  __builtin_memcpy(layer->src, ip + 12, 4);
  __builtin_memcpy(layer->dst, ip + 16, 4);
  packet_set_l4(layer, ip[9]);
  packet_trim(cursor, packet_load16(ip + 2));
  if (packet_load16(ip + 6) & 0x1fff) return; /* a later fragment */
  if (cursor->at + header_bytes > cursor->end) return;
  packet_go(cursor, header_bytes, PACKET_TRANSPORT);
}

PACKET_INLINE void packet_ipv6(struct packet_cursor* cursor, struct packet_layer* layer,
                               const __u8* header) {
  const __u8* ip = packet_have(cursor, header, 40);

  cursor->state = PACKET_DONE;
  if (!ip || ip[0] >> 4 != 6) return;
  layer->family = 6;
  __builtin_memcpy(layer->src, ip + 8, 16);
  __builtin_memcpy(layer->dst, ip + 24, 16);
  cursor->next = ip[6];
  cursor->extensions = 0;
  __u16 payload_bytes = packet_load16(ip + 4);
  packet_go(cursor, 40, PACKET_EXTENSIONS);
  packet_trim(cursor, payload_bytes);
}

PACKET_INLINE bool packet_is_options(__u8 next) {
  return next == 0 || next == 43 || next == 60; /* hop by hop, routing, destination */
}

PACKET_INLINE bool packet_is_extension(__u8 next) {
  return packet_is_options(next) || next == 44 || next == 51; /* fragment, authentication */
}

PACKET_INLINE void packet_extension(struct packet_cursor* cursor, struct packet_layer* layer,
                                    const __u8* header) {
  __u8 next = cursor->next;

  if (!packet_is_extension(next)) {
    packet_set_l4(layer, next);
    cursor->state = PACKET_TRANSPORT;
    return;
  }
  const __u8* extension = packet_have(cursor, header, 8);
  cursor->state = PACKET_DONE;
  if (cursor->extensions >= PACKET_MOST_EXTENSIONS || !extension) return;
  __u32 bytes = 8;
  if (packet_is_options(next)) bytes = (extension[1] + 1) * 8;
  if (next == 51) bytes = (extension[1] + 2) * 4;
  bool later_fragment = next == 44 && (packet_load16(extension + 2) & 0xfff8);
  cursor->next = extension[0];
  if (later_fragment) { /* what follows is no header */
    if (!packet_is_extension(extension[0])) packet_set_l4(layer, extension[0]);
    return;
  }
  if (cursor->at + bytes > cursor->end) return;
  cursor->extensions++;
  packet_go(cursor, bytes, PACKET_EXTENSIONS);
}

/* What is inside a tunnel: an Ethernet frame, or a packet of `ethertype`. */
PACKET_INLINE void packet_enter(struct packet_cursor* cursor, __u32 bytes, __u16 ethertype) {
  cursor->layer = 1;
  cursor->tags = 0;
  cursor->ethertype = ethertype;
  packet_go(cursor, bytes, ethertype == 0x6558 ? PACKET_ETHERNET : PACKET_NETWORK);
}

PACKET_INLINE void packet_gre(struct packet_cursor* cursor, const __u8* header) {
  const __u8* gre = packet_have(cursor, header, 4);

  if (!gre) return;
  __u16 flags = packet_load16(gre);
  __u16 ethertype = packet_load16(gre + 2);
  __u32 bytes = 4;
  if (flags & 0x4007) return; /* routing; PPTP's version */
  if (flags & 0x8000) bytes += 4;
  if (flags & 0x2000) bytes += 4;
  if (flags & 0x1000) bytes += 4;
  if (cursor->at + bytes > cursor->end) return;
  packet_enter(cursor, bytes, ethertype);
}

PACKET_INLINE void packet_udp_tunnel(struct packet_cursor* cursor, const __u8* header,
                                     __u16 dport) {
  const __u8* tunnel = packet_have(cursor, header, 16); /* behind UDP's eight */

  if (!tunnel) return;
  tunnel += 8;
  if (dport == VXLAN_PORT || dport == VXLAN_OLD_PORT) {
    if ((tunnel[0] & 0x7f) == 0x08 && tunnel[7] == 0) packet_enter(cursor, 16, 0x6558);
  } else if (dport == GENEVE_PORT) {
    __u32 bytes = 16 + (tunnel[0] & 0x3f) * 4;
    __u16 ethertype = packet_load16(tunnel + 2);
    if (tunnel[0] >> 6 || cursor->at + bytes > cursor->end) return;
    packet_enter(cursor, bytes, ethertype);
  }
}

PACKET_INLINE void packet_transport(struct packet_cursor* cursor, struct packet_layer* layer,
                                    const __u8* header) {
  __u8 l4 = layer->l4;

  cursor->state = PACKET_DONE;
  if (cursor->at >= cursor->end) return;
  if (l4 == 6 || l4 == 17 || l4 == 136 || l4 == 132 || l4 == 33) { /* UDP-Lite, SCTP, DCCP too */
    const __u8* ports = packet_have(cursor, header, 4);
    if (ports) {
      layer->sport = packet_load16(ports);
      layer->dport = packet_load16(ports + 2);
      layer->has_ports = 1;
    }
  }
  if (cursor->layer) return;
  if (l4 == 4) {
    packet_enter(cursor, 0, 0x0800);
  } else if (l4 == 41) {
    packet_enter(cursor, 0, 0x86dd);
  } else if (l4 == 47) {
    packet_gre(cursor, header);
  } else if (l4 == 17 && layer->has_ports) {
    packet_udp_tunnel(cursor, header, layer->dport);
  }
}

PACKET_INLINE void packet_ethernet(struct packet_cursor* cursor, const __u8* header) {
  const __u8* ethernet = packet_have(cursor, header, 14);

  cursor->state = PACKET_DONE;
  if (!ethernet) return;
  cursor->ethertype = packet_load16(ethernet + 12);
  packet_go(cursor, 14, PACKET_TAGS);
}

PACKET_INLINE void packet_tag(struct packet_cursor* cursor, const __u8* header) {
  bool tagged = cursor->ethertype == 0x8100 || cursor->ethertype == 0x88a8;

  if (!tagged || cursor->tags >= PACKET_MOST_TAGS) {
    cursor->state = PACKET_NETWORK;
    return;
  }
  const __u8* tag = packet_have(cursor, header, 4);
  cursor->state = PACKET_DONE;
  if (!tag) return;
  cursor->ethertype = packet_load16(tag + 2);
  cursor->tags++;
  packet_go(cursor, 4, PACKET_TAGS);
}

/* False: nothing is left to be read. `header` holds ENRICHED_HEADER_BYTES. */
PACKET_INLINE bool packet_step(struct packet_cursor* cursor, const __u8* header) {
  struct packet_layer* layer = &cursor->layers[cursor->layer & 1];

  switch (cursor->state) {
    case PACKET_ETHERNET:
      packet_ethernet(cursor, header);
      return true;
    case PACKET_TAGS:
      packet_tag(cursor, header);
      return true;
    case PACKET_NETWORK:
      if (cursor->ethertype == 0x0800) {
        packet_ipv4(cursor, layer, header);
      } else if (cursor->ethertype == 0x86dd) {
        packet_ipv6(cursor, layer, header);
      } else {
        return false;
      }
      return true;
    case PACKET_EXTENSIONS:
      packet_extension(cursor, layer, header);
      return true;
    case PACKET_TRANSPORT:
      packet_transport(cursor, layer, header);
      return true;
    default:
      return false;
  }
}

PACKET_INLINE bool packet_in_prefix(const volatile struct filter_prefix* prefix,
                                    const __u32* address) {
  __u32 differs = 0;

  for (__u32 word = 0; word < 4; word++)
    differs |= (address[word] & prefix->mask[word]) ^ prefix->address[word];
  return !differs;
}

PACKET_INLINE bool packet_host_passes(const volatile struct event_filter_constants* filter,
                                      const struct packet_layer* layer) {
  if (!filter->prefixes) return true;
  for (__u32 i = 0; i < FILTER_MOST_VALUES && i < filter->prefixes; i++) {
    if (filter->prefix[i].family != layer->family) continue;
    if (packet_in_prefix(&filter->prefix[i], layer->src) ||
        packet_in_prefix(&filter->prefix[i], layer->dst))
      return true;
  }
  return false;
}

PACKET_INLINE bool packet_port_passes(const volatile struct event_filter_constants* filter,
                                      const struct packet_layer* layer) {
  if (!filter->ports) return true;
  if (!layer->has_ports) return false;
  for (__u32 i = 0; i < FILTER_MOST_VALUES && i < filter->ports; i++) {
    if (filter->port[i] == layer->sport || filter->port[i] == layer->dport) return true;
  }
  return false;
}

PACKET_INLINE bool packet_l4_passes(const volatile struct event_filter_constants* filter,
                                    const struct packet_layer* layer) {
  if (!filter->l4s) return true;
  if (!layer->has_l4) return false;
  for (__u32 i = 0; i < FILTER_MOST_VALUES && i < filter->l4s; i++) {
    if (filter->l4[i] == layer->l4) return true;
  }
  return false;
}

/* All that is asked of a packet has to hold for one and the same layer. */
PACKET_INLINE bool packet_layer_passes(const volatile struct event_filter_constants* filter,
                                       const struct packet_layer* layer) {
  return packet_host_passes(filter, layer) && packet_port_passes(filter, layer) &&
         packet_l4_passes(filter, layer);
}

#endif /* COLLECTOR_PACKET_LAYERS_H_ */
