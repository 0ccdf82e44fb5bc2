"""Where scenarios take place: the lab of the integration tests, programs that write down whom they dropped, and packets
that are known by their source port.
"""

import contextlib
import itertools
import json
import os
import pathlib
import time

from tests.integration import bpf_links
from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L

CULPRITS = os.environ.get('CULPRITS_BPF_OBJECT', str(pathlib.Path.cwd() / 'tests/attribution/culprits.bpf.o'))
ONLOOKER = os.environ.get('ONLOOKER_BPF_OBJECT', str(pathlib.Path.cwd() / 'tests/attribution/onlooker.bpf.o'))

# The same numbers stand in culprits.bpf.c.
(PORT_A, PORT_B, PORT_CLONE, PORT_TAIL, PORT_REDIRECT, PORT_ABORTED, PORT_UNKNOWN, PORT_CGROUP, PORT_SOCKET, PORT_PEER,
 PORT_EITHER) = range(7101, 7112)
PORT_PASS = 7199  # nobody's: passes every program, and nobody listens
NAMES = {1: 'drop_a', 2: 'drop_b', 3: 'clone', 4: 'tail', 5: 'xdp_verdict', 6: 'cgroup_egress', 7: 'socket_filter',
         8: 'drop_peer', 9: 'cgroup_ingress'}
FIRST_PACKET = 20000
SETTLE_S = 0.06  # until no packet is on its way in a softirq that was put off


class Load:
  """One load of culprits.bpf.c: pins of its programs and maps."""

  def __init__(self, number, obj=CULPRITS):
    self.folder = harness.PINS / f'culprits{number}'
    self.maps = harness.PINS / f'culprit_maps{number}'
    harness.run([harness.BPFTOOL, 'prog', 'loadall', obj, self.folder, 'pinmaps', self.maps])
    self._ids = {}

  def pin(self, function):
    return self.folder / function

  def id(self, function):
    if function not in self._ids:
      self._ids[function] = json.loads(
          harness.run([harness.BPFTOOL, '-j', 'prog', 'show', 'pinned', self.pin(function)]).stdout)['id']
    return self._ids[function]

  def truth(self):
    """{packet: name of who dropped it}"""
    entries = json.loads(harness.run([harness.BPFTOOL, '-j', 'map', 'dump', 'pinned', self.maps / 'truth']).stdout)
    return {item['formatted']['key']: NAMES[item['formatted']['value']] for item in entries}

  def set(self, name, key, value):
    harness.run([harness.BPFTOOL, 'map', 'update', 'pinned', self.maps / name, 'key', *_bytes(key), 'value', *value])

  def unload(self):
    for folder in (self.folder, self.maps):
      if folder.exists():
        for pin in folder.iterdir():
          pin.unlink()
        folder.rmdir()


def _bytes(number):
  return [str(byte) for byte in number.to_bytes(4, 'little')]


