/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Runs over all bpf_links of the host (iter/bpf_link, Linux 5.19) and tells of each where it is,
 * with the namespace, which bpf_link_info leaves out. Only reads: while the list is walked the
 * kernel holds one link at a time, and nothing afterwards.
 *
 * The kernel's types are declared as far as they are read; CO-RE finds the fields. What a kernel
 * does not have (netkit before 6.7, tcx before 6.6) is cut out at load. */
/* libbpf's headers need the types of linux/bpf.h before them. */
/* clang-format off */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

#include "collector/bpf_link_record.h"

#define KERNEL_TYPE __attribute__((preserve_access_index))

struct ns_common {
  unsigned int inum;
} KERNEL_TYPE;
struct ns_common___with_id {
  __u64 ns_id;
} KERNEL_TYPE;
struct net {
  struct ns_common ns;
} KERNEL_TYPE;
struct net___with_cookie {
  __u64 net_cookie;
} KERNEL_TYPE;
typedef struct {
  struct net* net;
} possible_net_t;
struct net_device {
  char name[16];
  int ifindex;
  possible_net_t nd_net;
} KERNEL_TYPE;
struct bpf_prog_aux {
  __u32 id;
} KERNEL_TYPE;
struct bpf_prog {
  enum bpf_prog_type type;
  enum bpf_attach_type expected_attach_type;
  struct bpf_prog_aux* aux;
} KERNEL_TYPE;
struct bpf_link {
  __u32 id;
  enum bpf_link_type type;
  struct bpf_prog* prog;
} KERNEL_TYPE;
/* Later kernels note in every link where it is attached (6.18), earlier ones in some kinds of it.
 */
struct bpf_link___with_attach_type {
  enum bpf_attach_type attach_type;
} KERNEL_TYPE;
struct tcx_link {
  struct net_device* dev;
} KERNEL_TYPE;
struct tcx_link___with_location {
  __u32 location;
} KERNEL_TYPE;
struct netkit_link {
  struct net_device* dev;
} KERNEL_TYPE;
struct netkit_link___with_location {
  __u32 location;
} KERNEL_TYPE;
struct bpf_xdp_link {
  struct net_device* dev;
} KERNEL_TYPE;
struct bpf_netns_link {
  struct net* net;
} KERNEL_TYPE;
struct kernfs_node {
  __u64 id;
} KERNEL_TYPE;
struct cgroup {
  struct kernfs_node* kn;
} KERNEL_TYPE;
struct bpf_cgroup_link {
  struct cgroup* cgroup;
} KERNEL_TYPE;
struct bpf_cgroup_link___with_type {
  enum bpf_attach_type type;
} KERNEL_TYPE;
struct nf_hook_ops {
  __u8 pf;
  unsigned int hooknum;
  int priority;
} KERNEL_TYPE;
struct bpf_nf_link {
  struct nf_hook_ops hook_ops;
  struct net* net;
} KERNEL_TYPE;
struct bpf_trampoline {
  __u64 key;
} KERNEL_TYPE;
struct bpf_tracing_link {
  struct bpf_trampoline* trampoline;
} KERNEL_TYPE;
struct seq_file;
struct bpf_iter_meta {
  struct seq_file* seq;
} KERNEL_TYPE;
struct bpf_iter__bpf_link {
  struct bpf_iter_meta* meta;
  struct bpf_link* link;
} KERNEL_TYPE;

static __always_inline void tell_netns(struct bpf_link_record* record, struct net* net) {
  struct net___with_cookie* with_cookie = (void*)net;
  struct ns_common___with_id* with_id = (void*)&net->ns;

  record->netns_inode = BPF_CORE_READ(net, ns.inum);
  if (bpf_core_field_exists(with_cookie->net_cookie)) {
    record->netns_cookie = BPF_CORE_READ(with_cookie, net_cookie);
  } else if (bpf_core_field_exists(with_id->ns_id)) {
    /* Later kernels give this number as SO_NETNS_COOKIE (net/core/sock.c). */
    record->netns_cookie = BPF_CORE_READ(with_id, ns_id);
  }
}

static __always_inline void tell_device(struct bpf_link_record* record, struct net_device* dev) {
  if (!dev) return; /* the device is gone and the link has outlived it */
  record->ifindex = BPF_CORE_READ(dev, ifindex);
  BPF_CORE_READ_STR_INTO(&record->ifname, dev, name);
  tell_netns(record, BPF_CORE_READ(dev, nd_net.net));
}

