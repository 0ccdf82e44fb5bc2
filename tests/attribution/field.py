"""Where a scenario takes place: two namespaces, near and far, joined by veth pairs; programs that drop what they are told to;
traffic of which every packet has a number; a recording of it; and the truth about each packet.

On link 0 things happen. Link 1 has no BPF program: there u32 filters drop, in both directions, with the same drop reasons.
"""

import collections
import contextlib
import errno
import itertools
import os
import pathlib
import socket
import subprocess
import threading
import time
import unittest

from tests.attribution import bpf
from tests.attribution import judge
from tests.attribution import witness as W
from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L

# Destination ports: what becomes of a packet.
PASS, DROP, DROP_TOO, DECOY = 7000, 7001, 7002, 7009
CLOSED = L.PORT_CLOSED
ROUNDS = 110  # packets of each flow

SHOT, UNSPEC, OK = 2, -1, 0  # TC_ACT_
XDP_ABORTED, XDP_DROP, XDP_TX, XDP_UNKNOWN = 0, 1, 3, 42
IFINDEX_NOWHERE = 0x7ffffff0

RECORDED = ('skb:kfree_skb', 'xdp:xdp_exception', 'xdp:xdp_redirect_err', 'xdp:xdp_bulk_tx', 'xdp:xdp_devmap_xmit')

# One kind of packet. `place` is where its culprit is attached, if that has several places.
Flow = collections.namedtuple('Flow', 'port send frame_of place')


class Program:
  """One load. It has one function, or two where the first jumps to the second."""

  def __init__(self, loaded, function, identity, fd=None):
    self.loaded, self.function, self.identity = loaded, function, identity
    self.fd = loaded.fd(function) if fd is None else fd
    self.id = bpf.id_of(self.fd)
    self.ids = {self.id}
    self.places = []  # in the order of attaching
    self.pin = None

  def pinned(self):
    """A path for tc and ip. Only as long as they need it: see unpin()."""
    if self.pin is None:
      self.pin = harness.PINS / f'attribution-{self.id}'
      bpf.pin(self.fd, self.pin)
    return self.pin

  def unload(self):
    """What is attached nowhere goes for good."""
    if self.pin is not None:
      self.pin.unlink()
      self.pin = None
    self.loaded.close()


