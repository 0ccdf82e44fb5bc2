"""The kinds of drop that the tests make. To add one: a function with @kind that is given the lab, prepares what it
needs once, and returns a step; each call of the step loses a few packets. Nothing else has to know of it.
"""

import ctypes
import itertools
import socket
import struct

from tests.integration import frame
from tests.integration import lab as L

KINDS = []


def kind(function=None, *, every=1):
    """`every`: only each so many rounds, for a step that takes long."""
    def add(prepare):
      KINDS.append((prepare.__name__, prepare, every))
      return prepare
    return add(function) if function else add


class Traffic:
  """All kinds, prepared."""

  def __init__(self, lab):
    self._steps = [(name, prepare(lab), every) for name, prepare, every in KINDS]

  def round(self, number):
    for name, step, every in self._steps:
      if number % every == 0:
        try:
          step()
        except Exception as error:
          raise AssertionError(f'kind {name}: {error!r}') from error


# ---- Link layer ----

@kind
def ethertype_that_nobody_wants(lab):
  return lab.sender(L.PLAIN, frame.ethernet(lab.ends(L.PLAIN), 0x88b5, b'\0' * 46))


@kind
def frame_for_another_host(lab):
  ends = lab.ends(L.PLAIN)._replace(destination_mac='02:00:00:78:ff:ff')
  return lab.sender(L.PLAIN, frame.udp(ends, 4000, L.PORT_CLOSED))


@kind
def ipv6_frame_for_another_host(lab):
  ends = lab.ends(L.PLAIN, ipv6=True)._replace(destination_mac='02:00:00:78:ff:ff')
  return lab.sender(L.PLAIN, frame.udp(ends, 4000, L.PORT_CLOSED))


@kind
def larger_than_the_peer_takes(lab):
  return lab.sender(L.SMALL, frame.udp(lab.ends(L.SMALL), 4000, L.PORT_CLOSED, b'\0' * 1200))


@kind
def arp_for_no_ethernet(lab):
  return lab.sender(L.PLAIN, frame.arp(lab.ends(L.PLAIN), hardware_bytes=5))


@kind
def queue_discipline_that_refuses(lab):
  """Nothing fits into what its queue sends at once."""
  with lab.near.entered():
    L.ip_commands('link add name plug type veth peer name plug-peer\nlink set plug up\nlink set plug-peer up')
    L.harness.run([L.harness.TC, 'qdisc', 'add', 'dev', 'plug', 'root', 'handle', '1:', 'tbf', 'rate', '8bit', 'burst', '20',
                   'limit', '1'])
  sender = lab.packet_socket(lab.near, 'plug')
  data = frame.ethernet(lab.ends(L.PLAIN), 0x88b5, b'\0' * 46)

  def step():
    try:
      sender.send(data)
    except OSError:
      pass
  return step


# ---- IP ----

@kind
def ip_checksum(lab):
  return lab.sender(L.PLAIN, frame.ip(lab.ends(L.PLAIN), socket.IPPROTO_UDP, b'\0' * 16, bad_checksum=True))


@kind
def ip_shorter_than_its_header_says(lab):
  return lab.sender(L.PLAIN, frame.ip(lab.ends(L.PLAIN), socket.IPPROTO_UDP, b'\0' * 16, total_bytes=900))


@kind
def ip_protocol_that_nobody_speaks(lab):
  return lab.sender(L.PLAIN, frame.ip(lab.ends(L.PLAIN), 253, b'\0' * 16))


@kind
def ipv6_header_that_nobody_speaks(lab):
  return lab.sender(L.PLAIN, frame.ip(lab.ends(L.PLAIN, ipv6=True), 253, b'\0' * 16))


@kind
def ip_options_that_are_wrong(lab):
  return lab.sender(L.PLAIN, frame.ip(lab.ends(L.PLAIN), socket.IPPROTO_UDP, b'\0' * 16, options=b'\x07\x03\x00\x01'))


@kind
def ip_to_somebody_else(lab):
  """The far end forwards nothing."""
  return lab.sender(L.PLAIN, frame.udp(lab.ends(L.PLAIN)._replace(destination='203.0.113.1'), 4000, 9))


@kind
def ipv6_to_somebody_else(lab):
  ends = lab.ends(L.PLAIN, ipv6=True)._replace(destination='2001:db8::1')
  return lab.sender(L.PLAIN, frame.udp(ends, 4000, 9))


@kind
def source_that_cannot_be(lab):
  return lab.sender(L.PLAIN, frame.udp(lab.ends(L.PLAIN)._replace(source='127.0.0.1'), 4000, 9))


@kind
def fragment_twice(lab):
  idents = itertools.cycle(range(1, 60000))
  more_fragments = 0x2000

  def step():
    data = frame.ip(lab.ends(L.PLAIN), socket.IPPROTO_UDP, b'\0' * 64, fragment=more_fragments, ident=next(idents))
    lab.send(L.PLAIN, data)
    lab.send(L.PLAIN, data)
  return step


