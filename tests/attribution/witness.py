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
    self._cpus = os.cpu_count()
    constants = bpf.constants_of(path)
    values = {name: (constants[name][0], value) for name, value in (('magic', self.magic), ('cpus', struct.pack('=I', self._cpus)))}
    functions = ['on_' + event.partition(':')[2] for event in TRACEPOINTS]
    self._loaded = bpf.Loaded(path, functions, values)
    self.maps = {name: self._loaded.map_fd(name) for name in ('culprits', 'last_packet')}
    self._culprits = bpf.map_memory(self.maps['culprits'], MAX_PACKETS * _STRIDE)
    self._events = bpf.map_memory(self._loaded.map_fd('events'), MAX_PACKETS * _EVENT.size)
    self._count = bpf.map_memory(self._loaded.map_fd('events_seen'), self._cpus * _STRIDE)
    self._links = [bpf.Link.raw_tracepoint(self._loaded.fd(function)) for function in functions]

  def program_ids(self):
    return [bpf.id_of(self._loaded.fd('on_' + event.partition(':')[2])) for event in TRACEPOINTS]

  def forget(self):
    self._culprits[:] = b'\0' * len(self._culprits)
    for cpu in range(os.cpu_count()):
      bpf.update(self.maps['last_packet'], cpu, 0)
    self._count[:] = b'\0' * len(self._count)

  def culprit(self, packet):
    """The identity of who decided to drop it; 0: no program of ours did."""
    return struct.unpack_from('=I', self._culprits, packet * _STRIDE)[0]

  def events(self):
    found = []
    for cpu in range(self._cpus):
      count, = struct.unpack_from('=Q', self._count, cpu * _STRIDE)
      if count * self._cpus > MAX_PACKETS:
        raise AssertionError(f'{count} events on CPU {cpu}: more than the witness can write down')
      for i in range(count):
        time_ns, subject, location, _, tracepoint, packet = _EVENT.unpack_from(self._events, (i * self._cpus + cpu) * _EVENT.size)
        found.append(Seen(time_ns, subject, location, cpu, TRACEPOINTS[tracepoint], packet))
    found.sort()
    return found

  def close(self):
    for link in self._links:
      link.close()
    for memory in (self._culprits, self._events, self._count):
      memory.close()
    self._loaded.close()
