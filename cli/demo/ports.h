/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What the demo's BPF programs look for, shared by their C and by the C++ that sends to them. */
#ifndef CLI_DEMO_PORTS_H_
#define CLI_DEMO_PORTS_H_

#define DEMO_PORT_PASS 7000    /* nothing happens to it */
#define DEMO_PORT_TC_DROP 7001 /* tc_drop returns TC_ACT_SHOT */
#define DEMO_PORT_ABORT 7002   /* xdp_abort returns XDP_ABORTED */
#define DEMO_PORT_MIRROR 7003  /* tc_mirror clones it towards a device that is down */

#endif /* CLI_DEMO_PORTS_H_ */
