/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The companion programs. Those that record write down, on each drop and each XDP exception, what
 * the tracepoint does not tell (device, namespace, headers of the packet, context, who is attached
 * where the reason points to) and hand it to a perf event, which adds time, task and callchain.
 * Those that count do no more than that (drop_counter.bpf.h). They change nothing and keep nothing.
 */
/* clang-format off */
#include "collector/kernel_types.bpf.h"
#include "collector/kernel_read.bpf.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/in.h>

#include "collector/drop_counter.bpf.h"
#include "collector/enriched_record.h"
#include "collector/event_filter.bpf.h"
#include "collector/exit_notes.bpf.h"
#include "collector/hits.bpf.h"
#include "collector/hook_walk.bpf.h"
#include "collector/packet_capture.bpf.h"
#include "collector/record_ring.bpf.h"
#include "collector/run_counts.bpf.h"
#include "collector/spending.bpf.h"
#include "collector/this_cpu.bpf.h"
/* clang-format on */

enum { MOST_RANGES = 8 };

/* How many arguments this kernel's kfree_skb has: (skb, location), then reason (5.17), then rx_sk
 * (6.11). */
const volatile __u32 drop_arguments = 0;

/* Addresses of the functions that free what an XDP program, or a redirect, refused; from kallsyms.
 * Modules come and go: Enricher may change them at any time. */
volatile struct {
  __u64 begin;
  __u64 end;  /* 0: not in use */
  __u64 hook; /* WALK_... */
} ranges[MOST_RANGES] = {};

const volatile __u32 walk_hooks = 1; /* 0: --attribution off */
const volatile __u32 join_exits = 0; /* fexit programs write exit_notes */

/* Perf events that take a callchain with each record. */
struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  __type(key, __u32);
  __type(value, __u32);
} drop_output SEC(".maps"), exception_output SEC(".maps");

static __always_inline struct enriched_event* new_event(void) {
  __u32 context = context_of_cpu();
  struct workspace* space = bpf_map_lookup_elem(&scratch, &context);

  if (!space) return 0;
  struct enriched_event* event = &space->record.event;
  __builtin_memset(event, 0, __builtin_offsetof(struct enriched_event, header));
  event->context = context;
  return event;
}

static __always_inline void note_place(struct enriched_event* event,
                                       const struct packet_place* place) {
  if (!place->netns_inode) return;
  event->netns_inode = place->netns_inode;
  event->netns_cookie = place->netns_cookie;
  event->flags |= ENRICHED_NETNS;
  if (!place->ifindex) return;
  event->ifindex = place->ifindex;
  event->flags |= place->is_device ? ENRICHED_DEVICE : ENRICHED_IFINDEX;
}

static __always_inline void note_ifname(struct enriched_event* event, struct net_device* device) {
  if (event->flags & ENRICHED_DEVICE)
    read_text(event->ifname, (void*)device + bpf_core_field_offset(struct net_device, name));
}

static __always_inline bool is_full_socket(struct sock* sk) {
  __u8 state = READ(sk, __sk_common.skc_state);
  return state != 6 && state != 12; /* TCP_TIME_WAIT, TCP_NEW_SYN_RECV: smaller structures */
}

static __always_inline bool is_tunnel_port(__u8 high, __u8 low) {
  __u16 port = (__u16)high << 8 | low;
  return port == VXLAN_PORT || port == VXLAN_OLD_PORT || port == GENEVE_PORT;
}

/* Tunnels need more than one packet's headers. `ip`: the first bytes of an IP packet. */
static __always_inline __u32 wanted_bytes(const __u8* ip) {
  bool four = ip[0] >> 4 == 4;
  __u32 at = four ? 20 : 40; /* of the ports, with no options */

  switch (four ? ip[9] : ip[6]) {
    case IPPROTO_TCP:
    case IPPROTO_ICMP:
    case 58: /* IPPROTO_ICMPV6 */
      return ENRICHED_FEW_HEADER_BYTES;
    case IPPROTO_UDP:
      if (four && (ip[0] & 15) != 5) return ENRICHED_HEADER_BYTES;
      return is_tunnel_port(ip[at], ip[at + 1]) || is_tunnel_port(ip[at + 2], ip[at + 3])
                 ? ENRICHED_HEADER_BYTES
                 : ENRICHED_FEW_HEADER_BYTES;
    default:
      return ENRICHED_HEADER_BYTES;
  }
}