@kind
def unreachable_route(lab):
  """Dropped in process context: the sender's own route refuses."""
  with lab.near.entered():
    L.ip_commands('route add blackhole 198.51.100.0/24')
  raw = lab.near_socket()

  def step():
    try:
      raw.sendto(b'x', ('198.51.100.1', 9))
    except OSError:
      pass
  return step


@kind(every=20)
def neighbour_that_never_answers(lab):
  """More packets wait for a neighbour than may wait; the rest go when the neighbour's entry does."""
  raw = lab.near_socket()
  with lab.near.entered():
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)

  def step():
    for _ in range(300):
      raw.sendto(b'\0' * 1000, (f'10.78.{L.PLAIN}.77', 9))
    with lab.near.entered():
      L.ip_commands(f'neigh flush dev near{L.PLAIN} nud incomplete')
  return step


# ---- ICMP ----

@kind
def icmp_checksum(lab):
  return lab.sender(L.PLAIN, frame.icmp(lab.ends(L.PLAIN), 8, bad_checksum=True))


@kind
def icmp_of_an_unknown_type(lab):
  return lab.sender(L.PLAIN, frame.icmp(lab.ends(L.PLAIN), 200))


@kind
def icmpv6_checksum(lab):
  return lab.sender(L.PLAIN, frame.icmp(lab.ends(L.PLAIN, ipv6=True), 128, bad_checksum=True))


# ---- UDP ----

@kind
def udp_to_a_closed_port(lab):
  return lab.sender(L.PLAIN, frame.udp(lab.ends(L.PLAIN), 4000, L.PORT_CLOSED))


@kind
def udp6_to_a_closed_port(lab):
  return lab.sender(L.PLAIN, frame.udp(lab.ends(L.PLAIN, ipv6=True), 4000, L.PORT_CLOSED))


@kind
def udp_to_a_closed_port_by_loopback(lab):
  """From a socket: the sender's own process frees it, in its softirq."""
  sender = lab.near_socket()
  return lambda: sender.sendto(b'x', ('127.0.0.1', L.PORT_CLOSED))


@kind
def udp_checksum(lab):
  return lab.sender(L.PLAIN, frame.udp(lab.ends(L.PLAIN), 4000, L.PORT_CLOSED, bad_checksum=True))


@kind
def udp6_checksum(lab):
  return lab.sender(L.PLAIN, frame.udp(lab.ends(L.PLAIN, ipv6=True), 4000, L.PORT_CLOSED, bad_checksum=True))


@kind
def udp_length(lab):
  return lab.sender(L.PLAIN, frame.udp(lab.ends(L.PLAIN), 4000, L.PORT_CLOSED, length=900))


@kind
def udp_receive_buffer_full(lab):
  receiver = lab.far_socket()
  receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
  receiver.bind((f'10.78.{L.PLAIN}.2', 7100))
  data = frame.udp(lab.ends(L.PLAIN), 4000, 7100, b'\0' * 1000)

  def step():
    receiver  # held by this step
    for _ in range(2):
      lab.send(L.PLAIN, data)
  return step


@kind
def udp_close_with_queued_data(lab):
  """Freed with the socket, when no packet is on its way."""
  data = frame.udp(lab.ends(L.PLAIN), 4000, 7101)

  def step():
    with lab.far_socket() as receiver:
      receiver.bind((f'10.78.{L.PLAIN}.2', 7101))
      for _ in range(3):
        lab.send(L.PLAIN, data)
  return step


@kind
def udp6_close_with_queued_data(lab):
  data = frame.udp(lab.ends(L.PLAIN, ipv6=True), 4000, 7102)

  def step():
    with lab.far_socket(socket.AF_INET6) as receiver:
      receiver.bind((f'fd78:{L.PLAIN}::2', 7102))
      for _ in range(3):
        lab.send(L.PLAIN, data)
  return step


@kind
def socket_filter(lab):
  """A classic filter that refuses everything: no program of bpf(2), so nobody to blame."""
  receiver = lab.far_socket()
  receiver.bind((f'10.78.{L.PLAIN}.2', 7103))
  instructions = struct.pack('HBBI', 6, 0, 0, 0)  # ret 0
  buffer = ctypes.create_string_buffer(instructions)
  receiver.setsockopt(socket.SOL_SOCKET, 26, struct.pack('HxxxxxxQ', 1, ctypes.addressof(buffer)))  # SO_ATTACH_FILTER
  data = frame.udp(lab.ends(L.PLAIN), 4000, 7103)

  def step():
    receiver
    lab.send(L.PLAIN, data)
  return step


# ---- Other sockets ----

@kind
def raw_socket_full_and_closed(lab):
  data = frame.ip(lab.ends(L.PLAIN), 254, b'\0' * 1000)

  def step():
    with lab.far_socket(socket.AF_INET, socket.SOCK_RAW, 254) as receiver:
      receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
      for _ in range(4):
        lab.send(L.PLAIN, data)
  return step


