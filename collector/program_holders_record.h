/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What holders.bpf.c writes for each program, as C for both sides. */
#ifndef COLLECTOR_PROGRAM_HOLDERS_RECORD_H_
#define COLLECTOR_PROGRAM_HOLDERS_RECORD_H_

#include <linux/types.h>

struct program_holders_record {
  __u32 program_id;
  __s32 holders;
};

#endif /* COLLECTOR_PROGRAM_HOLDERS_RECORD_H_ */
