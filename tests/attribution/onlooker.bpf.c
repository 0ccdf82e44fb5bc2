/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Another tool's program on the tracepoint: it is on every callchain and drops nothing. */
/* clang-format off */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

SEC("raw_tp/kfree_skb")
int onlooker(void* context) { return context == 0; }

char LICENSE[] SEC("license") = "Dual BSD/GPL";
