/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* One call of bpf(2), as bpf_calls.bpf.c writes it down, as C for both sides. Native byte order: a
 * record never leaves the host that made it. Commands and the layout of what they ask:
 * include/uapi/linux/bpf.h, enum bpf_cmd and union bpf_attr. */
#ifndef COLLECTOR_BPF_CALL_RECORD_H_
#define COLLECTOR_BPF_CALL_RECORD_H_

#include <linux/types.h>

enum {
  BPF_CALL_NAME_BYTES = 16,
  BPF_CALL_MOST_BYTES = 1024, /* of a key, a value, a path each */
  BPF_CALL_KINDS = 32,
};

/* bpf_call_record.object: what a descriptor led to. */
enum { CALL_OBJECT_NONE = 0, CALL_OBJECT_MAP = 1, CALL_OBJECT_PROGRAM = 2, CALL_OBJECT_LINK = 3 };

/* bpf_call_record.flags */
enum {
  CALL_KEY_NULL = 1 << 0,
  CALL_CHANGED = 1 << 1, /* the caller's memory was another one after the call than before */
  CALL_UNREAD = 1 << 2,  /* the caller's memory could not be read, or not all of it */
};

struct bpf_call_record {
  __s64 result; /* of the system call: a descriptor, 0, or an error below 0 */
  __u64 cgroup_id;
  __u32 duration_ns; /* 4.29 s at most */
  __u32 command;     /* enum bpf_cmd */
  __u32 flags;
  __u32 fd;     /* the map's or program's: given, or returned */
  __u32 object; /* CALL_OBJECT_... */
  __u32 object_id;
  __u32 object_type; /* enum bpf_map_type or bpf_prog_type; asked for, where there is no object */
  __u32 key_size;
  __u32 value_size; /* of what a call copies: of all CPUs, where each has its own */
  __u32 max_entries;
  __u32 map_flags;
  __u32 link_id;
  __u32 target; /* of an attachment: a descriptor or an interface's number */
  __u32 attach_type;
  __u32 attach_flags;
  __u32 room; /* bytes of key, or path, in data; behind them stands the value */
  __u32 key_bytes;
  __u32 value_bytes;
  __u8 tag[8];
  char name[BPF_CALL_NAME_BYTES];
  __u8 data[2 * BPF_CALL_MOST_BYTES];
};

/* What calls are counted by: the command, and for pins and what is opened by path, which two events
 * tell, whether it is a program. */
enum { CALL_PINS_PROGRAM = 29, CALL_OPENS_PROGRAM = 30 };

static inline __u32 bpf_call_kind(__u32 command, __u32 object) {
  if (object != CALL_OBJECT_PROGRAM) return command;
  if (command == 6 /* BPF_OBJ_PIN */) return CALL_PINS_PROGRAM;
  if (command == 7 /* BPF_OBJ_GET */) return CALL_OPENS_PROGRAM;
  return command;
}

/* By kind and CPU. */
struct bpf_call_counts {
  __u64 seen;
  __u64 lost; /* no room in the ring, or among the calls that are under way */
};

#endif /* COLLECTOR_BPF_CALL_RECORD_H_ */
