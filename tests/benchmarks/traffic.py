"""Packets that are dropped, for benchmarks: of one kind, or of a thousand.

`near` sends, through a veth pair for each of `namespaces`, in each of which an instance of bench_tc stands on tc ingress. The
frames are prepared once; tests/benchmarks/flood sends them.
"""

import contextlib
import os
import random
import socket
import struct
import subprocess
import tempfile

from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L

FLOOD = str(harness.TOP / 'tests/benchmarks/flood')
OBJECT = str(harness.TOP / 'tests/benchmarks/bench.bpf.o')
PORT_SHOT, PORT_INSIDE, INSIDE_PLACES = 7001, 7010, 3
NAMESPACES = 64
FRAMES = 8192


class Traffic:
  """Of one kind where there is one namespace."""

  def __init__(self, namespaces):
    self.frames_of_one_kind = namespaces == 1
    self._stack = contextlib.ExitStack()
    try:
      self.near = self._own(L.Netns('bench'), L.Netns.close)
      self.fars = [self._own(L.Netns(), L.Netns.close) for _ in range(namespaces)]
      self._indexes = [self._join(i, far) for i, far in enumerate(self.fars)]
      self._pins = self._own(harness.PINS / 'bench', _unpin)
      self._pins.mkdir()
      for i in range(namespaces):
        self._attach(i)
      self._file = self._stack.enter_context(tempfile.NamedTemporaryFile(prefix='bench-frames.'))
      self._write([self._shot(0)] if namespaces == 1 else self._mixed())
    except BaseException:
      self.close()
      raise

  def _own(self, thing, close):
    self._stack.callback(close, thing)
    return thing

  def close(self):
    self._stack.close()

  def _join(self, i, far):
    L.join(self.near, far, i)
    L.add_device_that_is_down(far)
    with self.near.entered():
      return socket.if_nametoindex(f'near{i}')

  def _attach(self, i):
    pin = self._pins / f'tc{i}'
    # `load` takes the first program of the file.
    harness.run([harness.BPFTOOL, 'prog', 'load', OBJECT, pin])
    with self.fars[i].entered():
      harness.run([harness.TC, 'qdisc', 'replace', 'dev', f'far{i}', 'clsact'])
      harness.run([harness.TC, 'filter', 'replace', 'dev', f'far{i}', 'ingress', 'pref', 10, 'handle', 1, 'bpf',
                   'direct-action', 'object-pinned', pin])

  def _shot(self, i):
    return i, frame.udp(L.ends(i), 4000, PORT_SHOT)

  def _mixed(self):
    """FRAMES frames of any kind, from many addresses and ports."""
    chosen = random.Random(1)
    frames = []
    while len(frames) < FRAMES:
      i = len(frames) % len(self.fars)
      host = f'{chosen.randrange(1, 250)}.{chosen.randrange(1, 250)}'
      four = L.ends(i)._replace(source=f'10.{100 + i}.{host}')
      six = L.ends(i, ipv6=True)._replace(source=f'fd78:{i}::{chosen.randrange(3, 60000):x}')
      port = chosen.randrange(1024, 60000)
      data = b'\0' * chosen.choice((10, 100, 500, 1300))
      udp = socket.IPPROTO_UDP
      frames += [(i, one) for one in (
          frame.udp(four, port, PORT_SHOT, data),
          *(frame.udp(four, port, PORT_INSIDE + place, data) for place in range(INSIDE_PLACES)),
          frame.udp(four, port, L.PORT_CLOSED, data, bad_checksum=True),
          frame.udp(six, port, PORT_SHOT, data),
          frame.udp(six, port, L.PORT_CLOSED, data, bad_checksum=True),
          frame.tcp(four, port, L.PORT_CLOSED, frame.ACK, data=data, bad_checksum=True),
          frame.tcp(six, port, L.PORT_CLOSED, frame.ACK, data=data, bad_checksum=True),
          frame.ip(four, udp, data, bad_checksum=True),
          frame.ip(four, udp, data, total_bytes=1400),
          frame.ip(four, udp, data, options=b'\x07\x03\x00\x01'),
          frame.icmp(four, 8, bad_checksum=True),
          frame.icmp(six, 128, bad_checksum=True),
          frame.icmp(four, 200),
          frame.ethernet(four, 0x88b5, data),
          frame.udp(four._replace(destination_mac='02:00:00:78:ff:ff'), port, 9, data),
          frame.udp(six._replace(destination_mac='02:00:00:78:ff:ff'), port, 9, data),
          frame.udp(four._replace(source='127.0.0.1'), port, 9, data),
      )]
    return frames

  def _write(self, frames):
    for i, data in frames:
      self._file.write(struct.pack('=II', self._indexes[i], len(data)) + data)
    self._file.flush()

  def attach_xdp(self):
    """From now on the first frame of one kind is an XDP exception instead."""
    pin = self._pins / 'xdp'
    harness.run([harness.BPFTOOL, 'prog', 'loadall', OBJECT, self._pins / 'all'])
    os.rename(self._pins / 'all' / 'bench_xdp', pin)
    _unpin(self._pins / 'all')
    with self.fars[0].entered():
      harness.run([harness.IP, '-force', 'link', 'set', 'dev', 'far0', 'xdpgeneric', 'pinned', pin])

  def detach_xdp(self):
    with self.fars[0].entered():
      harness.run([harness.IP, 'link', 'set', 'dev', 'far0', 'xdpgeneric', 'off'])

  def flood(self, frames, rate=0, cpus=(0,)):
    """`frames` in all, the same number from each CPU."""
    senders = []
    for cpu in cpus:
      sender = harness.start([harness.NSENTER, f'--net=/proc/{os.getpid()}/fd/{self.near.fd}', FLOOD, self._file.name,
                              frames // len(cpus), rate // len(cpus)])
      os.sched_setaffinity(sender.pid, [cpu])
      senders.append(sender)
    for sender in senders:
      if sender.wait() != 0:
        raise AssertionError(f'flood: {sender.stderr_text()}')


def _unpin(folder):
  for pin in folder.iterdir():
    pin.unlink()
  folder.rmdir()


def counted(body, event='skb:kfree_skb'):
  """How often `event` came while body ran, as perf counts it."""
  counter = harness.CommandRun(harness.PERF, 'stat', '-a', '-x', ';', '-e', event)
  body()
  return int(counter.stop()[1].split(';')[0])
