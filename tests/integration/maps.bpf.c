/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Maps of many types of keys and values, and a program that uses them and drops every packet. */
/* clang-format off */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

enum color { RED = 1, BLUE = 2 };

struct inner {
  __u8 bytes[3];
  char name[8];
};

struct flow_key {
  __u32 id;
  __u32 port;
};

struct flow {
  __u32 a;
  __s16 b;
  _Bool flag;
  enum color color;
  struct inner in;
  __u64 big;
  void* pointer;
  __u32 bits : 3;
  __u32 rest : 29;
  __be16 ports[2];
  union {
    __u32 whole;
    __u8 parts[4];
  };
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 8);
  __type(key, struct flow_key);
  __type(value, struct flow);
} test_flows SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 2);
  __type(key, __u32);
  __type(value, __u64);
} test_counts SEC(".maps");

volatile int test_number = 7;

SEC("tc")
int maps_drop(struct __sk_buff* skb) {
  struct flow_key key = {1, 80};
  __u32 zero = 0;
  __u64* count = bpf_map_lookup_elem(&test_counts, &zero);

  if (skb->len && count) *count += test_number;
  return bpf_map_lookup_elem(&test_flows, &key) ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
