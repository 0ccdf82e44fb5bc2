/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Sees the same tracepoints as the recorder and writes down which packet each event is about: by
 * this the judge knows the packet of a recorded event, whatever the recorder knows of it.
 */
#include "tests/attribution/packet.bpf.h"

#define KERNEL_TYPE __attribute__((preserve_access_index))

struct sk_buff {
  __u16 network_header;
  unsigned char *head, *data;
} KERNEL_TYPE;

struct bpf_prog_aux {
  __u32 id;
} KERNEL_TYPE;

struct bpf_prog {
  struct bpf_prog_aux* aux;
} KERNEL_TYPE;

/* The same numbers stand in witness.py. */
enum tracepoint {
  KFREE_SKB,
  XDP_EXCEPTION,
  XDP_REDIRECT_ERR,
  XDP_BULK_TX,
  XDP_DEVMAP_XMIT,
};

struct seen {
  __u64 time_ns;
  __u64 subject;  /* the sk_buff, or the id of the XDP program, or 0 */
  __u64 location; /* of kfree_skb */
  __u32 cpu;
  __u16 tracepoint, packet;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, MAX_PACKETS);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct seen);
} events SEC(".maps");

/* By CPU: how many events were seen there; those beyond MAX_PACKETS in all are not written down.
 * The CPUs take turns among `events`: an atomic counter that tells its value wants Linux 5.12. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, MAX_CPUS);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, __u64);
} events_seen SEC(".maps");

const volatile __u64 magic = 0; /* of this run's payloads */
const volatile __u32 cpus = 1;  /* how many there are */

static __always_inline void write_down(enum tracepoint tracepoint, __u64 subject, __u64 location,
                                       __u16 packet) {
  __u32 cpu = bpf_get_smp_processor_id(), at;
  __u64* count = bpf_map_lookup_elem(&events_seen, &cpu);
  struct seen* seen;

  if (!count) return;
  at = *count * cpus + cpu;
  ++*count;
  seen = bpf_map_lookup_elem(&events, &at);
  if (!seen) return;
  seen->time_ns = bpf_ktime_get_ns();
  seen->subject = subject;
  seen->location = location;
  seen->cpu = cpu;
  seen->tracepoint = tracepoint;
  seen->packet = packet;
}

/* The number of the packet whose IP header would be at `ip`, or 0: the payload tells for sure. */
static __always_inline __u16 packet_at(const unsigned char* ip) {
  unsigned char first = 0;
  struct {
    struct udphdr udp;
    __u64 magic;
  } __attribute__((packed)) segment = {};

  bpf_probe_read_kernel(&first, sizeof(first), ip);
  if (first >> 4 != 4 && first >> 4 != 6) return 0;
  bpf_probe_read_kernel(&segment, sizeof(segment),
                        ip + (first >> 4 == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)));
  return segment.magic == magic ? bpf_ntohs(segment.udp.source) : 0;
}

/* Where a packet's data begins depends on who frees it. */
static __always_inline __u16 packet_of(struct sk_buff* skb) {
  const unsigned char* data = skb->data;
  __u16 packet = packet_at(data);

  if (!packet) packet = packet_at(data + ETH_HLEN);
  if (!packet) packet = packet_at(data + ETH_HLEN + sizeof(struct vlan_header));
  if (!packet) packet = packet_at(skb->head + skb->network_header);
  return packet;
}

SEC("tp_btf/kfree_skb")
int on_kfree_skb(__u64* arguments) {
  struct sk_buff* skb = (struct sk_buff*)arguments[0];
  __u16 packet = packet_of(skb);

  if (packet) write_down(KFREE_SKB, (__u64)skb, arguments[1], packet);
  return 0;
}

static __always_inline __u16 last_packet_here(void) {
  __u32 cpu = bpf_get_smp_processor_id();
  __u32* last = bpf_map_lookup_elem(&last_packet, &cpu);

  return last ? *last : 0;
}

SEC("tp_btf/xdp_exception")
int on_xdp_exception(__u64* arguments) {
  struct bpf_prog* program = (struct bpf_prog*)arguments[1];
  __u16 packet = last_packet_here();

  if (packet) write_down(XDP_EXCEPTION, program->aux->id, 0, packet);
  return 0;
}

SEC("tp_btf/xdp_redirect_err")
int on_xdp_redirect_err(__u64* arguments) {
  struct bpf_prog* program = (struct bpf_prog*)arguments[1];
  __u16 packet = last_packet_here();

  if (packet) write_down(XDP_REDIRECT_ERR, program->aux->id, 0, packet);
  return 0;
}

/* (device, sent, drops, error) */
SEC("tp_btf/xdp_bulk_tx")
int on_xdp_bulk_tx(__u64* arguments) {
  __u16 packet = last_packet_here();

  if (packet && (int)arguments[2] > 0) write_down(XDP_BULK_TX, 0, 0, packet);
  return 0;
}

/* (from, to, sent, drops, error) */
SEC("tp_btf/xdp_devmap_xmit")
int on_xdp_devmap_xmit(__u64* arguments) {
  __u16 packet = last_packet_here();

  if (packet && (int)arguments[3] > 0) write_down(XDP_DEVMAP_XMIT, 0, 0, packet);
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
