"""Two network namespaces joined by veth pairs, and BPF programs of known verdicts on them.

`near` has a name, `far` has none. Link i is near<i> 10.78.<i>.1 and far<i> 10.78.<i>.2, fd78:<i>::1 and ::2, with
permanent neighbours, so that nobody has to ask for an address. On each link there is also a phantom, 10.78.<i>.9: the
far end believes that it is behind the link, but it exists only as raw frames. The kernel's own TCP knows nothing of it
and resets none of its connections.
"""

import contextlib
import errno
import json
import os
import pathlib
import random
import socket
import subprocess

from tests.integration import frame
from tests.integration import harness

PLAIN, TC, XDP_NATIVE, XDP_GENERIC, SMALL, TCP = range(6)  # links
LINKS = range(6)
SMALL_MTU = 600  # of the far end of SMALL: the near end sends larger frames

# The same numbers stand in lab.bpf.c.
PORT_SHOT, PORT_ABORT, PORT_UNKNOWN_ACTION, PORT_REDIRECT_NOWHERE, PORT_MIRROR, PORT_TX = range(7001, 7007)
IFINDEX_DOWN = 77  # a device that is down, in both namespaces
STORM_CLONES = 1000
PORT_CLOSED = 7999  # nobody listens


def ip_commands(text):
  harness.run([harness.IP, '-batch', '-'], input='\n'.join(line.strip() for line in text.strip().splitlines()) + '\n')


