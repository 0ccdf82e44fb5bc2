/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Walks over what is attached to the hook where a packet is freed, at that very moment: the
 * kernel's own lists, under the RCU read lock that the packet's path holds. Nothing is judged here;
 * the entries are written down in the order in which they run, and whatever cannot be read makes
 * the walk "broken". */
#ifndef COLLECTOR_HOOK_WALK_BPF_H_
#define COLLECTOR_HOOK_WALK_BPF_H_

/* clang-format off */
#include "collector/ring_record.h"
#include "collector/kernel_types.bpf.h"
#include "collector/kernel_read.bpf.h"
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include "collector/packet_layers.h"
/* clang-format on */

/* enum bpf_xdp_mode (include/linux/netdevice.h) */
enum { XDP_STATE_GENERIC = 0, XDP_STATE_NATIVE = 1 };

static __always_inline __u32 program_id(struct bpf_prog* program) { return READ(program, aux, id); }

/* Where a walk over clsact or ingress stands. It lives in a map and not in registers: what the
 * verifier reads from there it knows nothing about, so that every step looks the same to it and is
 * looked at once. */
struct tc_cursor {
  __u64 classifier;  /* struct tcf_proto; 0: the chain is done */
  __u64 filter;      /* list node of a struct cls_bpf_prog; 0: not inside of a cls_bpf */
  __u64 filters_end; /* its list head */
  __u64 chain;       /* list node of the next struct tcf_chain to look at */
  __u64 chains_end;
  __u32 chain_index;
  __u16 pref;
  __u8 flags; /* ENTRY_... of this classifier's entries */
  __u8 may_jump;
  __u16 protocol; /* ethertype as tc sees it, network order */
};

/* A record under construction, and what is needed only while it is. */
struct workspace {
  struct ring_record record;
  struct tc_cursor cursor;
  __u64 programs[ENRICHED_MOST_ENTRIES]; /* struct bpf_prog of each walk entry; 0: none */
  struct packet_cursor packet;           /* of the filters */
  __u64 frames[FILTER_FRAMES];           /* likewise */
};

/* Of an event that stands in one. */
static __always_inline struct workspace* workspace_around(struct enriched_event* event) {
  return (void*)event - __builtin_offsetof(struct workspace, record.event);
}

enum { CONTEXTS = 4 };

/* One record under construction for each context of a CPU: an interrupt must not spoil that of a
 * task. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, CONTEXTS + 1);
  __type(key, __u32);
  __type(value, struct workspace);
} scratch SEC(".maps");

static __always_inline struct walk_entry* next_entry(struct enriched_event* event,
                                                     struct bpf_prog* program) {
  __u32 n = event->walk_entries;

  if (n >= ENRICHED_MOST_ENTRIES) {
    event->walk_flags |= WALK_TRUNCATED;
    return 0;
  }
  event->walk_entries = n + 1;
  struct walk_entry* entry = &event->walk[n];
  __builtin_memset(entry, 0, sizeof(*entry));
  workspace_around(event)->programs[n] = (__u64)program;
  if (program) entry->program_id = program_id(program);
  return entry;
}

/* Multi-program hooks (kernel/bpf/mprog.c): fp_items in running order, ended by a null. */
static __always_inline void walk_mprog(struct enriched_event* event, struct bpf_mprog_entry* list,
                                       __u8 kind) {
  struct bpf_mprog_bundle* bundle = READ(list, parent);
  void* programs = (void*)list + bpf_core_field_offset(struct bpf_mprog_entry, fp_items);
  void* links = (void*)bundle + bpf_core_field_offset(struct bpf_mprog_bundle, cp_items);

  event->walk_revision = READ(bundle, revision.counter);
  for (__u32 i = 0; i <= ENRICHED_MOST_ENTRIES; i++) {
    struct bpf_mprog_fp* slot = programs + i * bpf_core_type_size(struct bpf_mprog_fp);
    struct bpf_mprog_cp* holder = links + i * bpf_core_type_size(struct bpf_mprog_cp);
    struct bpf_prog* program = READ(slot, prog);

    if (!program) return;
    struct walk_entry* entry = next_entry(event, program);
    if (!entry) return;
    entry->kind = kind;
    struct bpf_link* link = READ(holder, link);
    if (link) entry->link_id = READ(link, id);
  }
}