/* Copies bytes of the packet, of which there are so many behind `from`. */
static __always_inline void copy_headers(struct enriched_event* event, unsigned char* from,
                                         __u32 there, __u32 wanted) {
  __u32 bytes = there < wanted ? there : wanted;

  barrier_var(bytes);
  if (bytes > ENRICHED_HEADER_BYTES) return;
  if (!bpf_probe_read_kernel(event->header, bytes, from)) event->header_bytes = bytes;
}

/* Copies the beginning of the packet, never beyond its linear part. */
static __always_inline void note_headers(struct enriched_event* event, struct sk_buff* skb) {
  unsigned char* head = READ(skb, head);
  __u32 tail = READ(skb, tail); /* an offset: NET_SKBUFF_DATA_USES_OFFSET on 64 bits */
  __u32 network = READ(skb, network_header);
  __u32 mac = READ(skb, mac_header);
  bool four = event->protocol == ETH_P_IP;

  if (!head || tail > READ(skb, end)) return;
  if (network && network + 20 <= tail && (four || event->protocol == ETH_P_IPV6)) {
    __u32 there = tail - network;
    copy_headers(event, head + network, there, ENRICHED_FEW_HEADER_BYTES);
    if (event->header_bytes && event->header[0] >> 4 == (four ? 4 : 6)) {
      if (there <= ENRICHED_FEW_HEADER_BYTES) return;
      if (wanted_bytes(event->header) > ENRICHED_FEW_HEADER_BYTES)
        copy_headers(event, head + network, there, ENRICHED_HEADER_BYTES);
      return;
    }
    event->header_bytes = 0;
  }
  if (mac == NO_MAC_HEADER || mac + ETH_HLEN > tail) return;
  event->flags |= ENRICHED_LINK_HEADER;
  copy_headers(event, head + mac, tail - mac, ENRICHED_HEADER_BYTES);
}

static __always_inline bool has_vlan_tag(struct sk_buff* skb) {
  struct sk_buff___vlan_all* all = (void*)skb;
  struct sk_buff___vlan_bit* bit = (void*)skb;

  if (bpf_core_field_exists(all->vlan_all)) return READ(all, vlan_all) != 0;
  if (!bpf_core_field_exists(bit->vlan_present)) return false;
  return BPF_CORE_READ_BITFIELD_PROBED(bit, vlan_present);
}

static __always_inline void note_vlan(struct enriched_event* event, struct sk_buff* skb) {
  if (!has_vlan_tag(skb)) return;
  event->vlan_tci = READ(skb, vlan_tci);
  event->flags |= ENRICHED_VLAN_TAG;
}

static __always_inline __u32 hook_of_location(__u64 location) {
  for (__u32 i = 0; i < MOST_RANGES; i++) {
    if (ranges[i].begin < location && location <= ranges[i].end) return ranges[i].hook;
  }
  return WALK_NONE;
}

static __always_inline bool reason_is(__u32 reason, bool exists, __u64 value) {
  return drop_arguments > 2 && exists && reason == value;
}

