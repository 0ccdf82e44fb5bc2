/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Counts drops and XDP exceptions by kind and does nothing else, apart from the programs that
 * record: the less a program does, the seldomer an interrupt finds it running, and a hit that does
 * is missed by it. In one object with those, since libbpf reads the kernel's BTF, some 50 ms, for
 * each. */
#ifndef COLLECTOR_DROP_COUNTER_BPF_H_
#define COLLECTOR_DROP_COUNTER_BPF_H_

/* clang-format off */
#include "collector/kernel_types.bpf.h"
#include "collector/kernel_read.bpf.h"
#include <bpf/bpf_helpers.h>

#include "collector/hits.bpf.h"
#include "collector/kind_tables.bpf.h"
#include "collector/packet_place.bpf.h"
/* clang-format on */

static __always_inline bool counts(__u32 which) {
  __u32 mode = counting;

  return mode == COUNT_ALL || (mode == COUNT_IF_EVENT_IS_ON && event_is_on(which));
}

static __always_inline void count(const struct packet_place* place, struct drop_kind* kind) {
  kind->netns_cookie = place->netns_cookie;
  kind->netns_inode = place->netns_inode;
  kind->ifindex = place->ifindex;
  count_kind(kind);
}

static __always_inline int count_any_drop(__u64* arguments, __u32 reason, struct sock* rx_sk) {
  struct drop_kind kind = {.event = COMPANION_DROP};
  struct packet_place place = {};

  if (!counts(COMPANION_DROP)) return 0;
  kind.location = arguments[1];
  kind.reason = reason;
  find_packet(&place, (struct sk_buff*)arguments[0], rx_sk);
  count(&place, &kind);
  return 0;
}

static __always_inline int count_any_exception(__u64* arguments) {
  struct drop_kind kind = {.event = COMPANION_EXCEPTION};
  struct packet_place place = {};

  if (!counts(COMPANION_EXCEPTION)) return 0;
  kind.reason = (__u32)arguments[2];
  kind.program_id = READ((struct bpf_prog*)arguments[1], aux, id);
  find_device(&place, (struct net_device*)arguments[0]);
  count(&place, &kind);
  return 0;
}

#endif /* COLLECTOR_DROP_COUNTER_BPF_H_ */
