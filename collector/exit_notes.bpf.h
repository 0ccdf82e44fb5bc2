/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Which program had the last word on a packet, where fexit programs noted what each returned. */
#ifndef COLLECTOR_EXIT_NOTES_BPF_H_
#define COLLECTOR_EXIT_NOTES_BPF_H_

/* clang-format off */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "collector/exit_note.h"
/* clang-format on */

/* By a hash of the packet's address. Another packet may take a note's place: then nothing is known
 * of the first one. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, EXIT_NOTES + 1);
  __type(key, __u32);
  __type(value, struct exit_note);
} exit_notes SEC(".maps");

/* XDP programs of one CPU do not interrupt each other. */
static __always_inline struct exit_note* last_xdp_exit(void) {
  __u32 slot = EXIT_NOTE_OF_XDP;

  return bpf_map_lookup_elem(&exit_notes, &slot);
}

static __always_inline struct exit_note* exit_note_of(__u64 packet) {
  __u32 slot = packet * 0x9e3779b97f4a7c15ull >> (64 - EXIT_NOTE_BITS);

  return bpf_map_lookup_elem(&exit_notes, &slot);
}

#endif /* COLLECTOR_EXIT_NOTES_BPF_H_ */
