/* SPDX-License-Identifier: Apache-2.0 */
/* Updates an entry of an array of its own N times, as fast as it can, and prints how many of these
 * calls succeeded and how long they took, in nanoseconds. usage: bpf_caller N */
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long call(int command, union bpf_attr* attr) {
  return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

int main(int argc, char** argv) {
  const long calls = argc > 1 ? atol(argv[1]) : 0;
  union bpf_attr attr;
  uint32_t key = 0;
  uint64_t value = 7;
  long succeeded = 0;
  struct timespec begin;
  struct timespec end;

  memset(&attr, 0, sizeof(attr));
  attr.map_type = BPF_MAP_TYPE_ARRAY;
  attr.key_size = sizeof(key);
  attr.value_size = sizeof(value);
  attr.max_entries = 1;
  const long map = call(BPF_MAP_CREATE, &attr);
  if (map < 0) return 1;
  memset(&attr, 0, sizeof(attr));
  attr.map_fd = (uint32_t)map;
  attr.key = (uintptr_t)&key;
  attr.value = (uintptr_t)&value;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (long i = 0; i < calls; i++) succeeded += call(BPF_MAP_UPDATE_ELEM, &attr) == 0;
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("%ld %lld\n", succeeded,
         (end.tv_sec - begin.tv_sec) * 1000000000ll + end.tv_nsec - begin.tv_nsec);
  return 0;
}