enum { MOST_STEPS = 64 };

/* Offsets in net/sched/cls_bpf.c. It is a module on many kernels: its types are known once it is
 * loaded, which may be after these programs, so that they are no matter of CO-RE. Set by Enricher.
 */
volatile struct {
  __u32 known; /* 0: the others are not, yet */
  __u32 head_plist;
  __u32 prog_link;
  __u32 prog_filter;
  __u32 prog_handle;
  __u32 prog_exts_integrated;
} cls_bpf = {};

/* Likewise of drivers/net/tun.c. */
volatile struct {
  __u32 known;
  __u32 device_filter; /* in struct tun_struct */
  __u32 filter_program;
} tun = {};

/* One program of a cls_bpf. */
static __always_inline void step_filter(struct enriched_event* event, struct tc_cursor* cursor) {
  if (cursor->filter == cursor->filters_end) {
    struct tcf_proto* classifier = (void*)cursor->classifier;
    cursor->filter = 0;
    cursor->classifier = (__u64)READ(classifier, next);
    return;
  }
  __u64 filter = cursor->filter - cls_bpf.prog_link;
  struct list_head* node = (void*)cursor->filter;
  cursor->filter = (__u64)READ(node, next);
  if (!cursor->filter) event->walk_flags |= WALK_BROKEN;
  /* A filter that replaces another one is a new structure, also where the program is the same. */
  event->walk_revision = event->walk_revision * 31 + filter;
  struct bpf_prog* program = (void*)READ_WORD(filter + cls_bpf.prog_filter);
  struct walk_entry* entry = next_entry(event, program);
  if (!entry) return;
  entry->kind = ENTRY_CLS_BPF;
  entry->flags = cursor->flags;
  entry->pref = cursor->pref;
  entry->chain = cursor->chain_index;
  entry->handle = READ_INT(filter + cls_bpf.prog_handle);
  /* A bool, behind which the structure goes on. */
  if (READ_INT(filter + cls_bpf.prog_exts_integrated) & 0xff) return;
  entry->flags |= ENTRY_NOT_DIRECT;
  cursor->may_jump = 1; /* its actions may */
}

/* One classifier of a chain, in order of preference. */
static __always_inline void step_classifier(struct enriched_event* event,
                                            struct tc_cursor* cursor) {
  struct tcf_proto* classifier = (void*)cursor->classifier;
  __be16 wanted = READ(classifier, protocol);
  char kind[16] __attribute__((aligned(8))) = {};

  cursor->pref = READ(classifier, prio) >> 16;
  cursor->flags =
      wanted == cursor->protocol || wanted == bpf_htons(ETH_P_ALL) ? 0 : ENTRY_OTHER_PROTOCOL;
  void* ops = (void*)READ(classifier, ops);
  read_text(kind, ops + bpf_core_field_offset(struct tcf_proto_ops, kind));
  if (kind[0] == 'b' && kind[1] == 'p' && kind[2] == 'f' && kind[3] == 0) {
    void* head = READ(classifier, root);
    if (head && cls_bpf.known) {
      struct list_head* plist = head + cls_bpf.head_plist;
      cursor->filters_end = (__u64)plist;
      cursor->filter = (__u64)READ(plist, next);
      if (cursor->filter) return;
    }
    event->walk_flags |= WALK_BROKEN;
  } else {
    cursor->may_jump = 1;
    struct walk_entry* entry = next_entry(event, 0);
    if (entry) {
      entry->kind = ENTRY_CLASSIFIER;
      entry->flags = cursor->flags;
      entry->pref = cursor->pref;
      entry->chain = cursor->chain_index;
      __builtin_memcpy(entry->classifier, kind, sizeof(entry->classifier));
    }
  }
  cursor->classifier = (__u64)READ(classifier, next);
}