#define REASON_IS(reason, name)                                                               \
  reason_is(reason, bpf_core_enum_value_exists(enum skb_drop_reason, SKB_DROP_REASON_##name), \
            bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_##name))

enum { EXIT_AT_MOST_BEFORE_NS = 10 * 1000 * 1000 };

/* A packet that a program refused is freed at once, on the same CPU. */
static __always_inline void join_exit(struct enriched_event* event, __u32 kind, __u64 packet,
                                      struct net_device* device) {
  struct exit_note* note = exit_note_of(packet);

  if (!note || note->packet != packet || note->kind != kind) return;
  note->packet = 0;
  if (!note->program_id || note->device != (__u64)device ||
      bpf_ktime_get_ns() - note->time_ns > EXIT_AT_MOST_BEFORE_NS)
    return;
  event->exit_program_id = note->program_id;
  event->exit_part_id = note->part_id;
  event->exit_verdict = note->verdict;
  event->walk_flags |= WALK_EXIT;
}

static __always_inline void join_exit_of_skb(struct enriched_event* event, __u32 kind,
                                             struct sk_buff* skb) {
  /* From the map: the verifier forbids arithmetic with what it knows to be a pointer. */
  if (join_exits) join_exit(event, kind, *(volatile __u64*)&event->skb, READ(skb, dev));
}

static __always_inline void walk_hook(struct enriched_event* event, struct sk_buff* skb,
                                      struct sock* rx_sk) {
  struct sock* sk = READ(skb, sk);
  bool has_device = event->flags & ENRICHED_DEVICE;
  __u32 reason = event->reason;
  __u32 hook = WALK_NONE;

  if (REASON_IS(reason, TC_INGRESS)) {
    hook = WALK_TC_INGRESS;
  } else if (REASON_IS(reason, TC_EGRESS)) {
    hook = WALK_TC_EGRESS;
  } else if (REASON_IS(reason, BPF_CGROUP_EGRESS)) {
    event->walk_hook = WALK_CGROUP_EGRESS;
    if (sk && is_full_socket(sk)) {
      walk_cgroup(event, sk, false);
    } else {
      event->walk_flags |= WALK_BROKEN;
    }
    join_exit_of_skb(event, EXIT_OF_CGROUP, skb);
    return;
  } else if (REASON_IS(reason, SOCKET_FILTER)) {
    /* There it was the tap's own socket, which the event does not tell: skb->sk is the sender's. */
    if (hook_of_location(event->location) == WALK_TAP) return;
    struct sock* receiver = rx_sk ? rx_sk : sk;
    if (receiver && is_full_socket(receiver)) walk_socket(event, receiver);
    join_exit_of_skb(event, EXIT_OF_CGROUP, skb);
    return;
  } else if (REASON_IS(reason, NETFILTER_DROP)) {
    join_exit_of_skb(event, EXIT_OF_NETFILTER, skb);
    if (event->walk_flags & WALK_EXIT && event->exit_verdict == 0 /* NF_DROP */) {
      event->walk_hook = WALK_NETFILTER;
    } else {
      event->walk_flags = 0;
    }
    return;
  } else {
    hook = hook_of_location(event->location);
  }
  if (hook == WALK_TC_REDIRECT) {
    if (!bpf_core_field_exists(skb->tc_at_ingress)) return;
    hook = BPF_CORE_READ_BITFIELD_PROBED(skb, tc_at_ingress) ? WALK_TC_INGRESS : WALK_TC_EGRESS;
  }
  /* A tap drops packets for many reasons, and of its two filters one has none of its own. */
  if (hook == WALK_TAP && !REASON_IS(reason, TAP_FILTER)) return;
  if (hook == WALK_NONE || !has_device) return;
  struct net_device* device = READ(skb, dev);
  if (hook == WALK_TC_INGRESS || hook == WALK_TC_EGRESS) {
    walk_tc(event, device, hook == WALK_TC_INGRESS,
            tc_protocol(skb, event->flags & ENRICHED_VLAN_TAG));
    if (count_runs && hook == WALK_TC_INGRESS) compare_runs(workspace_around(event), skb, device);
  } else if (hook == WALK_NETKIT) {
    walk_netkit(event, skb, device);
  } else if (hook == WALK_TAP) {
    walk_tap(event, device);
    return;
  } else {
    walk_xdp(event, device, hook == WALK_XDP_NATIVE);
    if (join_exits) join_exit(event, EXIT_OF_XDP, (__u64)READ(skb, head), device);
    return;
  }
  if (event->walk_hook) join_exit_of_skb(event, EXIT_OF_SKB, skb);
}

/* `gets`: GETS_... */
static __always_inline int hand_over(void* context, struct enriched_event* event, __u32 which,
                                     int gets) {
  struct hit_outcomes* outcomes = bpf_map_lookup_elem(&hits, &which);
  __u32 bytes =
      event->flags & ENRICHED_CAPTURED
          ? __builtin_offsetof(struct enriched_event, packet.bytes) + event->packet.captured_bytes
      : event->walk_entries
          ? __builtin_offsetof(struct enriched_event, walk) +
                event->walk_entries * sizeof(struct walk_entry)
          : __builtin_offsetof(struct enriched_event, header) + event->header_bytes;
  long error;

  barrier_var(
      bytes); /* the bound is for the verifier: on this variable, not on what it came from */
  if (bytes > sizeof(*event) || !outcomes || !hits_count(which)) return 0;
  if (!(gets & GETS_STACK)) {
    error = put_in_ring(&workspace_around(event)->record.head, which, bytes, outcomes->handed_over);
  } else if (which == COMPANION_DROP) {
    error = bpf_perf_event_output(context, &drop_output, BPF_F_CURRENT_CPU, event, bytes);
  } else {
    error = bpf_perf_event_output(context, &exception_output, BPF_F_CURRENT_CPU, event, bytes);
  }
  __sync_fetch_and_add(error ? &outcomes->lost : &outcomes->handed_over, 1);
  return 0;
}

static __always_inline struct drop_kind kind_of(const struct enriched_event* event, __u32 which) {
  struct drop_kind kind = {
      .location = event->location,
      .netns_cookie = event->netns_cookie,
      .netns_inode = event->netns_inode,
      .ifindex = event->ifindex,
      .reason = which == COMPANION_DROP ? event->reason : event->act,
      .program_id = event->program_id,
      .event = which,
  };
  return kind;
}

/* A global function, as those of event_filter.bpf.h: the verifier looks at it once. */
__noinline int allowance_of(__u32 context, __u32 which) {
  struct workspace* space = workspace_of(context);

  if (!space) return 0;
  struct drop_kind kind = kind_of(&space->record.event, which);
  return spend_on(&kind);
}

/* With filters the programs that record count kinds, since they alone know what passes. */
static __always_inline void count_passed(const struct enriched_event* event, __u32 which) {
  if (!is_filtered() || !hits_count(which)) return;
  struct drop_kind kind = kind_of(event, which);
  count_kind(&kind);
}

static __always_inline int on_drop(void* context, struct sk_buff* skb, __u64 location, __u32 reason,
                                   struct sock* rx_sk) {
  struct enriched_event* event = new_event();
  struct packet_place place = {};
  int gets = 0;

  if (!event) return 0;
  event->skb = (__u64)skb;
  event->location = location;
  event->reason = reason;
  if (!reason_passes(reason)) return filter_out(COMPANION_DROP);
  event->rx_sk = (__u64)rx_sk;
  find_packet(&place, skb, rx_sk);
  note_place(event, &place);
  if (!is_filtered()) {
    gets = allowance_of(event->context, COMPANION_DROP);
    if (!gets) return only_count(COMPANION_DROP);
  }
  note_ifname(event, READ(skb, dev));
  if (!device_passes(event)) return filter_out(COMPANION_DROP);
  event->protocol = bpf_ntohs(READ(skb, protocol));
  event->length = READ(skb, len);
  unsigned char* end = READ(skb, head) + READ(skb, end);
  event->segments = READ((struct skb_shared_info*)end, gso_segs);
  note_vlan(event, skb);
  note_headers(event, skb);
  if (!packet_passes(event)) return filter_out(COMPANION_DROP);
  if (walk_hooks) walk_hook(event, skb, rx_sk);
  if (!program_passes(context, event)) return filter_out(COMPANION_DROP);
  if (is_filtered()) {
    count_passed(event, COMPANION_DROP);
    gets = allowance_of(event->context, COMPANION_DROP);
    if (!gets) return only_count(COMPANION_DROP);
  }
  if (snaplen) capture_packet(event->context);
  return hand_over(context, event, COMPANION_DROP, gets);
}

static __always_inline __u32 reason_of(__u64* arguments) {
  return drop_arguments > 2 ? (__u32)arguments[2] : 0;
}

static __always_inline struct sock* rx_sk_of(__u64* arguments) {
  return drop_arguments > 3 ? (struct sock*)arguments[3] : 0;
}

static __always_inline int on_kfree_skb(__u64* arguments) {
  return on_drop(arguments, (struct sk_buff*)arguments[0], arguments[1], reason_of(arguments),
                 rx_sk_of(arguments));
}

static __always_inline int on_xdp_exception(__u64* arguments) {
  struct net_device* device = (struct net_device*)arguments[0];
  struct bpf_prog* program = (struct bpf_prog*)arguments[1];
  struct enriched_event* event = new_event();
  struct packet_place place = {};

  if (!event) return 0;
  event->act = (__u32)arguments[2];
  event->program_id = program_id(program);
  if (join_exits) {
    /* The exception comes right after the program's return. */
    struct exit_note* note = last_xdp_exit();
    if (note && note->program_id == event->program_id && (__u32)note->verdict == event->act) {
      event->exit_program_id = note->program_id;
      event->exit_part_id = note->part_id;
      event->exit_verdict = note->verdict;
      event->walk_flags |= WALK_EXIT;
    }
  }
  find_device(&place, device);
  note_place(event, &place);
  note_ifname(event, device);
  if (!device_passes(event) || (filter.programs && !is_program_asked_for(event->program_id)))
    return filter_out(COMPANION_EXCEPTION);
  count_passed(event, COMPANION_EXCEPTION);
  int gets = allowance_of(event->context, COMPANION_EXCEPTION);
  if (!gets) return only_count(COMPANION_EXCEPTION);
  return hand_over(arguments, event, COMPANION_EXCEPTION, gets);
}

/* Only with --attribution verdict: it runs for every packet that is received. */
static __always_inline int on_netif_receive_skb(__u64* arguments) {
  struct sk_buff* skb = (struct sk_buff*)arguments[0];

  note_runs(skb, has_vlan_tag(skb));
  return 0;
}

SEC("tp_btf/kfree_skb")
int correlate_drop(__u64* arguments) { return on_kfree_skb(arguments); }

SEC("tp_btf/xdp_exception")
int correlate_exception(__u64* arguments) { return on_xdp_exception(arguments); }

SEC("tp_btf/netif_receive_skb")
int correlate_receive(__u64* arguments) { return on_netif_receive_skb(arguments); }

SEC("tp_btf/kfree_skb")
int count_drop(__u64* arguments) {
  return count_any_drop(arguments, reason_of(arguments), rx_sk_of(arguments));
}

SEC("tp_btf/xdp_exception")
int count_exception(__u64* arguments) { return count_any_exception(arguments); }

/* The same where a kernel does not load programs with a tracepoint's types. */
SEC("raw_tp/kfree_skb")
int correlate_raw_drop(__u64* arguments) { return on_kfree_skb(arguments); }

SEC("raw_tp/xdp_exception")
int correlate_raw_exception(__u64* arguments) { return on_xdp_exception(arguments); }

SEC("raw_tp/netif_receive_skb")
int correlate_raw_receive(__u64* arguments) { return on_netif_receive_skb(arguments); }

SEC("raw_tp/kfree_skb")
int count_raw_drop(__u64* arguments) {
  return count_any_drop(arguments, reason_of(arguments), rx_sk_of(arguments));
}

SEC("raw_tp/xdp_exception")
int count_raw_exception(__u64* arguments) { return count_any_exception(arguments); }

char LICENSE[] SEC("license") = "Dual BSD/GPL";
