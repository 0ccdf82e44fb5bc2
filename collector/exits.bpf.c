/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* fexit programs, loaded once for each program that they follow: they note what it returned for a
 * packet, in a place where the companion program of drops looks. They change nothing. */
/* clang-format off */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include "collector/exit_notes.bpf.h"
/* clang-format on */

/* The program that is followed, and whether it is a part of another one (BPF_PROG_TYPE_EXT). */
const volatile __u32 followed_id = 0;
const volatile __u32 is_part = 0;
const volatile __u32 kind = 0; /* EXIT_OF_... */

/* Offsets in the kernel's structures, from its BTF: no CO-RE, which costs some 30 ms a load. */
const volatile __u32 skb_dev = 0;
const volatile __u32 xdp_data_hard_start = 0;
const volatile __u32 xdp_rxq = 0;
const volatile __u32 rxq_dev = 0;
const volatile __u32 netfilter_skb = 0; /* in struct bpf_nf_ctx */

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, EXIT_COUNTS);
  __type(key, __u32);
  __type(value, __u64);
} exit_counts SEC(".maps");

static __always_inline __u64 read_pointer(__u64 base, __u32 offset) {
  __u64 value = 0;

  bpf_probe_read_kernel(&value, sizeof(value), (void*)(base + offset));
  return value;
}

/* As a number: the verifier forbids arithmetic with what it knows to be a pointer. */
static __always_inline __u64 first_argument(__u64* arguments) {
  __u64 value = 0;

  bpf_probe_read_kernel(&value, sizeof(value), arguments);
  return value;
}

enum { SAME_RUN_NS = 1000 * 1000 };

/* 0 and 2, which asks for less congestion besides (include/linux/bpf-cgroup.h). */
static __always_inline bool refuses_in_cgroup(__s32 verdict) { return !(verdict & 1); }

static __always_inline void write_note(struct exit_note* note, __u64 packet, __u64 device,
                                       __s32 verdict) {
  __u64 now = bpf_ktime_get_ns();

  if (!note) return;
  if (kind == EXIT_OF_CGROUP && note->kind == kind && note->packet == packet &&
      refuses_in_cgroup(note->verdict) && now - note->time_ns < SAME_RUN_NS)
    return;
  if (is_part) {
    /* The program that this is a part of notes the rest, if it returns for the same packet. */
    note->part_id = followed_id;
    note->part_verdict = verdict;
    note->program_id = 0;
  } else {
    bool same = note->packet == packet && note->kind == kind && note->device == device &&
                !note->program_id && note->part_verdict == verdict;
    if (!same) note->part_id = 0;
    note->program_id = followed_id;
  }
  note->packet = packet;
  note->device = device;
  note->kind = kind;
  note->verdict = verdict;
  note->time_ns = now;
}

SEC("fexit")
int after_skb(__u64* arguments) {
  __u64 skb = first_argument(arguments);

  write_note(exit_note_of(skb), skb, read_pointer(skb, skb_dev), (__s32)arguments[1]);
  return 0;
}

SEC("fexit")
int after_netfilter(__u64* arguments) {
  __u64 skb = read_pointer(first_argument(arguments), netfilter_skb);

  write_note(exit_note_of(skb), skb, read_pointer(skb, skb_dev), (__s32)arguments[1]);
  return 0;
}

SEC("fexit")
int after_xdp(__u64* arguments) {
  __u64 buffer = first_argument(arguments);
  __s32 verdict = (__s32)arguments[1];
  __u32 which = exit_count_of(verdict);
  __u64* count = bpf_map_lookup_elem(&exit_counts, &which);

  if (count) ++*count;
  __u64 packet = read_pointer(buffer, xdp_data_hard_start);
  __u64 device = read_pointer(read_pointer(buffer, xdp_rxq), rxq_dev);
  write_note(exit_note_of(packet), packet, device, verdict);
  write_note(last_xdp_exit(), packet, device, verdict);
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