static __always_inline void step_chain(struct tc_cursor* cursor) {
  struct tcf_chain* chain = (void*)cursor->chain - bpf_core_field_offset(struct tcf_chain, list);

  cursor->chain_index = READ(chain, index);
  if (cursor->chain_index) cursor->classifier = (__u64)READ(chain, filter_chain);
  cursor->chain = (__u64)READ(chain, list.next);
}

/* clsact and ingress: chain 0, and where something there may jump, the other chains of the block
 * too. */
static __always_inline void walk_miniq(struct enriched_event* event, struct mini_Qdisc* miniq,
                                       __be16 protocol) {
  struct tc_cursor* cursor = &workspace_around(event)->cursor;
  struct tcf_block* block = READ(miniq, block);

  __builtin_memset(cursor, 0, sizeof(*cursor));
  cursor->protocol = protocol;
  cursor->classifier = (__u64)READ(miniq, filter_list);
  if (block) {
    if (READ(block, index)) event->walk_flags |= WALK_SHARED_BLOCK;
    cursor->chains_end = (__u64)block + bpf_core_field_offset(struct tcf_block, chain_list);
    cursor->chain = (__u64)READ(block, chain_list.next);
  }
  for (__u32 i = 0; i < MOST_STEPS; i++) {
    if (cursor->filter) {
      step_filter(event, cursor);
    } else if (cursor->classifier) {
      step_classifier(event, cursor);
    } else if (cursor->may_jump && cursor->chain && cursor->chain != cursor->chains_end) {
      step_chain(cursor);
    } else {
      return;
    }
  }
  event->walk_flags |= WALK_TRUNCATED;
}

/* tcx runs before clsact (net/core/dev.c, sch_handle_ingress). `protocol` as tc sees it. */
static __always_inline void walk_tc(struct enriched_event* event, struct net_device* device,
                                    bool ingress, __be16 protocol) {
  struct mini_Qdisc* miniq = 0;

  event->walk_hook = ingress ? WALK_TC_INGRESS : WALK_TC_EGRESS;
  if (bpf_core_field_exists(device->tcx_ingress)) {
    struct bpf_mprog_entry* list = ingress ? READ(device, tcx_ingress) : READ(device, tcx_egress);
    if (!list) return;
    walk_mprog(event, list, ENTRY_TCX);
    struct bpf_mprog_bundle* bundle = READ(list, parent);
    struct tcx_entry* entry = (void*)bundle - bpf_core_field_offset(struct tcx_entry, bundle);
    miniq = READ(entry, miniq);
  } else {
    struct net_device___miniq* old = (void*)device;
    miniq = ingress ? READ(old, miniq_ingress) : READ(old, miniq_egress);
  }
  if (miniq) walk_miniq(event, miniq, protocol);
}

/* What a driver keeps of its device (include/linux/netdevice.h, netdev_priv). */
static __always_inline void* private_of(struct net_device* device) {
  struct net_device___priv* with_priv = (void*)device;

  if (bpf_core_field_exists(with_priv->priv))
    return (void*)device + bpf_core_field_offset(struct net_device___priv, priv);
  return (void*)device + ((bpf_core_type_size(struct net_device) + 31) & ~31);
}

/* netkit_xmit (drivers/net/netkit.c) points skb->dev to the receiving end and then runs what stands
 * at the sending one. The same line frees what it cannot send at all, with skb->dev the sender:
 * nothing is walked where that could be. */
static __always_inline void walk_netkit(struct enriched_event* event, struct sk_buff* skb,
                                        struct net_device* device) {
  if (!bpf_core_type_exists(struct netkit)) return;
  unsigned char* end = READ(skb, head) + READ(skb, end);
  struct net_device* other = READ((struct netkit*)private_of(device), peer);
  if (!other || !(READ(other, flags) & 1 /* IFF_UP */)) return;
  if (READ(skb, len) - READ(skb, data_len) < ETH_HLEN) return;
  event->walk_hook = WALK_NETKIT;
  if (READ((struct skb_shared_info*)end, nr_frags)) event->walk_flags |= WALK_BROKEN;
  struct bpf_mprog_entry* list = READ((struct netkit*)private_of(other), active);
  if (list) walk_mprog(event, list, ENTRY_NETKIT);
}

