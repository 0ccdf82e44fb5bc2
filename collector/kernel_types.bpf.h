/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The kernel's types, as far as enrich.bpf.c reads them. libbpf puts the running kernel's offsets
 * in their place (CO-RE), so only names and kinds matter here. "___" begins a flavour: the same
 * type as another kernel version has it. */
#ifndef COLLECTOR_KERNEL_TYPES_BPF_H_
#define COLLECTOR_KERNEL_TYPES_BPF_H_

#include <linux/bpf.h>
#include <stdbool.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
  struct list_head* next;
};

typedef struct {
  long long counter;
} atomic64_t;

typedef struct {
  int counter;
} atomic_t;

typedef struct refcount_struct {
  atomic_t refs;
} refcount_t;

struct kref {
  refcount_t refcount;
};

struct timespec64 {
  long long tv_sec;
};

struct proc_ns_operations;

struct ns_common {
  const struct proc_ns_operations* ops;
  unsigned int inum;
};

struct net {
  struct ns_common ns;
  __u64 net_cookie; /* include/net/net_namespace.h, since 5.12 */
};

/* Linux 7: the cookie is the namespace's id. */
struct ns_common___id {
  __u64 ns_id;
};

typedef struct {
  struct net* net;
} possible_net_t;

struct bpf_prog_aux {
  __u32 id;
  char name[16];
};

/* Per CPU; counted only while somebody holds BPF_ENABLE_STATS (kernel/bpf/syscall.c). */
struct u64_stats {
  long long v;
};

struct bpf_prog_stats {
  struct u64_stats cnt;
};

/* Before 5.16. */
struct bpf_prog_stats___plain {
  __u64 cnt;
};

struct bpf_prog {
  enum bpf_prog_type type;
  unsigned char tag[8];
  struct bpf_prog_aux* aux;
  struct bpf_prog_stats* stats; /* since 5.12; in aux before */
};

struct bpf_map {
  enum bpf_map_type map_type;
  __u32 key_size;
  __u32 value_size;
  __u32 max_entries;
  __u32 map_flags;
  __u32 id;
  char name[16];
};

struct bpf_link {
  __u32 id;
  struct bpf_prog* prog;
};

struct bpf_mprog_fp {
  struct bpf_prog* prog;
};

struct bpf_mprog_cp {
  struct bpf_link* link;
};

struct bpf_mprog_bundle;

struct bpf_mprog_entry {
  struct bpf_mprog_fp fp_items[64];
  struct bpf_mprog_bundle* parent;
};

struct bpf_mprog_bundle {
  struct bpf_mprog_cp cp_items[64];
  atomic64_t revision;
};

struct mini_Qdisc;

struct tcx_entry {
  struct mini_Qdisc* miniq;
  struct bpf_mprog_bundle bundle;
};

/* drivers/net/netkit.c, in a device's private data */
struct netkit {
  struct net_device* peer;
  struct bpf_mprog_entry* active;
};

struct bpf_xdp_link {
  struct bpf_link link;
};

struct bpf_xdp_entity {
  struct bpf_prog* prog;
  struct bpf_xdp_link* link;
};

struct net_device {
  int ifindex;
  unsigned int flags;
  char name[16];
  possible_net_t nd_net;
  struct bpf_mprog_entry* tcx_ingress;
  struct bpf_mprog_entry* tcx_egress;
  struct bpf_xdp_entity xdp_state[3];
};

/* Since 6.10; before it the private data came behind the structure, at a multiple of 32 bytes. */
struct net_device___priv {
  unsigned char priv[1];
};

/* Before 6.6. */
struct net_device___miniq {
  struct mini_Qdisc* miniq_ingress;
  struct mini_Qdisc* miniq_egress;
};

struct tcf_block {
  struct list_head chain_list;
  __u32 index;
};

struct tcf_proto;

struct mini_Qdisc {
  struct tcf_proto* filter_list;
  struct tcf_block* block;
};

