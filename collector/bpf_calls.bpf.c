/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Writes down calls of bpf(2): what was asked, of which map or program, by whom, and what came of
 * it. Made of two tracepoints, since the kernel has none of its own any more (bpf:* went in 4.18).
 * What goes into the kernel is read before the call, what comes out of it after. */
/* clang-format off */
#include "collector/kernel_types.bpf.h"
#include "collector/kernel_read.bpf.h"
#include <bpf/bpf_helpers.h>
#include <linux/errno.h>

#include "collector/bpf_call_record.h"
#include "collector/record_ring.bpf.h"
/* clang-format on */

const volatile __u32 wanted_commands = 0; /* 1 << enum bpf_cmd */
const volatile __u32 own_process = 0;     /* whose calls are not written down */
const volatile __u32 possible_cpus = 1;
const volatile __u32 room = 64; /* bytes of a key, a value, a path: BPF_CALL_MOST_BYTES at most */

enum { MOST_CALLS = 4096, ATTR_BYTES = 128 };

/* Commands, in the kernel's numbers: headers may be older than it. */
enum {
  MAP_CREATE = 0,
  MAP_LOOKUP_ELEM = 1,
  MAP_UPDATE_ELEM = 2,
  MAP_DELETE_ELEM = 3,
  MAP_GET_NEXT_KEY = 4,
  PROG_LOAD = 5,
  OBJ_PIN = 6,
  OBJ_GET = 7,
  PROG_ATTACH = 8,
  LINK_CREATE = 28,
};

struct call {
  __u64 entered_ns;
  __u64 user_attr; /* the caller's address of it */
  __u64 key;       /* likewise; or of the path */
  __u64 value;
  __u64 asked[4]; /* the first bytes of attr */
  struct ring_head head;
  struct bpf_call_record record;
};

/* Of calls that are under way, by thread. Values are cut behind the bytes that `room` asks for. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, MOST_CALLS);
  __type(key, __u64);
  __type(value, struct call);
} calls SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct call);
} new_call SEC(".maps");

struct attr_words {
  __u64 words[ATTR_BYTES / 8];
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct attr_words);
} new_attr SEC(".maps");

/* What a buffer of the caller holds after the call. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __uint(value_size, BPF_CALL_MOST_BYTES);
} again SEC(".maps");

/* By CPU and kind; at its size when loaded. To be read without a system call: while one that reads
 * a map is preempted, no program runs on that CPU's tracepoints (bpf_disable_instrumentation). */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, BPF_CALL_KINDS);
  __type(key, __u32);
  __type(value, struct bpf_call_counts);
} call_counts SEC(".maps");

/* kernel/trace/trace_syscalls.c, struct syscall_tp_t of perf_call_bpf_enter() and _exit() */
struct enter_context {
  __u64 common;
  __u64 number;
  __u64 command;
  __u64 attr;
  __u64 size;
};

struct exit_context {
  __u64 common;
  __u64 number;
  __s64 result;
};

static __always_inline bool is_wanted(__u32 command) {
  return command < CALL_PINS_PROGRAM && wanted_commands & 1u << command;
}

static __always_inline __u32 low(__u64 word) { return (__u32)word; }
static __always_inline __u32 high(__u64 word) { return (__u32)(word >> 32); }

static __always_inline struct file* file_of(__u32 fd) {
  struct task_struct* task = (void*)bpf_get_current_task();
  struct fdtable* table = BPF_CORE_READ(task, files, fdt);
  struct file** files = BPF_CORE_READ(table, fd);
  struct file* file = 0;

  if (fd >= BPF_CORE_READ(table, max_fds)) return 0;
  bpf_probe_read_kernel(&file, sizeof(file), files + fd);
  return file;
}

/* The names that kernel/bpf/syscall.c gives to anonymous inodes: "bpf-map", "bpf-prog", and for
 * links "bpf_link" or "bpf-link". */