class Field:

  def __init__(self, witness, folder, record_options=()):
    self._witness = witness
    self._folder = folder
    self._record_options = record_options
    self._cleanups = contextlib.ExitStack()
    self._numbers = itertools.count(1)
    self._identities = itertools.count(1)
    self._flows = {}   # by packet number
    self._senders = {}
    self._listeners = []
    self.programs = {}  # by identity
    self.sent_to_pass = self.passed = 0
    self.events = None
    witness.forget()
    try:
      self.near = self.namespace('near')
      self.far = self.namespace('far')
      for namespace in (self.near, self.far):
        L.add_device_that_is_down(namespace)
      self.join(self.near, self.far, 0)
      self.join(self.near, self.far, 1)
      self.u32_drops(self.far, 'far1', 'ingress')
      self.u32_drops(self.near, 'near1', 'egress', port=DECOY + 1)
      self.listen(self.far)
    except BaseException:
      self.close()
      raise

  def close(self):
    for program in self.programs.values():
      program.unload()
    self._cleanups.close()

  # ---- Namespaces and devices ----

  def namespace(self, name=''):
    namespace = L.Netns(name)
    self._cleanups.callback(lambda: namespace in self._namespaces_gone or namespace.close())
    return namespace

  _namespaces_gone = ()

  def remove_namespace(self, namespace):
    self._namespaces_gone = (*self._namespaces_gone, namespace)
    namespace.close()

  def join(self, near, far, link):
    L.join(near, far, link)
    self.sender(near, f'near{link}', link)

  def sender(self, namespace, device, key):
    """Opens what `key` sends with."""
    if key in self._senders:
      self._senders[key].close()
    self._senders[key] = L.packet_socket(namespace, device)
    self._cleanups.callback(self._senders[key].close)

  def run_in(self, namespace, *command, **options):
    with namespace.entered():
      return harness.run(command, **options)

  def ip(self, namespace, text):
    with namespace.entered():
      L.ip_commands(text)

  def ifindex(self, namespace, device):
    with namespace.entered():
      return socket.if_nametoindex(device)

  def at(self, namespace, device):
    """What every attachment to a device has."""
    return {'ifindex': self.ifindex(namespace, device), 'netns': namespace.inode}

  def listen(self, namespace, port=PASS):
    """Takes what passes; only what goes to PASS is counted on to do so."""
    with namespace.entered():
      listener = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    listener.bind(('::', port))
    self._listeners.append((port, listener))
    self._cleanups.callback(listener.close)
    return listener

  # ---- Droppers without BPF ----

  def clsact(self, namespace, device):
    self.run_in(namespace, harness.TC, 'qdisc', 'replace', 'dev', device, 'clsact')

  def u32_drops(self, namespace, device, direction, port=DECOY, pref=5):
    """By sending it to a device that is down: no action of its own is needed, which not every kernel has."""
    self.clsact(namespace, device)
    self.run_in(namespace, harness.TC, 'filter', 'add', 'dev', device, direction, 'protocol', 'ip', 'pref', pref, 'u32',
                'match', 'ip', 'dport', port, '0xffff', 'action', 'mirred', 'egress', 'redirect', 'dev', 'idle')

  # ---- Programs ----

  def load(self, function, and_also=(), **constants):
    identity = next(self._identities)
    path = W.object_path('culprits')
    places = bpf.constants_of(path)
    values = {name: (places[name][0], int(value).to_bytes(places[name][1], 'little', signed=value < 0))
              for name, value in {'identity': identity, **constants}.items()}
    loaded = bpf.Loaded(path, [function, *and_also], values, self._witness.maps)
    program = Program(loaded, function, identity)
    program.ids |= {bpf.id_of(loaded.fd(other)) for other in and_also}
    self.programs[identity] = program
    return program

  def tc_dropper(self, port=DROP, **constants):
    return self.load('tc_act', port=port, action=SHOT, otherwise=UNSPEC, **constants)

  def tc_passer(self):
    return self.load('tc_act', otherwise=UNSPEC)

  def xdp_dropper(self, action, port=DROP):
    return self.load('xdp_act', port=port, action=action)

  def tc(self, namespace, device, direction, program, pref=10, handle=1, chain=0):
    self.clsact(namespace, device)
    self.run_in(namespace, harness.TC, 'filter', 'replace', 'dev', device, direction, 'chain', chain, 'pref', pref, 'handle',
                handle, 'bpf', 'direct-action', 'object-pinned', program.pinned())
    place = {'hook': 'tc', 'direction': direction, **self.at(namespace, device), 'chain': chain, 'pref': pref,
             'handle': hex(handle)}
    program.places.append(place)
    return place

  def no_tc(self, namespace, device, direction, pref, chain=0):
    self.run_in(namespace, harness.TC, 'filter', 'del', 'dev', device, direction, 'chain', chain, 'pref', pref)

  def tcx(self, namespace, device, direction, program):
    """At the end of the list. The link, and the place."""
    with namespace.entered():
      try:
        link = bpf.Link.attach(program.fd, socket.if_nametoindex(device),
                               {'ingress': bpf.TCX_INGRESS, 'egress': bpf.TCX_EGRESS}[direction])
      except bpf.BpfError as error:
        if error.errno != errno.EINVAL:
          raise
        raise unittest.SkipTest(f'no tcx here: {error}') from error
    self._cleanups.callback(link.close)
    place = {'hook': 'tcx', 'direction': direction, **self.at(namespace, device), 'link_id': link.id}
    program.places.append(place)
    return link

  def xdp(self, namespace, device, mode, program):
    self.run_in(namespace, harness.IP, '-force', 'link', 'set', 'dev', device,
                {'native': 'xdpdrv', 'generic': 'xdpgeneric'}[mode], 'pinned', program.pinned())
    place = {'hook': 'xdp', 'mode': mode, **self.at(namespace, device)}
    program.places.append(place)
    return place

  def cgroup(self, direction, program, cgroup_fd):
    link = bpf.Link.attach(program.fd, cgroup_fd, {'ingress': bpf.CGROUP_INGRESS, 'egress': bpf.CGROUP_EGRESS}[direction])
    self._cleanups.callback(link.close)
    program.places.append({'hook': 'cgroup', 'direction': direction})

  def keep(self, closable):
    self._cleanups.callback(closable.close)
    return closable

  def on_close(self, function):
    self._cleanups.callback(function)

  # ---- Packets ----

  def frames(self, link=0, ends=None, ipv6=False, vlan=None, padding=0):
    """What builds a frame from a packet's number and port."""
    ends = ends or L.ends(link, ipv6)

    def build(number, port):
      data = frame.udp(ends, number, port, self._witness.magic + b'\0' * padding)
      return frame.tagged(data, vlan) if vlan else data
    return build

  def flow(self, port, link=0, place=None, key=None, **how):
    """Packets that go out of a near end."""
    key = link if key is None else key
    return Flow(port, lambda data: L.send_frame(self._senders[key], data), self.frames(link, **how), place)

  def decoys(self):
    """Packets that pass, and drops that no BPF program makes."""
    return [self.flow(PASS), self.flow(CLOSED), self.flow(DECOY, link=1), self.flow(DECOY + 1, link=1)]

  def send(self, flow):
    number = next(self._numbers)
    if number >= W.MAX_PACKETS:
      raise AssertionError('too many packets for one scenario')
    self._flows[number] = flow
    self.sent_to_pass += flow.port == PASS
    flow.send(flow.frame_of(number, flow.port))

  def traffic(self, *flows, rounds=ROUNDS, decoys=None, between=lambda: None):
    """`rounds` of packets, one of each flow a round, with decoys among them."""
    flows = [*flows, *(self.decoys() if decoys is None else decoys)]
    for _ in range(rounds):
      for flow in flows:
        self.send(flow)
      self.drain()
      between()

  @contextlib.contextmanager
  def sending_on_all_cpus(self, *ports, rounds=ROUNDS * 3):
    """A thread on each CPU sends on link 0, each through a socket of its own, while the body runs. Yields what tells whether
    they still do."""
    failures = []

    def send(cpu, flows):
      try:
        os.sched_setaffinity(0, {cpu})  # of this thread alone
        for _ in range(rounds):
          for flow in flows:
            self.send(flow)
          time.sleep(0.001)
      except Exception as error:  # pylint: disable=broad-except
        failures.append(error)

    threads = []
    for cpu in os.sched_getaffinity(0):
      self.sender(self.near, 'near0', ('cpu', cpu))
      flows = [self.flow(port, key=('cpu', cpu)) for port in ports]
      threads.append(threading.Thread(target=send, args=(cpu, flows)))
    for thread in threads:
      thread.start()
    try:
      yield lambda: any(thread.is_alive() for thread in threads)
    finally:
      for thread in threads:
        thread.join()
    if failures:
      raise failures[0]

  def drain(self):
    for port, listener in self._listeners:
      with contextlib.suppress(BlockingIOError):
        while True:
          listener.recv(2048, socket.MSG_DONTWAIT)
          self.passed += port == PASS

  # ---- The recording and the truth ----

  @contextlib.contextmanager
  def recording(self):
    trace = self._folder / 'trace.pb'
    events = [part for event in RECORDED for part in ('-e', event)]
    options = [*events, '--ring-size', '8M', *self._record_options]
    if '--stacks' not in options:
      options += ['--stacks', 'all']  # nothing is to depend on how quickly packets come
    recorder = harness.CommandRun(harness.CORRELATE, 'record', '-o', trace, *options)
    try:
      yield
      time.sleep(0.02)  # what is on its way on another CPU
      self.drain()
    finally:
      status, said = recorder.stop()
    if status != 0:
      raise AssertionError(f'record: exit status {status}: {said}')
    self.summary = harness.LastLine(said)
    self.events = harness.script(trace)
    self.seen = self._witness.events()

  def run(self, *flows, **options):
    with self.recording():
      self.traffic(*flows, **options)

  def truth(self, packet):
    program = self.programs.get(self._witness.culprit(packet))
    if program is None:
      return None
    place = self._flows[packet].place
    if place is None and len(program.places) == 1:
      place, = program.places
    return judge.Culprit(frozenset(program.ids), place)

  def cases(self):
    """(Cases of all packets of ours, events of theirs that the recording lacks)."""
    own = set().union(*(program.ids for program in self.programs.values()))
    # An exception has no packet but the one that its CPU was at; programs of others on the host have exceptions, too.
    seen = [one for one in self.seen
            if one.packet in self._flows and (one.event != 'xdp:xdp_exception' or one.subject in own)]
    pairs, unmatched = judge.join(self.events, seen)
    return [judge.Case(event, seen.packet, self.truth(seen.packet)) for event, seen in pairs], unmatched

  def suspects(self):
    """(id, place) of every program that is attached somewhere, roughly in running order: tcx first, then by pref."""
    found = [(program.id, place) for program in self.programs.values() for place in program.places]
    return sorted(found, key=lambda suspect: (suspect[1]['hook'] == 'tc', suspect[1].get('pref', 0)))


def tc_refuses(namespace, *command):
  """What tc says where this kernel lacks a classifier or an action; '' where it has it."""
  with namespace.entered():
    done = subprocess.run([harness.TC, *map(str, command)], capture_output=True, text=True)
  return done.stderr.strip()


def own_cgroup():
  """Paths of a new cgroup (version 2) and of the one that this process is in. The caller removes the first."""
  root = harness.cgroup_root()
  with open('/proc/self/cgroup', encoding='utf-8') as lines:
    usual = next(line.split(':', 2)[2].strip() for line in lines if line.startswith('0::'))
  folder = root / f'bpftrace-correlate-{os.getpid()}'
  folder.mkdir()
  return folder, root / usual.lstrip('/')
