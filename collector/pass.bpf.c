/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* A program for measurements: every packet goes on. */
/* clang-format off */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

SEC("tcx/ingress")
int pass(struct __sk_buff* skb) {
  (void)skb;
  return TCX_NEXT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
