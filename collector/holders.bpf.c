/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Runs over all BPF programs (iter/bpf_prog) and tells of each how many hold it: descriptors, pins,
 * attachments, maps of programs, and fexit programs that follow it. Only reads. */
/* libbpf's headers need the types of linux/bpf.h before them. */
/* clang-format off */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

#include "collector/program_holders_record.h"

#define KERNEL_TYPE __attribute__((preserve_access_index))

struct seq_file;
struct bpf_iter_meta {
  struct seq_file* seq;
} KERNEL_TYPE;
typedef struct {
  __s64 counter;
} atomic64_t;
struct bpf_prog_aux {
  atomic64_t refcnt;
  __u32 id;
} KERNEL_TYPE;
struct bpf_prog {
  struct bpf_prog_aux* aux;
} KERNEL_TYPE;
struct bpf_iter__bpf_prog {
  struct bpf_iter_meta* meta;
  struct bpf_prog* prog;
} KERNEL_TYPE;

SEC("iter/bpf_prog")
int list_holders(struct bpf_iter__bpf_prog* context) {
  struct bpf_prog* program = context->prog;
  struct program_holders_record record = {};

  if (!program) return 0;
  record.program_id = BPF_CORE_READ(program, aux, id);
  /* The iterator itself holds it meanwhile (kernel/bpf/syscall.c, bpf_prog_get_curr_or_next). */
  record.holders = (__s32)(BPF_CORE_READ(program, aux, refcnt.counter) - 1);
  bpf_seq_write(context->meta->seq, &record, sizeof(record));
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
