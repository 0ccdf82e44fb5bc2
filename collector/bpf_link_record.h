/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* One bpf_link as links.bpf.c writes it and link_iterator.cc reads it: both sides include this. */
#ifndef COLLECTOR_BPF_LINK_RECORD_H_
#define COLLECTOR_BPF_LINK_RECORD_H_

#include <linux/types.h>

struct bpf_link_record {
  __u32 link_id;
  __u32 type; /* enum bpf_link_type */
  __u32 program_id;
  __u32 program_type; /* enum bpf_prog_type */
  __u32 attach_type;  /* enum bpf_attach_type */
  __u32 ifindex;
  __u64 netns_inode;
  __u64 netns_cookie;
  __u64 cgroup_id;
  __u32 target_program_id; /* of an extension (freplace) */
  __u32 target_btf_id;
  __u32 netfilter_family;
  __u32 netfilter_hook;
  __s32 netfilter_priority;
  __u32 unused;
  char ifname[16];
};

#endif /* COLLECTOR_BPF_LINK_RECORD_H_ */
