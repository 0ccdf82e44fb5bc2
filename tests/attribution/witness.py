"""The suite's own eyes: which packet each event of a tracepoint was about, and which program had decided to drop it.
None of it comes from the recorder. See witness.bpf.c and packet.bpf.h.
"""

import collections
import os
import struct

from tests.attribution import bpf
from tests.integration import harness

MAX_PACKETS = 65536
_STRIDE = 8  # of an array's elements (kernel/bpf/arraymap.c rounds up)
_EVENT = struct.Struct('=QQQIHH')
assert _EVENT.size % _STRIDE == 0

# The same order as in witness.bpf.c.
TRACEPOINTS = ('skb:kfree_skb', 'xdp:xdp_exception', 'xdp:xdp_redirect_err', 'xdp:xdp_bulk_tx', 'xdp:xdp_devmap_xmit')

Seen = collections.namedtuple('Seen', 'time_ns subject location cpu event packet')


def object_path(name):
  return harness.TOP / f'tests/attribution/{name}.bpf.o'


class Witness:
  """Watches from its creation to close(). One at a time is enough: forget() between scenarios."""

  def __init__(self):
    self.magic = os.urandom(8)
    path = object_path('witness')
    at, size = bpf.constants_of(path)['magic']
    assert size == len(self.magic)
    functions = ['on_' + event.partition(':')[2] for event in TRACEPOINTS]
    self._loaded = bpf.Loaded(path, functions, {'magic': (at, self.magic)})
    self.maps = {name: self._loaded.map_fd(name) for name in ('culprits', 'last_packet')}
    self._culprits = bpf.map_memory(self.maps['culprits'], MAX_PACKETS * _STRIDE)
    self._events = bpf.map_memory(self._loaded.map_fd('events'), MAX_PACKETS * _EVENT.size)
    self._count = bpf.map_memory(self._loaded.map_fd('events_seen'), 8)
    self._links = [bpf.Link.raw_tracepoint(self._loaded.fd(function)) for function in functions]

  def program_ids(self):
    return [bpf.id_of(self._loaded.fd('on_' + event.partition(':')[2])) for event in TRACEPOINTS]

  def forget(self):
    self._culprits[:] = b'\0' * len(self._culprits)
    for cpu in range(os.cpu_count()):
      bpf.update(self.maps['last_packet'], cpu, 0)
    self._count[:8] = b'\0' * 8

  def culprit(self, packet):
    """The identity of who decided to drop it; 0: no program of ours did."""
    return struct.unpack_from('=I', self._culprits, packet * _STRIDE)[0]

  def events(self):
    count, = struct.unpack_from('=Q', self._count)
    if count > MAX_PACKETS:
      raise AssertionError(f'{count} events: more than the witness can write down')
    found = []
    for i in range(count):
      time_ns, subject, location, cpu, tracepoint, packet = _EVENT.unpack_from(self._events, i * _EVENT.size)
      found.append(Seen(time_ns, subject, location, cpu, TRACEPOINTS[tracepoint], packet))
    return found

  def close(self):
    for link in self._links:
      link.close()
    for memory in (self._culprits, self._events, self._count):
      memory.close()
    self._loaded.close()