@kind
def packet_socket_full(lab):
  ethertype = 0x88b6
  receiver = lab.packet_socket(lab.far, f'far{L.PLAIN}', ethertype)
  receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
  data = frame.ethernet(lab.ends(L.PLAIN), ethertype, b'\0' * 1000)

  def step():
    receiver
    for _ in range(2):
      lab.send(L.PLAIN, data)
  return step


@kind
def unix_close_with_queued_data(lab):
  del lab

  def step():
    for kind_of_socket in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
      left, right = socket.socketpair(socket.AF_UNIX, kind_of_socket)
      left.send(b'never read')
      right.close()
      left.close()
  return step


# ---- TCP ----

@kind
def tcp_to_a_closed_port(lab):
  return lab.sender(L.PLAIN, frame.tcp(lab.ends(L.PLAIN), 4000, L.PORT_CLOSED, frame.RST))


@kind
def tcp6_to_a_closed_port(lab):
  return lab.sender(L.PLAIN, frame.tcp(lab.ends(L.PLAIN, ipv6=True), 4000, L.PORT_CLOSED, frame.RST))


@kind
def tcp_checksum(lab):
  return lab.sender(L.PLAIN, frame.tcp(lab.ends(L.PLAIN), 4000, L.PORT_CLOSED, frame.SYN, bad_checksum=True))


class _Phantom:
  """TCP connections from the phantom, segment by segment."""

  _source_ports = itertools.cycle(range(10000, 60000))  # of all phantoms: each hears the others' answers

  def __init__(self, lab, port):
    self._lab = lab
    self._ends = lab.phantom_ends(L.TCP)
    self._port = port
    self._listener = lab.far_socket(socket.AF_INET, socket.SOCK_STREAM)
    self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    self._listener.bind((self._ends.destination, port))
    self._listener.listen(128)
    self._listener.settimeout(5)
    self._ear = lab.packet_socket(lab.near, f'near{L.TCP}', frame.ETH_IPV4)
    self._ear.settimeout(5)

  def connect(self):
    """The far end's socket; from here on send() continues this connection."""
    self._source_port = next(self._source_ports)
    self._segment(frame.SYN, 0)
    self._peer = self._sequence_of_answer() + 1
    self._segment(frame.ACK, 1)
    return self._listener.accept()[0]

  def _segment(self, flags, sequence, data=b''):
    self._lab.send(L.TCP, frame.tcp(self._ends, self._source_port, self._port, flags, 1000 + sequence,
                                    self._peer if flags & frame.ACK else 0, data))

  def send(self, begin, end, flags=frame.ACK | frame.PSH):
    """Bytes [begin, end) of the stream."""
    self._segment(flags, 1 + begin, b'x' * (end - begin))

  def _sequence_of_answer(self):
    while True:
      answer = frame.parse_tcp(self._ear.recv(2048))
      if answer and answer[0] == self._source_port and answer[2] & frame.SYN:
        return answer[1]


@kind(every=3)
def tcp_out_of_order(lab):
  phantom = _Phantom(lab, 7200)

  def step():
    with phantom.connect() as connection:
      phantom.send(300, 400)
      phantom.send(300, 400)  # there already
      phantom.send(320, 380)  # inside of what is there
      phantom.send(250, 450)  # covers what is there
      phantom.send(500, 600)
      phantom.send(0, 460)    # takes in what was queued
      phantom.send(0, 100)    # old
      phantom.send(10 << 20, (10 << 20) + 100)  # far outside of the window
      phantom.send(700, 800)  # queued when the socket goes
      phantom.send(900, 1000)
      connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
  return step


@kind(every=3)
def tcp_reset_and_more(lab):
  phantom = _Phantom(lab, 7201)

  def step():
    with phantom.connect():
      phantom.send(0, 100)
      phantom.send(0, 0, frame.SYN)           # challenged
      phantom.send(1 << 20, 1 << 20, frame.RST)  # outside of the window
      phantom.send(100, 200, 0)               # no ACK flag
      phantom.send(100, 100, frame.RST)
      phantom.send(100, 200)                  # for nobody
  return step


# ---- Devices that go ----

@kind(every=50)
def device_goes_with_queued_packets(lab):
  """Packets wait in a queue discipline when its device is deleted."""
  data = frame.ethernet(lab.ends(L.PLAIN), 0x88b5, b'\0' * 46)

  def step():
    with lab.near.entered():
      L.ip_commands('link add name brief type veth peer name brief-peer\nlink set brief up\nlink set brief-peer up')
      L.harness.run([L.harness.TC, 'qdisc', 'add', 'dev', 'brief', 'root', 'tbf', 'rate', '8bit', 'burst', '2000', 'limit',
                     '10000'])
    with lab.packet_socket(lab.near, 'brief') as sender:
      for _ in range(10):
        sender.send(data)
    with lab.near.entered():
      L.ip_commands('link del brief')
  return step
