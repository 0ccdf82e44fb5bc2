/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What a program returned for a packet, noted when it returned (exits.bpf.c) and read again when
 * that packet is freed (exit_notes.bpf.h). As C for both sides. */
#ifndef COLLECTOR_EXIT_NOTE_H_
#define COLLECTOR_EXIT_NOTE_H_

#include <linux/types.h>

enum {
  EXIT_NOTE_BITS = 5,
  EXIT_NOTES = 1 << EXIT_NOTE_BITS, /* a CPU: packets that interrupts began meanwhile */
  EXIT_NOTE_OF_XDP = EXIT_NOTES,    /* one more: of the last XDP program, whatever the packet */
};

/* exit_note.kind */
enum {
  EXIT_OF_SKB = 1, /* packet is the struct sk_buff */
  EXIT_OF_XDP = 2, /* packet is xdp_buff.data_hard_start, which becomes skb->head */
  /* All programs of a cgroup run, whatever the first ones returned (kernel/bpf/cgroup.c,
   * bpf_prog_run_array_cg): the first refusal stands. */
  EXIT_OF_CGROUP = 3,
  EXIT_OF_NETFILTER = 4,
};

struct exit_note {
  __u64 packet; /* 0: no note */
  __u64 device;
  __u64 time_ns; /* CLOCK_MONOTONIC */
  __u32 kind;
  __u32 program_id;
  __s32 verdict;
  /* The program's last part to return for this packet that stands in for one of its functions
   * (BPF_PROG_TYPE_EXT: behind a dispatcher of libxdp), and what that returned; 0: none. */
  __u32 part_id;
  __s32 part_verdict;
  __u32 reserved;
};

enum { EXIT_COUNTS = 6 };

/* Where a count of XDP verdicts stands: enum xdp_action, and one for all that it does not know. */
static inline __u32 exit_count_of(__u32 verdict) {
  return verdict < EXIT_COUNTS - 1 ? verdict : EXIT_COUNTS - 1;
}

#endif /* COLLECTOR_EXIT_NOTE_H_ */