class Arena(L.Lab):

  def __init__(self, options=()):
    super().__init__()
    self._options = options
    self._numbers = itertools.count(1)
    self._packets = itertools.count(FIRST_PACKET)
    self._closing = contextlib.ExitStack()
    self.loads = []
    self.sent = {}     # packet -> port
    self.places = {}   # packet -> the device where it is to be dropped
    self.truth = {}    # packet -> the program's id, or None for those that no program dropped
    self.events = []

  def close(self):
    self._closing.close()
    for load in self.loads:
      load.unload()
    super().close()

  def load_culprits(self, obj=CULPRITS):
    load = Load(next(self._numbers), obj)
    self.loads.append(load)
    return load

  def forget(self, load):
    """Takes down what it knows, and unloads it: what is attached nowhere goes for good."""
    self._collect(load)
    load.unload()
    self.loads.remove(load)

  # ---- Attaching ----

  def clsact(self, namespace, device):
    with namespace.entered():
      harness.run([harness.TC, 'qdisc', 'replace', 'dev', device, 'clsact'])

  def tc(self, namespace, device, direction, load, function, pref=10, handle=1, more=()):
    self.clsact(namespace, device)
    with namespace.entered():
      harness.run([harness.TC, 'filter', 'replace', 'dev', device, direction, *more, 'pref', pref, 'handle', handle, 'bpf',
                   'direct-action', 'object-pinned', load.pin(function)])

  def filter(self, namespace, device, direction, *words):
    """Any other filter: the words of tc(8)."""
    self.clsact(namespace, device)
    with namespace.entered():
      harness.run([harness.TC, 'filter', 'add', 'dev', device, direction, *words])

  def unfilter(self, namespace, device, direction, pref):
    with namespace.entered():
      harness.run([harness.TC, 'filter', 'del', 'dev', device, direction, 'pref', pref])

  def tcx(self, namespace, device, load, function, attach_type=bpf_links.TCX_INGRESS):
    with namespace.entered():
      link = bpf_links.Link(load.pin(function), _ifindex(device), attach_type)
    self._closing.callback(link.close)
    return link

  def cgroup(self, load, function, attach_type):
    """A cgroup of its own with that program, which holds for sockets that the arena makes in it."""
    path = pathlib.Path(cgroup_root()) / f'correlate-attribution-{os.getpid()}'
    path.mkdir(exist_ok=True)
    fd = os.open(path, os.O_RDONLY)
    link = bpf_links.Link(load.pin(function), fd, attach_type)
    os.close(fd)

    def close():
      link.close()
      path.rmdir()
    self._closing.callback(close)
    return path

  # ---- Packets ----

  def packet(self, port, device=None):
    number = next(self._packets)
    self.sent[number] = port
    self.places[number] = device
    return number

  def frame_to(self, port, link, device=None, ipv6=False):
    return frame.udp(self.ends(link, ipv6=ipv6), self.packet(port, device), port)

  def send_mixed(self, link, ports, count, device=None, pause_s=0.0, ipv6=False):
    """`count` packets to each port, each followed by one that passes."""
    for _ in range(count):
      for port in ports:
        self.send(link, self.frame_to(port, link, device, ipv6))
        self.send(link, self.frame_to(PORT_PASS, link, None, ipv6))
      if pause_s:
        time.sleep(pause_s)

  # ---- Recording ----

  @contextlib.contextmanager
  def recording(self):
    trace = pathlib.Path(f'/tmp/correlate-attribution-{os.getpid()}.pb')
    recorder = harness.CommandRun(harness.CORRELATE, 'record', '-e', 'skb:kfree_skb', '-e', 'xdp:xdp_exception',
                                  '-e', 'xdp:xdp_redirect_err', *self._options, '-o', trace)
    try:
      yield
      time.sleep(SETTLE_S)
      status, said = recorder.stop()
      if status != 0:
        raise AssertionError(f'record: exit status {status}: {said}')
      for load in self.loads:
        self._collect(load)
      self.events = [event for event in harness.script(trace) if self._packet_of(event) is not None]
    finally:
      recorder.process.kill()
      trace.unlink(missing_ok=True)

  def _collect(self, load):
    for packet, function in load.truth().items():
      self.truth[packet] = load.id(function)

  def _packet_of(self, event):
    number = event.get('packet', {}).get('sport')
    return number if number in self.sent and event['packet'].get('dport') == self.sent[number] else None

  def judged(self):
    """(event, the packet's number) of each event about a packet of ours."""
    return [(event, self._packet_of(event)) for event in self.events]


def _ifindex(device):
  return json.loads(harness.run([harness.IP, '-j', 'link', 'show', 'dev', device]).stdout)[0]['ifindex']


def cgroup_root():
  """Where cgroup2 is mounted; a mount of the test's own if nowhere."""
  for line in open('/proc/self/mounts'):
    _, target, kind, *_ = line.split()
    if kind == 'cgroup2':
      return target
  root = pathlib.Path('/tmp/correlate-cgroup2')
  root.mkdir(exist_ok=True)
  harness.mount('none', root, 'cgroup2')
  return root
