/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* An XDP program that fails on some packets. */
#include "cli/demo/ports.h"
#include "cli/demo/udp_port.bpf.h"

SEC("xdp")
int xdp_abort(struct xdp_md* context) {
  void* data = (void*)(long)context->data;
  void* end = (void*)(long)context->data_end;

  if (udp_destination(data, end) == DEMO_PORT_ABORT) return XDP_ABORTED;
  return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
