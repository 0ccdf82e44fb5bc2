/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What the companion BPF programs (enrich.bpf.c) hand over through the perf rings, as C for both
 * sides. Native byte order and alignment: a record never leaves the host that made it. Text is cut
 * at its size and then has no NUL. */
#ifndef COLLECTOR_ENRICHED_RECORD_H_
#define COLLECTOR_ENRICHED_RECORD_H_

#include <linux/types.h>

enum {
  ENRICHED_IFNAME_BYTES = 16, /* IFNAMSIZ */
  ENRICHED_CLASSIFIER_BYTES = 11,
  ENRICHED_HEADER_BYTES = 192,       /* of the packet, where a tunnel is likely */
  ENRICHED_FEW_HEADER_BYTES = 64,    /* else: IPv4 with options, or IPv6, and ports */
  ENRICHED_MOST_ENTRIES = 16,        /* of a walk over a hook */
  ENRICHED_MOST_PACKET_BYTES = 4096, /* of a packet that is kept (--snaplen) */
};

/* enriched_event.context; 0: unknown */
enum {
  ENRICHED_TASK = 1,
  ENRICHED_SOFTIRQ = 2,
  ENRICHED_HARDIRQ = 3,
  ENRICHED_NMI = 4,
};

/* enriched_event.flags */
enum {
  ENRICHED_DEVICE = 1 << 0,   /* ifindex and ifname are those of a device proven to be one */
  ENRICHED_NETNS = 1 << 1,    /* netns_inode and netns_cookie are known */
  ENRICHED_IFINDEX = 1 << 2,  /* ifindex alone is known, from skb_iif: where the packet came in */
  ENRICHED_VLAN_TAG = 1 << 3, /* vlan_tci is beside the packet, not in it */
  ENRICHED_LINK_HEADER =
      1 << 4, /* the header bytes begin with the Ethernet header, else with the network header */
  ENRICHED_CAPTURED = 1 << 5, /* `packet` is in the record, and so is all of `walk` */
};

/* captured_packet.link: what its bytes begin with. */
enum {
  CAPTURED_ETHERNET = 1,
  CAPTURED_IP = 2,
};

/* Which hook was walked. */
enum {
  WALK_NONE = 0,
  WALK_TC_INGRESS = 1,
  WALK_TC_EGRESS = 2,
  WALK_XDP_NATIVE = 3,
  WALK_XDP_GENERIC = 4,
  WALK_CGROUP_EGRESS = 5,
  WALK_SOCKET = 6,    /* cgroup ingress, then the socket's filter */
  WALK_NETKIT = 7,    /* of the device that sent to skb->dev */
  WALK_NETFILTER = 8, /* nothing is walked: a program refused the packet, as exit_... tell */
  WALK_TAP = 9,       /* the filter of a tun or tap device */
  /* Only of a function's text range: tc on ingress or egress, as the packet itself says. */
  WALK_TC_REDIRECT = 100,
};

/* enriched_event.walk_flags */
enum {
  WALK_TRUNCATED = 1 << 0,    /* more entries than fit */
  WALK_SHARED_BLOCK = 1 << 1, /* the filters are a shared block's */
  WALK_BROKEN = 1 << 2,       /* something could not be read */
  WALK_COUNTED =
      1 << 3, /* the entries' runs are known, and the list is what it was before the packet came */
  WALK_EXIT = 1 << 4, /* exit_... tell the last program that returned for this packet */
};

/* walk_entry.kind */
enum {
  ENTRY_TCX = 1,
  ENTRY_CLS_BPF = 2,
  ENTRY_CLASSIFIER = 3, /* not a BPF program: `classifier` names it */
  ENTRY_XDP = 4,
  ENTRY_CGROUP = 5,
  ENTRY_SOCKET_FILTER = 6, /* program_id 0: a classic filter */
  ENTRY_NETKIT = 7,
  ENTRY_TAP = 8,
};

/* walk_entry.flags */
enum {
  ENTRY_OTHER_PROTOCOL =
      1 << 0,                /* a classifier for another protocol than the packet has at its end */
  ENTRY_NOT_DIRECT = 1 << 1, /* cls_bpf without direct-action: its actions decide */
};

/* Something attached to the hook, in the order in which it runs. */
struct walk_entry {
  __u8 kind;
  __u8 flags;
  __u16 pref;
  __u32 chain;
  __u32 program_id;
  __u32 handle;
  __u32 link_id;
  char classifier[ENRICHED_CLASSIFIER_BYTES];
  __u8 runs; /* of this program on this CPU while the packet was on the hook, wherever it is
                attached; cut at 255 */
};

/* The beginning of the packet, never beyond its linear part. */
struct captured_packet {
  __u32 wire_bytes; /* of the whole packet, from where `bytes` begins */
  __u16 captured_bytes;
  __u16 vlan_protocol; /* ethertype of the tag beside the packet; 0: there is none */
  __u16 vlan_tci;
  __u8 link;
  __u8 reserved;
  __u8 bytes[ENRICHED_MOST_PACKET_BYTES];
};

struct enriched_event {
  __u64 skb;    /* a drop's; else 0 */
  __u64 rx_sk;  /* a drop's, where the kernel passes it */
  __u32 length; /* bytes of the packet, as skb->len counts them */
  __u16 segments;
  __u8 header_bytes;
  __u8 context;
  /* From here to the header, and in walk, many events of one kind are the same. */
  __u64 location; /* the caller's return address; a drop's */
  __u64 netns_cookie;
  __u64 walk_revision; /* changes with the list: bpf_mprog's of tcx, with where the kernel keeps
                          each filter of cls_bpf or a tap folded in */
  __u64 cgroup_id;     /* whose programs were walked; 0: none were */
  __u32 reason;        /* a drop's */
  __u32 act;           /* an XDP exception's */
  __u32 program_id;    /* an XDP exception's */
  __u32 ifindex;
  __u32 netns_inode;
  __u32 exit_program_id;
  __u32 exit_part_id; /* see exit_note.h */
  __s32 exit_verdict;
  __u16 protocol; /* ethertype, host order */
  __u16 vlan_tci;
  __u8 flags;
  __u8 walk_hook;
  __u8 walk_flags;
  __u8 walk_entries;
  char ifname[ENRICHED_IFNAME_BYTES];
  __u8 header[ENRICHED_HEADER_BYTES];
  struct walk_entry walk[ENRICHED_MOST_ENTRIES]; /* in the record only if there are any */
  struct captured_packet packet;                 /* in the record only with ENRICHED_CAPTURED */
};

#endif /* COLLECTOR_ENRICHED_RECORD_H_ */
