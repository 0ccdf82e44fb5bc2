"""Cgroups, sockets, drops that no BPF program makes, and other tools. See scenarios.py."""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import unittest

from tests.attribution import bpf
from tests.attribution import field as F
from tests.attribution.scenarios import scenario
from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L

SO_ATTACH_FILTER, SO_ATTACH_BPF = 26, 50


# ---- Cgroups ----

def _socket_in_cgroup(field, namespace, kind, protocol=0):
  """A socket that counts as a cgroup's, whoever uses it later; and the fd of that cgroup."""
  folder, usual = F.own_cgroup()
  field.on_close(folder.rmdir)
  fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
  field.on_close(lambda: os.close(fd))
  (folder / 'cgroup.procs').write_text(str(os.getpid()))
  try:
    with namespace.entered():
      return field.keep(socket.socket(socket.AF_INET, kind, protocol)), fd
  finally:
    (usual / 'cgroup.procs').write_text(str(os.getpid()))


@scenario(several=True)
def cgroup_egress(field):
  raw, cgroup = _socket_in_cgroup(field, field.near, socket.SOCK_RAW, socket.IPPROTO_RAW)
  for program in (field.load('cgroup_egress'), field.load('cgroup_egress', port=F.DROP), field.load('cgroup_egress')):
    field.cgroup('egress', program, cgroup)

  def send(data):
    with contextlib.suppress(PermissionError):
      raw.sendto(data[frame.ETHERNET_BYTES:], (L.ends(0).destination, 0))
  field.run(*(field.flow(port)._replace(send=send) for port in (F.DROP, F.PASS, F.CLOSED)))


@scenario(several=True)
def cgroup_ingress(field):
  """The reason, SOCKET_FILTER, does not tell it from a socket's own filter; one of those drops beside it."""
  receiver, cgroup = _socket_in_cgroup(field, field.far, socket.SOCK_DGRAM)
  for program in (field.load('cgroup_ingress'), field.load('cgroup_ingress', port=F.DROP), field.load('cgroup_ingress')):
    field.cgroup('ingress', program, cgroup)
  receiver.bind(('0.0.0.0', F.DROP))
  _refuse_everything(field.listen(field.far, F.DECOY))
  field.run(field.flow(F.DROP), field.flow(F.DECOY))


# ---- Sockets ----

def _refuse_everything(receiver):
  """A classic filter: no program of bpf(2)."""
  instructions = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0))  # ret 0
  receiver.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack('HxxxxxxQ', 1, ctypes.addressof(instructions)))


@scenario
def socket_filter(field):
  program = field.load('socket_act', port=F.DROP)
  field.listen(field.far, F.DROP).setsockopt(socket.SOL_SOCKET, SO_ATTACH_BPF, struct.pack('i', program.fd))
  program.places.append({'hook': 'socket'})
  _refuse_everything(field.listen(field.far, F.DECOY))
  field.run(field.flow(F.DROP), field.flow(F.DECOY))


# ---- Tap devices ----

TUNATTACHFILTER, TUNSETIFF, TUNSETFILTEREBPF = 0x401054d5, 0x400454ca, 0x800454e1  # linux/if_tun.h
IFF_TAP, IFF_NO_PI = 2, 0x1000


def _tap(field, name):
  """Sends into a new tap device; the fd that it lives as long as."""
  with field.near.entered():
    fd = os.open('/dev/net/tun', os.O_RDWR | os.O_CLOEXEC)
    field.on_close(lambda: os.close(fd))
    fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH22x', name.encode(), IFF_TAP | IFF_NO_PI))
  field.ip(field.near, f'link set {name} up')
  field.sender(field.near, name, name)
  return fd


@scenario
def tap_filter(field):
  """Beside it a tap whose classic filter refuses everything, and one that nobody reads, with a filter that lets everything pass."""
  if not os.path.exists('/dev/net/tun'):
    raise unittest.SkipTest('no /dev/net/tun here')
  program = field.load('tap_act', port=F.DROP)
  fcntl.ioctl(_tap(field, 'tap0'), TUNSETFILTEREBPF, struct.pack('i', program.fd))
  program.places.append({'hook': 'tap', **field.at(field.near, 'tap0')})
  refuse = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0))
  fcntl.ioctl(_tap(field, 'tap1'), TUNATTACHFILTER, struct.pack('HxxxxxxQ', 1, ctypes.addressof(refuse)))
  passer = field.load('tap_act')
  fcntl.ioctl(_tap(field, 'tap2'), TUNSETFILTEREBPF, struct.pack('i', passer.fd))
  passer.places.append({'hook': 'tap', **field.at(field.near, 'tap2')})
  field.ip(field.near, 'link set tap2 txqueuelen 1')
  field.run(*(field.flow(F.DROP, key=key) for key in ('tap0', 'tap1', 'tap2')))


# ---- No program drops ----

def _watch(field):
  """Programs that let everything pass, on every hook that the packets come by."""
  field.xdp(field.far, 'far0', 'generic', field.load('xdp_act'))
  field.tcx(field.far, 'far0', 'ingress', field.tc_passer())
  field.tc(field.far, 'far0', 'ingress', field.tc_passer())
  field.tcx(field.near, 'near0', 'egress', field.tc_passer())
  field.tc(field.near, 'near0', 'egress', field.tc_passer())


