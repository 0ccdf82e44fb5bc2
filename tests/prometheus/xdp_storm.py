"""`python3 -m tests.prometheus.xdp_storm DEVICE TIMES`: sends a frame so often out of a device, as fast as one CPU can. Whatever
does not arrive at the other end is an error.
"""

import os
import socket
import sys

from tests.integration import bpf_calls

XDP_TX = 3
AT_ONCE = 1_000_000


def main():
  device, times = sys.argv[1], int(sys.argv[2])
  program = bpf_calls.prog_load(bpf_calls.XDP, bpf_calls.returns(XDP_TX), b'storm_tx')
  frame = b'\x02\0\0\x78\0\x02' + b'\x02\0\0\x78\0\x01' + b'\x91\x00' + bytes(50)
  while times > 0:
    now = min(times, AT_ONCE)
    result = bpf_calls.live_frames(program, socket.if_nametoindex(device), frame, now)
    if result != 0:
      sys.exit(f'BPF_PROG_TEST_RUN: {os.strerror(-result)}')
    times -= now


if __name__ == '__main__':
  main()