/* Programs may be loaded for no place in particular, so theirs is only the second best answer. */
static __always_inline void tell_attach_type(struct bpf_link_record* record,
                                             struct bpf_link* link) {
  struct bpf_link___with_attach_type* any = (void*)link;
  struct tcx_link___with_location* tcx = (void*)link;
  struct netkit_link___with_location* netkit = (void*)link;
  struct bpf_cgroup_link___with_type* cgroup = (void*)link;

  if (bpf_core_field_exists(any->attach_type)) {
    record->attach_type = BPF_CORE_READ(any, attach_type);
  } else if (record->type == BPF_LINK_TYPE_TCX && bpf_core_field_exists(tcx->location)) {
    record->attach_type = BPF_CORE_READ(tcx, location);
  } else if (record->type == BPF_LINK_TYPE_NETKIT && bpf_core_field_exists(netkit->location)) {
    record->attach_type = BPF_CORE_READ(netkit, location);
  } else if (record->type == BPF_LINK_TYPE_CGROUP && bpf_core_field_exists(cgroup->type)) {
    record->attach_type = BPF_CORE_READ(cgroup, type);
  }
}

SEC("iter/bpf_link")
int list_links(struct bpf_iter__bpf_link* context) {
  struct bpf_link* link = context->link;
  struct bpf_link_record record = {};
  struct bpf_prog* program;

  if (!link) return 0;
  record.link_id = link->id;
  record.type = link->type;
  program = link->prog;
  if (program) {
    record.program_type = BPF_CORE_READ(program, type);
    record.attach_type = BPF_CORE_READ(program, expected_attach_type);
    record.program_id = BPF_CORE_READ(program, aux, id);
  }
  tell_attach_type(&record, link);
  switch (record.type) {
    case BPF_LINK_TYPE_TCX:
      if (bpf_core_type_exists(struct tcx_link)) {
        tell_device(&record, BPF_CORE_READ((struct tcx_link*)link, dev));
      }
      break;
    case BPF_LINK_TYPE_NETKIT:
      if (bpf_core_type_exists(struct netkit_link)) {
        tell_device(&record, BPF_CORE_READ((struct netkit_link*)link, dev));
      }
      break;
    case BPF_LINK_TYPE_XDP:
      if (bpf_core_type_exists(struct bpf_xdp_link)) {
        tell_device(&record, BPF_CORE_READ((struct bpf_xdp_link*)link, dev));
      }
      break;
    case BPF_LINK_TYPE_NETNS:
      if (bpf_core_type_exists(struct bpf_netns_link)) {
        struct net* net = BPF_CORE_READ((struct bpf_netns_link*)link, net);

        if (net) tell_netns(&record, net);
      }
      break;
    case BPF_LINK_TYPE_CGROUP:
      if (bpf_core_type_exists(struct bpf_cgroup_link)) {
        record.cgroup_id = BPF_CORE_READ((struct bpf_cgroup_link*)link, cgroup, kn, id);
      }
      break;
    case BPF_LINK_TYPE_NETFILTER:
      if (bpf_core_type_exists(struct bpf_nf_link)) {
        struct bpf_nf_link* hook = (struct bpf_nf_link*)link;
        struct net* net = BPF_CORE_READ(hook, net);

        record.netfilter_family = BPF_CORE_READ(hook, hook_ops.pf);
        record.netfilter_hook = BPF_CORE_READ(hook, hook_ops.hooknum);
        record.netfilter_priority = BPF_CORE_READ(hook, hook_ops.priority);
        if (net) tell_netns(&record, net);
      }
      break;
    case BPF_LINK_TYPE_TRACING:
      if (record.program_type == BPF_PROG_TYPE_EXT &&
          bpf_core_type_exists(struct bpf_tracing_link)) {
        /* bpf_trampoline_compute_key: the program's id above, the function's BTF id below. */
        __u64 key = BPF_CORE_READ((struct bpf_tracing_link*)link, trampoline, key);

        record.target_program_id = key >> 32;
        record.target_btf_id = key & 0x7fffffff;
      }
      break;
    default:
      return 0;
  }
  bpf_seq_write(context->meta->seq, &record, sizeof(record));
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