static __always_inline __u32 object_of(struct file* file) {
  const unsigned char* name = BPF_CORE_READ(file, f_path.dentry, d_name.name);
  char text[8] = {};

  bpf_probe_read_kernel(text, sizeof(text), name);
  if (text[0] != 'b' || text[1] != 'p' || text[2] != 'f' || (text[3] != '-' && text[3] != '_'))
    return CALL_OBJECT_NONE;
  if (text[4] == 'm' && text[5] == 'a' && text[6] == 'p') return CALL_OBJECT_MAP;
  if (text[4] == 'p' && text[5] == 'r' && text[6] == 'o') return CALL_OBJECT_PROGRAM;
  if (text[4] == 'l' && text[5] == 'i' && text[6] == 'n') return CALL_OBJECT_LINK;
  return CALL_OBJECT_NONE;
}

static __always_inline bool has_value_per_cpu(__u32 type) {
  return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
         type == BPF_MAP_TYPE_LRU_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

/* What bpf(2) copies for a value (kernel/bpf/syscall.c, bpf_map_value_size). */
static __always_inline __u32 copied_value_bytes(__u32 type, __u32 value_size) {
  if (has_value_per_cpu(type)) return ((value_size + 7) & ~7u) * possible_cpus;
  if (type == BPF_MAP_TYPE_PROG_ARRAY || type == BPF_MAP_TYPE_PERF_EVENT_ARRAY ||
      type == BPF_MAP_TYPE_CGROUP_ARRAY || type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
      type == BPF_MAP_TYPE_HASH_OF_MAPS)
    return 4; /* a descriptor, or an id */
  return value_size;
}

static __always_inline void note_map(struct bpf_call_record* record, struct bpf_map* map) {
  record->object = CALL_OBJECT_MAP;
  record->object_id = BPF_CORE_READ(map, id);
  record->object_type = BPF_CORE_READ(map, map_type);
  record->key_size = BPF_CORE_READ(map, key_size);
  record->value_size = copied_value_bytes(record->object_type, BPF_CORE_READ(map, value_size));
  record->max_entries = BPF_CORE_READ(map, max_entries);
  record->map_flags = BPF_CORE_READ(map, map_flags);
  bpf_probe_read_kernel(record->name, sizeof(record->name), map->name);
}

static __always_inline void note_program(struct bpf_call_record* record, struct bpf_prog* program) {
  record->object = CALL_OBJECT_PROGRAM;
  record->object_id = BPF_CORE_READ(program, aux, id);
  record->object_type = BPF_CORE_READ(program, type);
  struct bpf_prog_aux* aux = BPF_CORE_READ(program, aux);
  bpf_probe_read_kernel(record->name, sizeof(record->name), aux->name);
  bpf_probe_read_kernel(record->tag, sizeof(record->tag), program->tag);
}

static __always_inline void note_object(struct bpf_call_record* record, __u32 fd) {
  struct file* file = file_of(fd);
  void* object = file ? BPF_CORE_READ(file, private_data) : 0;

  record->fd = fd;
  if (!object) return;
  switch (object_of(file)) {
    case CALL_OBJECT_MAP:
      note_map(record, object);
      return;
    case CALL_OBJECT_PROGRAM:
      note_program(record, object);
      return;
    case CALL_OBJECT_LINK:
      record->object = CALL_OBJECT_LINK;
      record->link_id = BPF_CORE_READ((struct bpf_link*)object, id);
      return;
  }
}

/* The copy may be shorter: what the caller's memory cannot give without waiting stays unread. */
static __always_inline __u32 copy_in(struct bpf_call_record* record, void* to, __u64 from,
                                     __u32 bytes) {
  if (bytes > room) bytes = room;
  barrier_var(bytes);
  if (bytes > BPF_CALL_MOST_BYTES || bytes > room) return 0;
  if (from && !bpf_probe_read_user(to, bytes, (void*)from)) return bytes;
  record->flags |= CALL_UNREAD;
  return 0;
}

static __always_inline void copy_path(struct bpf_call_record* record, __u64 from) {
  long bytes = bpf_probe_read_user_str(record->data, room, (void*)from);

  if (bytes > 0) {
    record->key_bytes = bytes - 1;
  } else {
    record->flags |= CALL_UNREAD;
  }
}

static __always_inline void ask_of_element(struct call* call, const struct attr_words* attr) {
  struct bpf_call_record* record = &call->record;

  note_object(record, low(attr->words[0]));
  call->key = attr->words[1];
  call->value = attr->words[2];
  if (!call->key) record->flags |= CALL_KEY_NULL;
  if (record->object != CALL_OBJECT_MAP) return;
  if (call->key) record->key_bytes = copy_in(record, record->data, call->key, record->key_size);
  if (record->command == MAP_UPDATE_ELEM)
    record->value_bytes = copy_in(record, record->data + room, call->value, record->value_size);
}

static __always_inline void ask(struct call* call, const struct attr_words* attr) {
  struct bpf_call_record* record = &call->record;

  switch (record->command) {
    case MAP_CREATE:
      record->object_type = low(attr->words[0]);
      record->key_size = high(attr->words[0]);
      record->value_size = low(attr->words[1]);
      record->max_entries = high(attr->words[1]);
      record->map_flags = low(attr->words[2]);
      __builtin_memcpy(record->name, (void*)attr + 28, sizeof(record->name));
      return;
    case PROG_LOAD:
      record->object_type = low(attr->words[0]);
      __builtin_memcpy(record->name, (void*)attr + 48, sizeof(record->name));
      return;
    case OBJ_PIN:
      note_object(record, low(attr->words[1]));
      call->key = attr->words[0];
      copy_path(record, call->key);
      return;
    case OBJ_GET:
      call->key = attr->words[0];
      copy_path(record, call->key);
      return;
    case PROG_ATTACH:
      note_object(record, high(attr->words[0]));
      record->target = low(attr->words[0]);
      record->attach_type = low(attr->words[1]);
      record->attach_flags = high(attr->words[1]);
      return;
    case LINK_CREATE:
      note_object(record, low(attr->words[0]));
      record->target = high(attr->words[0]);
      record->attach_type = low(attr->words[1]);
      record->attach_flags = high(attr->words[1]);
      return;
    default:
      ask_of_element(call, attr);
  }
}

static __always_inline struct bpf_call_counts* counts_of(const struct bpf_call_record* record) {
  __u32 kind = bpf_call_kind(record->command, record->object);
  __u32 slot = bpf_get_smp_processor_id() * BPF_CALL_KINDS + kind;

  return bpf_map_lookup_elem(&call_counts, &slot);
}

SEC("tp/syscalls/sys_enter_bpf")
int enter_bpf(struct enter_context* context) {
  __u32 zero = 0;
  __u32 command = (__u32)context->command;
  __u64 thread = bpf_get_current_pid_tgid();
  __u32 bytes = (__u32)context->size;

  if (!is_wanted(command)) return 1;
  struct call* call = bpf_map_lookup_elem(&new_call, &zero);
  struct attr_words* attr = bpf_map_lookup_elem(&new_attr, &zero);
  if (!call || !attr) return 1;
  __builtin_memset(call, 0, __builtin_offsetof(struct call, record.data));
  note_task(&call->head);
  if (call->head.pid == own_process) return 1;
  call->record.command = command;
  call->record.room = room;
  call->record.cgroup_id = bpf_get_current_cgroup_id();
  call->user_attr = context->attr;
  __builtin_memset(attr, 0, sizeof(*attr));
  if (bytes > ATTR_BYTES) bytes = ATTR_BYTES;
  barrier_var(bytes);
  if (bytes > ATTR_BYTES) return 1;
  if (bpf_probe_read_user(attr, bytes, (void*)context->attr)) {
    call->record.flags |= CALL_UNREAD;
  } else {
    __builtin_memcpy(call->asked, attr, sizeof(call->asked));
    ask(call, attr);
  }
  call->entered_ns = bpf_ktime_get_ns();
  if (bpf_map_update_elem(&calls, &thread, call, BPF_ANY)) {
    struct bpf_call_counts* counts = counts_of(&call->record);
    if (!counts) return 1;
    counts->seen++;
    counts->lost++;
  }
  return 1; /* 0 would hide the event from everybody else */
}

/* `before`: of that buffer, as it was when the call began. */
static __always_inline bool buffer_changed(const void* before, __u64 address, __u32 bytes) {
  __u32 zero = 0;
  __u64* now = bpf_map_lookup_elem(&again, &zero);
  const __u64* then = before;

  if (!now || !bytes) return false;
  if (bytes > room) bytes = room;
  barrier_var(bytes);
  if (bytes > BPF_CALL_MOST_BYTES) return false;
  __builtin_memset(now, 0, 8);
  if (bpf_probe_read_user(now, bytes, (void*)address)) return false;
  for (__u32 i = 0; i < BPF_CALL_MOST_BYTES / 8; i++) {
    if ((i + 1) * 8 > bytes || (i + 1) * 8 > room) break;
    if (now[i] != then[i]) return true;
  }
  for (__u32 i = bytes & ~7u; i < bytes; i++) {
    if (i >= room || i >= BPF_CALL_MOST_BYTES) break;
    if (((__u8*)now)[i] != ((const __u8*)before)[i]) return true;
  }
  return false;
}

static __always_inline bool attr_changed(const struct call* call) {
  __u64 now[4] = {};
  __u32 known = call->asked[0] || call->asked[1] || call->asked[2] || call->asked[3];

  if (!known || bpf_probe_read_user(now, sizeof(now), (void*)call->user_attr)) return false;
  for (__u32 i = 0; i < 4; i++) {
    if (now[i] != call->asked[i]) return true;
  }
  return false;
}

static __always_inline void answer(struct call* call) {
  struct bpf_call_record* record = &call->record;
  __u32 command = record->command;

  switch (command) {
    case MAP_CREATE:
    case PROG_LOAD:
    case OBJ_GET:
      if (record->result >= 0) note_object(record, (__u32)record->result);
      return;
    case LINK_CREATE: {
      struct file* file = record->result >= 0 ? file_of((__u32)record->result) : 0;
      if (file && object_of(file) == CALL_OBJECT_LINK) {
        struct bpf_link* link = BPF_CORE_READ(file, private_data);
        record->link_id = BPF_CORE_READ(link, id);
      }
      return;
    }
    case MAP_LOOKUP_ELEM:
      if (record->result == 0)
        record->value_bytes = copy_in(record, record->data + room, call->value, record->value_size);
      return;
    case MAP_GET_NEXT_KEY:
      if (record->result == 0)
        record->value_bytes = copy_in(record, record->data + room, call->value, record->key_size);
      return;
  }
}

static __always_inline void look_again(struct call* call) {
  struct bpf_call_record* record = &call->record;

  if (attr_changed(call) || buffer_changed(record->data, call->key, record->key_bytes))
    record->flags |= CALL_CHANGED;
  if (record->command == MAP_UPDATE_ELEM &&
      buffer_changed(record->data + room, call->value, record->value_bytes))
    record->flags |= CALL_CHANGED;
}

SEC("tp/syscalls/sys_exit_bpf")
int exit_bpf(struct exit_context* context) {
  __u64 thread = bpf_get_current_pid_tgid();
  struct call* call = bpf_map_lookup_elem(&calls, &thread);

  if (!call) return 1;
  struct bpf_call_record* record = &call->record;
  __u64 took = bpf_ktime_get_ns() - call->entered_ns;
  record->result = context->result;
  record->duration_ns = took >> 32 ? 0xffffffff : (__u32)took;
  look_again(call);
  answer(call);
  struct bpf_call_counts* counts = counts_of(record);
  __u32 bytes = __builtin_offsetof(struct bpf_call_record, data);
  if (record->value_bytes) {
    bytes += room + record->value_bytes;
  } else {
    bytes += record->key_bytes;
  }
  barrier_var(bytes);
  if (bytes <= __builtin_offsetof(struct bpf_call_record, data) + 2 * room && counts) {
    counts->seen++;
    if (put_in_ring(&call->head, RING_BPF_CALLS, bytes, counts->seen)) counts->lost++;
  }
  bpf_map_delete_elem(&calls, &thread);
  return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