/* tun_net_xmit (drivers/net/tun.c) drops what its one filter, of TUNSETFILTEREBPF, makes empty. */
static __always_inline void walk_tap(struct enriched_event* event, struct net_device* device) {
  event->walk_hook = WALK_TAP;
  if (!tun.known) {
    event->walk_flags |= WALK_BROKEN;
    return;
  }
  __u64 filter = READ_WORD(private_of(device) + tun.device_filter);
  if (!filter) return;
  event->walk_revision = filter; /* another filter is a new structure */
  struct bpf_prog* program = (void*)READ_WORD(filter + tun.filter_program);
  struct walk_entry* entry = next_entry(event, program);
  if (entry) entry->kind = ENTRY_TAP;
}

static __always_inline void walk_xdp(struct enriched_event* event, struct net_device* device,
                                     bool native) {
  __u32 mode = native ? XDP_STATE_NATIVE : XDP_STATE_GENERIC;

  event->walk_hook = native ? WALK_XDP_NATIVE : WALK_XDP_GENERIC;
  if (!bpf_core_field_exists(device->xdp_state)) {
    event->walk_flags |= WALK_BROKEN;
    return;
  }
  struct bpf_xdp_entity* state = (void*)device +
                                 bpf_core_field_offset(struct net_device, xdp_state) +
                                 mode * bpf_core_type_size(struct bpf_xdp_entity);
  struct bpf_xdp_link* link = READ(state, link);
  struct bpf_prog* program = link ? READ(link, link.prog) : READ(state, prog);
  if (!program) return;
  struct walk_entry* entry = next_entry(event, program);
  if (!entry) return;
  entry->kind = ENTRY_XDP;
  if (link) entry->link_id = READ(link, link.id);
}

/* All programs that are in force for a socket's cgroup (kernel/bpf/cgroup.c,
 * compute_effective_progs). */
static __always_inline void walk_cgroup(struct enriched_event* event, struct sock* sk,
                                        bool ingress) {
  if (!bpf_core_field_exists(sk->sk_cgrp_data.cgroup)) {
    event->walk_flags |= WALK_BROKEN;
    return;
  }
  struct cgroup* cgroup = READ(sk, sk_cgrp_data.cgroup);
  if (!cgroup) return;
  event->cgroup_id = READ(cgroup, kn, id);
  __u32 type = ingress ? bpf_core_enum_value(enum cgroup_bpf_attach_type, CGROUP_INET_INGRESS)
                       : bpf_core_enum_value(enum cgroup_bpf_attach_type, CGROUP_INET_EGRESS);
  struct bpf_prog_array* array = (void*)READ_WORD(
      (void*)cgroup + bpf_core_field_offset(struct cgroup, bpf.effective) + type * sizeof(void*));
  if (!array) return;
  void* items = (void*)array + bpf_core_field_offset(struct bpf_prog_array, items);
  for (__u32 i = 0; i <= ENRICHED_MOST_ENTRIES; i++) {
    struct bpf_prog_array_item* item = items + i * bpf_core_type_size(struct bpf_prog_array_item);
    struct bpf_prog* program = READ(item, prog);
    if (!program) return;
    if (!program_id(program)) continue; /* the dummy that stands for one being detached */
    struct walk_entry* entry = next_entry(event, program);
    if (!entry) return;
    entry->kind = ENTRY_CGROUP;
  }
}

/* What can refuse a packet in sk_filter_trim_cap (net/core/filter.c), but for security modules. */
static __always_inline void walk_socket(struct enriched_event* event, struct sock* sk) {
  event->walk_hook = WALK_SOCKET;
  walk_cgroup(event, sk, true);
  struct sk_filter* filter = READ(sk, sk_filter);
  if (!filter) return;
  struct walk_entry* entry = next_entry(event, READ(filter, prog));
  if (entry) entry->kind = ENTRY_SOCKET_FILTER;
}

#endif /* COLLECTOR_HOOK_WALK_BPF_H_ */
