/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* READ(pointer, field, field, ...) reads a field of a structure of the kernel, and goes on from
 * there, as BPF_CORE_READ does: whatever cannot be read is 0. Where the kernel has bpf_rdonly_cast
 * (Linux 6.2) each is one load that the kernel guards against faults, some 20 ns less than a call
 * of bpf_probe_read_kernel. */
#ifndef COLLECTOR_KERNEL_READ_BPF_H_
#define COLLECTOR_KERNEL_READ_BPF_H_

/* clang-format off */
#include "collector/kernel_types.bpf.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

extern void* bpf_rdonly_cast(const void* object, __u32 btf_id) __ksym __weak;

#define KERNEL_(pointer)                                    \
  ((typeof(pointer))bpf_rdonly_cast((const void*)(pointer), \
                                    bpf_core_type_id_kernel(typeof(*(pointer)))))

/* A pointer is read as a number: what the verifier knows to be a pointer it cannot hold for the
 * same as another one, and would look at the same code over and over. */
#define IS_POINTER_(value) (__builtin_classify_type(value) == 5)

#define READ_1_(pointer, field)                                           \
  ({                                                                      \
    typeof(pointer) pointer_ = (pointer);                                 \
    typeof(pointer_->field) value_;                                       \
    if (!bpf_ksym_exists(bpf_rdonly_cast)) {                              \
      bpf_core_read((void*)&value_, sizeof(value_), &pointer_->field);    \
    } else if (IS_POINTER_(value_)) {                                     \
      const struct timespec64* word_ =                                    \
          (const void*)pointer_ + bpf_core_field_offset(pointer_->field); \
      value_ = (typeof(value_))KERNEL_(word_)->tv_sec;                    \
    } else {                                                              \
      value_ = KERNEL_(pointer_)->field;                                  \
    }                                                                     \
    value_;                                                               \
  })
#define READ_2_(pointer, a, b) READ_1_(READ_1_(pointer, a), b)
#define READ_3_(pointer, a, b, c) READ_1_(READ_2_(pointer, a, b), c)
#define READ_4_(pointer, a, b, c, d) READ_1_(READ_3_(pointer, a, b, c), d)
#define READ_COUNT_(a, b, c, d, count, ...) count
#define READ_APPLY_(count, pointer, ...) READ_##count##_(pointer, __VA_ARGS__)
#define READ_NAMED_(count, pointer, ...) READ_APPLY_(count, pointer, __VA_ARGS__)
#define READ(pointer, ...) \
  READ_NAMED_(READ_COUNT_(__VA_ARGS__, 4, 3, 2, 1, 0), pointer, __VA_ARGS__)

/* Eight bytes, or four, at an address that no type tells: by types that every kernel has, and that
 * begin with a number of as many. */
#define READ_WORD(address) ((__u64)READ((struct timespec64*)(address), tv_sec))
#define READ_INT(address) ((__u32)READ((struct kref*)(address), refcount.refs.counter))

/* `to`: 16 bytes of ours. */
static __always_inline void read_text(void* to, const void* from) {
  __u64* words = to;

  words[0] = READ_WORD(from);
  words[1] = READ_WORD(from + 8);
}

#endif /* COLLECTOR_KERNEL_READ_BPF_H_ */