struct tcf_chain {
  struct tcf_proto* filter_chain;
  struct list_head list;
  __u32 index;
};

struct tcf_proto_ops {
  char kind[16];
};

struct tcf_proto {
  struct tcf_proto* next;
  void* root;
  __be16 protocol;
  __u32 prio;
  const struct tcf_proto_ops* ops;
  struct tcf_chain* chain;
};

struct bpf_prog_array_item {
  struct bpf_prog* prog;
};

struct bpf_prog_array {
  struct bpf_prog_array_item items[1];
};

struct cgroup_bpf {
  struct bpf_prog_array* effective[1];
};

struct kernfs_node {
  __u64 id; /* since 5.5 */
};

struct cgroup {
  struct kernfs_node* kn;
  struct cgroup_bpf bpf;
};

struct sock_cgroup_data {
  struct cgroup* cgroup;
};

/* Before 5.15 with both net_cls and cgroup v2: a tagged word (include/linux/cgroup-defs.h). */
struct sock_cgroup_data___val {
  __u64 val;
};

struct sk_filter {
  struct bpf_prog* prog;
};

struct sock_common {
  possible_net_t skc_net;
  volatile unsigned char skc_state;
};

struct sock {
  struct sock_common __sk_common;
  struct sk_filter* sk_filter;
  struct sock_cgroup_data sk_cgrp_data;
};

struct skb_shared_info {
  unsigned short gso_segs;
  unsigned char nr_frags;
};

struct sk_buff {
  struct net_device* dev;
  struct sock* sk;
  unsigned int len;
  unsigned int data_len;
  int skb_iif;
  __be16 vlan_proto;
  __u16 vlan_tci;
  __be16 protocol;
  __u16 network_header;
  __u16 mac_header;
  unsigned int tail;
  unsigned int end;
  unsigned char* head;
  unsigned char* data;
  __u8 tc_at_ingress : 1;
};

/* Since 6.2 (vlan_all), before it a bit of its own. */
struct sk_buff___vlan_all {
  __u32 vlan_all;
};

struct sk_buff___vlan_bit {
  __u8 vlan_present : 1;
};

struct nsproxy {
  struct net* net_ns;
};

struct rq;

struct cfs_rq {
  struct rq* rq; /* with CONFIG_FAIR_GROUP_SCHED */
};

struct sched_entity {
  struct cfs_rq* cfs_rq;
};

struct qstr {
  const unsigned char* name;
};

struct dentry {
  struct qstr d_name;
};

struct path {
  struct dentry* dentry;
};

struct file {
  struct path f_path;
  void* private_data;
};

struct fdtable {
  unsigned int max_fds;
  struct file** fd;
};

struct files_struct {
  struct fdtable* fdt;
};

struct task_struct {
  struct sched_entity se;
  struct files_struct* files;
  struct nsproxy* nsproxy;
};

/* kernel/events: a map of perf events (include/linux/bpf.h) */
struct perf_event {
  int oncpu; /* -1: it is off */
};

struct bpf_event_entry {
  struct perf_event* event;
};

struct bpf_array {
  void* ptrs[1];
};

enum cgroup_bpf_attach_type { CGROUP_INET_INGRESS = 0, CGROUP_INET_EGRESS = 1 };

enum skb_drop_reason {
  SKB_DROP_REASON_SOCKET_FILTER = 5,
  SKB_DROP_REASON_NETFILTER_DROP = 8,
  SKB_DROP_REASON_BPF_CGROUP_EGRESS = 55,
  SKB_DROP_REASON_TC_EGRESS = 62,
  SKB_DROP_REASON_XDP = 72,
  SKB_DROP_REASON_TC_INGRESS = 73,
  SKB_DROP_REASON_TAP_FILTER = 75,
};

#pragma clang attribute pop

#endif /* COLLECTOR_KERNEL_TYPES_BPF_H_ */