@scenario
def no_socket(field):
  _watch(field)
  field.run(field.flow(F.CLOSED), field.flow(F.CLOSED, ipv6=True))


@scenario
def netfilter_link(field):
  """A program among netfilter's hooks, beside a rule of nft that drops as well, with the same reason."""
  rules = f'''
    table inet attribution {{
      chain in {{
        type filter hook input priority 10
        udp dport {F.DROP_TOO} drop
      }}
    }}
  '''
  with field.far.entered():
    done = harness.run(['/usr/sbin/nft', '-f', '-'], check=False, input=rules)
  if done.returncode:
    raise unittest.SkipTest(f'nft: {done.stderr.strip()}')
  program = field.load('nf_act', port=F.DROP)
  with field.far.entered():
    try:
      link = field.keep(bpf.Link.netfilter(program.fd, family=2, hook=1, priority=5))  # NFPROTO_IPV4, NF_INET_LOCAL_IN
    except bpf.BpfError as error:
      raise unittest.SkipTest(f'no netfilter links here: {error}') from error
  program.places.append({'hook': 'netfilter', 'link_id': link.id, 'netns': field.far.inode})
  field.run(field.flow(F.DROP), field.flow(F.DROP_TOO))


@scenario
def nft_drop(field):
  _watch(field)
  rules = f'''
    table inet attribution {{
      chain in {{
        type filter hook input priority 0
        udp dport {F.DROP} drop
      }}
    }}
    table netdev attribution {{
      chain in {{
        type filter hook ingress device far0 priority 0
        udp dport {F.DROP_TOO} drop
      }}
    }}
  '''
  with field.far.entered():
    done = harness.run(['/usr/sbin/nft', '-f', '-'], check=False, input=rules)
  if done.returncode:
    raise unittest.SkipTest(f'nft: {done.stderr.strip()}')
  field.run(field.flow(F.DROP), field.flow(F.DROP_TOO))


@scenario
def full_queue(field):
  """Of a socket, and of a device on the way out."""
  _watch(field)
  field.join(field.near, field.far, 2)
  field.tcx(field.near, 'near2', 'egress', field.tc_passer())
  field.run_in(field.near, harness.TC, 'qdisc', 'add', 'dev', 'near2', 'root', 'handle', '1:', 'tbf', 'rate', '8bit', 'burst',
               20, 'limit', 1)
  with field.far.entered():
    full = field.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
  full.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
  full.bind(('0.0.0.0', F.DROP))  # nobody reads it
  field.on_close(lambda: _read_all(full))
  field.run(field.flow(F.DROP), field.flow(F.DROP_TOO, link=2))


def _read_all(receiver):
  """What is left in a queue is freed at any time after the close, and the next scenario's witness would see it."""
  receiver.setblocking(False)
  with contextlib.suppress(BlockingIOError):
    while True:
      receiver.recv(2048)


# ---- Other tools ----

def _with_observers(field, with_dropper):
  """Programs on the very tracepoint, one as bpftrace would have it and one in the way of perf."""
  watchers = field.load('watch_raw'), field.load('watch_perf')
  field.keep(bpf.Link.raw_tracepoint(watchers[0].fd, 'kfree_skb'))
  harness.see_tracefs()
  field.keep(watchers[1].loaded.attach('watch_perf'))
  if with_dropper:
    field.tc(field.far, 'far0', 'ingress', field.tc_dropper())
    field.listen(field.far, F.DROP_TOO)
    clone = field.load('tc_clone', port=F.DROP_TOO, otherwise=F.UNSPEC, ifindex=L.IFINDEX_DOWN)
    field.tc(field.near, 'near0', 'egress', clone)
    field.run(field.flow(F.DROP), field.flow(F.DROP_TOO))
  else:
    field.run(field.flow(F.CLOSED, ipv6=True))


@scenario
def observers_alone(field):
  _with_observers(field, with_dropper=False)


@scenario
def observers_and_droppers(field):
  _with_observers(field, with_dropper=True)


# ---- netkit ----

@scenario
def netkit(field):
  """A program on the device inside of a namespace, which drops what leaves it."""
  pod = field.namespace()
  with field.near.entered():
    added = harness.run([harness.IP, 'link', 'add', 'kit0', 'type', 'netkit', 'mode', 'l2', 'peer', 'name', 'kit1', 'netns',
                         f'/proc/{os.getpid()}/fd/{pod.fd}'], check=False)
  if added.returncode:
    raise unittest.SkipTest(f'no netkit here: {added.stderr.strip()}')
  field.ip(field.near, 'link set kit0 up')
  field.ip(pod, 'link set kit1 up')
  program = field.tc_dropper()
  with field.near.entered():
    link = field.keep(bpf.Link.attach(program.fd, socket.if_nametoindex('kit0'), bpf.NETKIT_PEER))
  program.places.append({'hook': 'netkit', 'link_id': link.id})
  field.sender(pod, 'kit1', 'kit')
  field.run(field.flow(F.DROP, key='kit'))