class Netns:
  """A network namespace of ours. Without a name it is held by a process."""

  def __init__(self, name=''):
    self.name = name
    self._holder = None
    back = os.open('/proc/thread-self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
    try:
      harness.unshare(harness.CLONE_NEWNET)
      self.fd = os.open('/proc/thread-self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
      self.inode = os.fstat(self.fd).st_ino
      ip_commands('link set lo up')
      if name:
        path = pathlib.Path('/run/netns') / name
        path.touch()
        harness.mount('/proc/thread-self/ns/net', path, 'none', 0x1000)  # MS_BIND
      else:
        self._holder = harness.start(['/bin/sleep', 'infinity'])
    finally:
      harness.setns(back, harness.CLONE_NEWNET)
      os.close(back)

  @contextlib.contextmanager
  def entered(self):
    """The calling thread is inside; sockets and processes made there stay there."""
    back = os.open('/proc/thread-self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
    try:
      harness.setns(self.fd, harness.CLONE_NEWNET)
      yield self
    finally:
      harness.setns(back, harness.CLONE_NEWNET)
      os.close(back)

  def release_process(self):
    """From here on only our descriptor, and what is in it, holds a namespace without a name."""
    self._holder.kill()
    self._holder.wait()

  def close(self):
    if self.name:
      # As `ip netns delete` does: whoever looks inside just then has it open.
      harness.run(['/bin/umount', '--lazy', f'/run/netns/{self.name}'])
      os.unlink(f'/run/netns/{self.name}')
    else:
      self._holder.kill()
      self._holder.wait()
    os.close(self.fd)


def join(near, far, link):
  """A veth pair between two namespaces, ready for packets."""
  with near.entered():
    ip_commands(f'''link add near{link} address {_mac(link, 1)} type veth peer name far{link} address {_mac(link, 2)} netns /proc/{os.getpid()}/fd/{far.fd}
                    link set near{link} addrgenmode none
                    link set near{link} up
                    addr add 10.78.{link}.1/24 dev near{link}
                    addr add fd78:{link}::1/64 dev near{link} nodad
                    neigh add 10.78.{link}.2 lladdr {_mac(link, 2)} dev near{link}
                    neigh add fd78:{link}::2 lladdr {_mac(link, 2)} dev near{link}''')
  with far.entered():
    ip_commands(f'''link set far{link} addrgenmode none
                    link set far{link} up
                    addr add 10.78.{link}.2/24 dev far{link}
                    addr add fd78:{link}::2/64 dev far{link} nodad
                    neigh add 10.78.{link}.1 lladdr {_mac(link, 1)} dev far{link}
                    neigh add fd78:{link}::1 lladdr {_mac(link, 1)} dev far{link}
                    neigh add 10.78.{link}.9 lladdr {_mac(link, 9)} dev far{link}''')


def add_device_that_is_down(namespace):
  """`idle`. Its name is of a kind of its own: not one of the devices that traffic is meant for."""
  with namespace.entered():
    ip_commands(f'''link add name idle index {IFINDEX_DOWN} type veth peer name idle-peer
                    link set idle-peer up''')


def ends(link, ipv6=False):
  """From the near end to the far end."""
  net = f'fd78:{link}::' if ipv6 else f'10.78.{link}.'
  return frame.Ends(_mac(link, 1), _mac(link, 2), net + '1', net + '2')


def packet_socket(namespace, device, ethertype=0):
  with namespace.entered():
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    raw.bind((device, ethertype))
  return raw


def send_frame(sender, data):
  """Out of a device. A drop on the way out comes back as an error; it is what was wanted."""
  try:
    sender.send(data)
  except OSError as error:
    if error.errno != errno.ENOBUFS:
      raise


class Lab:

  def __init__(self):
    self.near = Netns('near')
    self.far = Netns()
    self._senders = {}
    self._folders = []
    self._loads = 0
    for namespace in (self.near, self.far):
      add_device_that_is_down(namespace)
    for link in LINKS:
      self._add_link(link)

  def _add_link(self, link):
    join(self.near, self.far, link)
    if link == SMALL:
      with self.far.entered():
        ip_commands(f'link set far{link} mtu {SMALL_MTU}')
    self._senders[link] = packet_socket(self.near, f'near{link}')

  def close(self):
    for folder in list(self._folders):
      self.unload(folder)
    for sender in self._senders.values():
      sender.close()
    self.near.close()
    self.far.close()

  # ---- Packets ----

  def ends(self, link, ipv6=False):
    return ends(link, ipv6)

  def phantom_ends(self, link):
    """From the phantom to the far end."""
    return frame.Ends(_mac(link, 9), _mac(link, 2), f'10.78.{link}.9', f'10.78.{link}.2')

  def packet_socket(self, namespace, device, ethertype=0):
    return packet_socket(namespace, device, ethertype)

  def send(self, link, data):
    """Out of the near end's device, so that the far end receives it."""
    send_frame(self._senders[link], data)

  def sender(self, link, data):
    """A step that sends this frame."""
    return lambda: self.send(link, data)

  def far_socket(self, family=socket.AF_INET, kind=socket.SOCK_DGRAM, protocol=0):
    with self.far.entered():
      return socket.socket(family, kind, protocol)

  def near_socket(self, family=socket.AF_INET, kind=socket.SOCK_DGRAM, protocol=0):
    with self.near.entered():
      return socket.socket(family, kind, protocol)

  # ---- Programs ----

  def load(self):
    """Every program of lab.bpf.c, loaded anew: the folder in which they are pinned by name."""
    self._loads += 1
    folder = harness.PINS / f'load{self._loads}'
    harness.run([harness.BPFTOOL, 'prog', 'loadall', harness.BPF_OBJECT, folder])
    self._folders.append(folder)
    return folder

  def unload(self, folder):
    """What is attached nowhere goes for good."""
    for pin in folder.iterdir():
      pin.unlink()
    folder.rmdir()
    self._folders.remove(folder)

  def program_id(self, pin):
    return json.loads(harness.run([harness.BPFTOOL, '-j', 'prog', 'show', 'pinned', pin]).stdout)['id']

  def attach_tc(self, namespace, device, direction, pin):
    """A later one at the same place replaces it."""
    with namespace.entered():
      harness.run([harness.TC, 'qdisc', 'replace', 'dev', device, 'clsact'])
      harness.run([harness.TC, 'filter', 'replace', 'dev', device, direction, 'pref', 10, 'handle', 1, 'bpf',
                   'direct-action', 'object-pinned', pin])
    return self.program_id(pin)

  def attach_xdp(self, namespace, device, mode, pin):
    with namespace.entered():
      harness.run([harness.IP, '-force', 'link', 'set', 'dev', device, {'native': 'xdpdrv', 'generic': 'xdpgeneric'}[mode],
                   'pinned', pin])
    return self.program_id(pin)

  def storm(self, pin, runs, **options):
    """Begins runs * STORM_CLONES drops inside `near`, as fast as one CPU can; a process."""
    process = harness.start(
        [harness.NSENTER, f'--net=/proc/{os.getpid()}/fd/{self.near.fd}', harness.BPFTOOL, 'prog', 'run', 'pinned', pin,
         'data_in', '-', 'repeat', runs], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, **options)
    process.stdin.write(frame.udp(self.ends(PLAIN), 4000, PORT_CLOSED))
    process.stdin.close()
    return process


def _mac(link, host):
  return f'02:00:00:78:{link:02x}:{host:02x}'


def random_ethertype():
  """One that no protocol has: frames of it are dropped, and are told from those of a test running beside this one."""
  return random.randrange(0x9100, 0xfff0)
