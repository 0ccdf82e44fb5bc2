"""The scenarios. To add one: a function with @scenario that is given an arena, attaches, and sends within
`with arena.recording()`. `goal` is the weakest evidence that its packets must be named by; packets may fall back to
`candidates` where a list had just changed, and `share` says how many must reach the goal all the same.
"""

import collections
import json
import os
import socket
import threading
import time

from tests.attribution import arena as A
from tests.integration import bpf_links
from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L

Scenario = collections.namedtuple('Scenario', 'name run goal share verdict_goal')
SCENARIOS = []
MANY = 120


def scenario(goal, share=0.9, verdict_goal=None):
  """`verdict_goal`: with --attribution verdict, where that is stronger."""
  def add(run):
    SCENARIOS.append(Scenario(run.__name__, run, goal, share, verdict_goal or goal))
    return run
  return add


FAR, NEAR = f'far{L.TC}', f'near{L.TC}'


def _u32(port):
  return 'u32', 'match', 'ip', 'dport', port, '0xffff'


# ---- tc: clsact ----

@scenario('sole')
def clsact_ingress(a):
  a.tc(a.far, FAR, 'ingress', a.load_culprits(), 'drop_a')
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_A], MANY, FAR)


@scenario('sole')
def clsact_egress(a):
  a.tc(a.near, NEAR, 'egress', a.load_culprits(), 'drop_a')
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_A], MANY, NEAR)


@scenario('candidates', verdict_goal='verdict')
def two_prefs_the_second_drops(a):
  load = a.load_culprits()
  a.tc(a.far, FAR, 'ingress', load, 'drop_a', pref=10)
  a.tc(a.far, FAR, 'ingress', load, 'drop_b', pref=20)
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_B], MANY, FAR)


@scenario('candidates', verdict_goal='verdict')
def two_prefs_both_drop(a):
  load = a.load_culprits()
  a.tc(a.far, FAR, 'ingress', load, 'drop_a', pref=10)
  a.tc(a.far, FAR, 'ingress', load, 'drop_b', pref=20)
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_A, A.PORT_B], MANY, FAR)


@scenario('candidates', verdict_goal='verdict')
def two_handles_of_one_pref(a):
  load = a.load_culprits()
  a.tc(a.far, FAR, 'ingress', load, 'drop_a', pref=10, handle=1)
  a.tc(a.far, FAR, 'ingress', load, 'drop_b', pref=10, handle=2)
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_A, A.PORT_B], MANY, FAR)


@scenario('candidates')
def two_on_egress(a):
  load = a.load_culprits()
  a.tc(a.near, NEAR, 'egress', load, 'drop_a', pref=10)
  a.tc(a.near, NEAR, 'egress', load, 'drop_b', pref=20)
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_A, A.PORT_B], MANY, NEAR)


@scenario('candidates')
def another_chain(a):
  a.filter(a.far, FAR, 'ingress', 'pref', 10, 'protocol', 'ip', 'u32', 'match', 'u32', 0, 0, 'action', 'mirred', 'egress',
           'mirror', 'dev', _down(a.far), 'goto', 'chain', 5)
  a.tc(a.far, FAR, 'ingress', a.load_culprits(), 'drop_a', pref=1, more=('chain', 5))
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_A], MANY, FAR)


@scenario('candidates')
def one_program_twice_on_a_hook(a):
  load = a.load_culprits()
  a.tc(a.far, FAR, 'ingress', load, 'drop_a', pref=10)
  a.tc(a.far, FAR, 'ingress', load, 'drop_a', pref=20)
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_A], MANY, FAR)


@scenario('candidates')
def a_u32_filter_beside(a):
  """It drops some packets itself; the program drops others."""
  a.filter(a.far, FAR, 'ingress', 'pref', 5, 'protocol', 'ip', *_u32(A.PORT_B), 'action', 'mirred', 'egress', 'mirror', 'dev',
           _down(a.far), 'drop')
  a.tc(a.far, FAR, 'ingress', a.load_culprits(), 'drop_a', pref=10)
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_A, A.PORT_B], MANY, FAR)


@scenario('candidates')
def u32_mirred_to_a_device_that_is_down(a):
  a.tc(a.far, FAR, 'ingress', a.load_culprits(), 'drop_a', pref=10)
  a.filter(a.far, FAR, 'ingress', 'pref', 20, 'protocol', 'ip', *_u32(A.PORT_B), 'action', 'mirred', 'egress', 'redirect',
           'dev', _down(a.far))
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_A, A.PORT_B], MANY, FAR)


@scenario('none', share=0)
def only_a_u32_filter(a):
  a.load_culprits()
  a.filter(a.far, FAR, 'ingress', 'pref', 5, 'protocol', 'ip', *_u32(A.PORT_B), 'action', 'mirred', 'egress', 'mirror', 'dev',
           _down(a.far), 'drop')
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_B], MANY, FAR)


@scenario('candidates')
def a_shared_block(a):
  load = a.load_culprits()
  with a.far.entered():
    for device in (FAR, f'far{L.PLAIN}'):
      harness.run([harness.TC, 'qdisc', 'add', 'dev', device, 'ingress_block', 22, 'clsact'])
    harness.run([harness.TC, 'filter', 'add', 'block', 22, 'pref', 10, 'handle', 1, 'bpf', 'direct-action', 'object-pinned',
                 load.pin('drop_a')])
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_A], MANY // 2, FAR)
    a.send_mixed(L.PLAIN, [A.PORT_A], MANY // 2, f'far{L.PLAIN}')


@scenario('sole')
def one_program_on_two_devices_of_two_namespaces(a):
  load = a.load_culprits()
  a.tc(a.far, FAR, 'ingress', load, 'drop_a')
  a.tc(a.near, f'near{L.PLAIN}', 'egress', load, 'drop_a')
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_A], MANY // 2, FAR)
    a.send_mixed(L.PLAIN, [A.PORT_A], MANY // 2, f'near{L.PLAIN}')


@scenario('sole')
def one_object_loaded_twice(a):
  a.tc(a.far, FAR, 'ingress', a.load_culprits(), 'drop_a')
  a.tc(a.far, f'far{L.PLAIN}', 'ingress', a.load_culprits(), 'drop_a')
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_A], MANY // 2, FAR)
    a.send_mixed(L.PLAIN, [A.PORT_A], MANY // 2, f'far{L.PLAIN}')


@scenario('sole')
def a_tail_call(a):
  load = a.load_culprits()
  harness.run([harness.BPFTOOL, 'map', 'update', 'pinned', load.maps / 'tails', 'key', 0, 0, 0, 0, 'value', 'pinned',
               load.pin('tail_target')])
  a.tc(a.far, FAR, 'ingress', load, 'tail')
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_TAIL], MANY, FAR)


@scenario('stack')
def a_subprogram_frees_a_clone(a):
  a.tc(a.near, NEAR, 'egress', a.load_culprits(), 'clone')
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_CLONE], MANY)


@scenario('none', share=0)
def a_redirect_to_nowhere(a):
  """The program has returned, and the kernel gives no reason of its own."""
  a.tc(a.far, FAR, 'ingress', a.load_culprits(), 'redirect_nowhere')
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_REDIRECT], MANY, FAR)


@scenario('sole')
def vlan_packets(a):
  a.tc(a.far, FAR, 'ingress', a.load_culprits(), 'drop_a')
  with a.recording():
    for _ in range(MANY):
      for port in (A.PORT_A, A.PORT_PASS):
        data = a.frame_to(port, L.TC, FAR)
        a.send(L.TC, data[:12] + b'\x81\x00\x00\x07' + data[12:])


@scenario('sole')
def ipv6_packets(a):
  a.tc(a.far, FAR, 'ingress', a.load_culprits(), 'drop_a')
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_A], MANY, FAR, ipv6=True)


@scenario('candidates')
def filters_of_two_protocols(a):
  load = a.load_culprits()
  a.tc(a.far, FAR, 'ingress', load, 'drop_a', pref=10, more=('protocol', 'ip'))
  a.tc(a.far, FAR, 'ingress', load, 'drop_b', pref=20, more=('protocol', 'ipv6'))
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_A], MANY, FAR)


@scenario('sole')
def a_program_without_btf(a):
  stripped = f'/tmp/correlate-nobtf-{os.getpid()}.o'
  harness.run(['/usr/bin/objcopy', '--remove-section', '.BTF.ext', '--remove-section', '.rel.BTF.ext', A.CULPRITS, stripped],
              check=False)
  try:
    load = a.load_culprits(stripped if os.path.exists(stripped) else A.CULPRITS)
  finally:
    if os.path.exists(stripped):
      os.unlink(stripped)
  a.tc(a.far, FAR, 'ingress', load, 'drop_a')
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_A], MANY, FAR)


@scenario('sole')
def redirect_to_a_peer(a):
  """A program on ingress hands the packet to the other end of a pair, whose own filter drops it."""
  load = a.load_culprits()
  with a.far.entered():
    L.ip_commands(f'link add relay type veth peer name inner netns /proc/{os.getpid()}/fd/{a.near.fd}\nlink set relay up')
    relay = int(open('/proc/thread-self/net/dev_snmp6/relay').readline().split()[1]) if os.path.exists(
        '/proc/thread-self/net/dev_snmp6/relay') else json.loads(
            harness.run([harness.IP, '-j', 'link', 'show', 'dev', 'relay']).stdout)[0]['ifindex']
  with a.near.entered():
    L.ip_commands('link set inner up')
  load.set('peer', 0, A._bytes(relay))
  a.tc(a.far, FAR, 'ingress', load, 'to_peer')
  a.tc(a.near, 'inner', 'ingress', load, 'drop_peer')
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_PEER], MANY, 'inner')


# ---- tcx ----

@scenario('sole')
def one_tcx(a):
  a.tcx(a.far, FAR, a.load_culprits(), 'drop_a')
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_A], MANY, FAR)


@scenario('sole')
def one_tcx_on_egress(a):
  a.tcx(a.near, NEAR, a.load_culprits(), 'drop_a', bpf_links.TCX_EGRESS)
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_A], MANY, NEAR)


@scenario('candidates', verdict_goal='verdict')
def two_tcx_the_second_drops(a):
  load = a.load_culprits()
  a.tcx(a.far, FAR, load, 'drop_a')
  a.tcx(a.far, FAR, load, 'drop_b')
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_B], MANY, FAR)


@scenario('candidates', verdict_goal='verdict')
def tcx_before_clsact(a):
  load = a.load_culprits()
  a.tc(a.far, FAR, 'ingress', load, 'drop_b')
  a.tcx(a.far, FAR, load, 'drop_a')
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_A, A.PORT_B], MANY, FAR)


@scenario('sole', share=0.3)
def a_tcx_link_swapped_every_5_ms(a):
  """Two loads of one object take turns: each drops what it sees."""
  loads = [a.load_culprits(), a.load_culprits()]
  link = a.tcx(a.far, FAR, loads[0], 'drop_a')
  stop = threading.Event()

  def swap():
    turn = 0
    while not stop.wait(0.005):
      turn += 1
      link.update(loads[turn % 2].pin('drop_a'))
  swapper = threading.Thread(target=swap)
  with a.recording():
    swapper.start()
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and len(a.sent) < 20000:
      a.send_mixed(L.TC, [A.PORT_A], 10, FAR)
    stop.set()
    swapper.join()


# ---- Changes during the recording ----

@scenario('sole', share=0.8)
def replaced_detached_and_attached_again(a):
  a.tc(a.far, FAR, 'ingress', a.load_culprits(), 'drop_a')
  with a.recording():
    for _ in range(4):
      a.send_mixed(L.TC, [A.PORT_A], 30, FAR)
      time.sleep(A.SETTLE_S)
      a.tc(a.far, FAR, 'ingress', a.load_culprits(), 'drop_a')
      a.send_mixed(L.TC, [A.PORT_A], 30, FAR)
      time.sleep(A.SETTLE_S)
      a.unfilter(a.far, FAR, 'ingress', 10)
      a.send_mixed(L.TC, [A.PORT_A], 5, FAR)
      a.tc(a.far, FAR, 'ingress', a.loads[0], 'drop_a')


@scenario('sole', share=0.8)
def a_device_renamed_and_moved(a):
  load = a.load_culprits()
  a.tc(a.far, FAR, 'ingress', load, 'drop_a')
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_A], 60, FAR)
    time.sleep(A.SETTLE_S)
    with a.far.entered():
      L.ip_commands(f'link set {FAR} down\nlink set {FAR} name other\nlink set other up')
    a.send_mixed(L.TC, [A.PORT_A], 60, 'other')
    time.sleep(A.SETTLE_S)
    third = L.Netns('third')
    with a.far.entered():
      L.ip_commands(f'link set other netns /proc/{os.getpid()}/fd/{third.fd}')
    with third.entered():
      L.ip_commands('link set other up')
    a.tc(third, 'other', 'ingress', load, 'drop_a')
    a.send_mixed(L.TC, [A.PORT_A], 60, 'other')
    time.sleep(A.SETTLE_S)
    third.close()


@scenario('sole', share=0.8)
def a_program_loaded_and_unloaded_within(a):
  with a.recording():
    for _ in range(3):
      load = a.load_culprits()
      a.tc(a.far, FAR, 'ingress', load, 'drop_a')
      a.send_mixed(L.TC, [A.PORT_A], 50, FAR)
      time.sleep(A.SETTLE_S)
      a.unfilter(a.far, FAR, 'ingress', 10)
      a.forget(load)


@scenario('sole', share=0.5)
def namespaces_with_reused_inode_numbers(a):
  """One after the other, as the kernel gives them the same number."""
  load = a.load_culprits()
  with a.recording():
    for number in range(6):
      namespace = L.Netns(f'turn{number}')
      with a.near.entered():
        L.ip_commands(f'''link add turn type veth peer name inside netns /proc/{os.getpid()}/fd/{namespace.fd}
                          link set turn up''')
      with namespace.entered():
        L.ip_commands('link set inside up')
      a.tc(namespace, 'inside', 'ingress', load, 'drop_a')
      sender = a.packet_socket(a.near, 'turn')
      ends = a.ends(L.TC)._replace(destination_mac='ff:ff:ff:ff:ff:ff')
      for _ in range(20):
        sender.send(frame.udp(ends, a.packet(A.PORT_A, 'inside'), A.PORT_A))
      time.sleep(A.SETTLE_S)
      sender.close()
      with a.near.entered():
        L.ip_commands('link del turn')
      namespace.close()


def _reuse(a):
  """Programs that free clones are loaded until one stands where another one stood."""
  seen, again = {}, 0
  with a.recording():
    for _ in range(60):
      load = a.load_culprits()
      address = bpf_links.jited_address(load.pin('clone'))
      again += address in seen
      seen[address] = load.id('clone')
      a.tc(a.near, NEAR, 'egress', load, 'clone')
      a.send_mixed(L.TC, [A.PORT_CLONE], 4)
      time.sleep(0.01)
      a.unfilter(a.near, NEAR, 'egress', 10)
      a.forget(load)
      if again >= 10 and len(a.sent) > 250:
        break
  if not again:
    raise AssertionError('the kernel reused no address')


@scenario('stack')
def an_address_that_was_reused(a):
  _reuse(a)


@scenario('stack')
def an_address_that_was_reused_beside_other_recorders(a):
  """They listen to loads of programs too, and the kernel then makes those records longer than they are."""
  others = [harness.start([harness.PERF, 'record', '-a', '-q', '-e', 'sched:sched_process_exec', '-o', '/dev/null', '--', '/bin/sleep',
                           '60']) for _ in range(2)]
  try:
    time.sleep(1)
    _reuse(a)
  finally:
    for other in others:
      other.terminate()
      other.wait()


# ---- XDP ----

def _xdp(a, mode, link):
  load = a.load_culprits()
  device = f'far{link}'
  a.attach_xdp(a.far, device, mode, load.pin('xdp_verdict'))
  with a.recording():
    a.send_mixed(link, [A.PORT_A, A.PORT_ABORTED, A.PORT_UNKNOWN], MANY, device)


@scenario('sole')
def xdp_native(a):
  _xdp(a, 'native', L.XDP_NATIVE)


@scenario('sole')
def xdp_generic(a):
  _xdp(a, 'generic', L.XDP_GENERIC)


@scenario('sole')
def xdp_beside_tc(a):
  """Each drops its own: the reason and the place tell which hook it was."""
  load = a.load_culprits()
  a.attach_xdp(a.far, f'far{L.XDP_NATIVE}', 'native', load.pin('xdp_verdict'))
  a.tc(a.far, f'far{L.XDP_NATIVE}', 'ingress', load, 'drop_b')
  with a.recording():
    a.send_mixed(L.XDP_NATIVE, [A.PORT_A, A.PORT_B], MANY, f'far{L.XDP_NATIVE}')


# ---- Sockets and cgroups ----

def _in_cgroup(path):
  (path / 'cgroup.procs').write_text(str(os.getpid()))


def _out_of_cgroup():
  (A.pathlib.Path(A.cgroup_root()) / 'cgroup.procs').write_text(str(os.getpid()))


def _socket_sends(a, ports, count, destination):
  with a.near.entered():
    for _ in range(count):
      for port in ports:
        number = a.packet(port)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
          sender.bind(('', number))
          try:
            sender.sendto(b'payload', (destination, port))
          except PermissionError:  # that is how a cgroup's program refuses
            pass


@scenario('sole')
def cgroup_egress(a):
  path = a.cgroup(a.load_culprits(), 'cgroup_egress', bpf_links.CGROUP_INET_EGRESS)
  _in_cgroup(path)
  try:
    with a.recording():
      _socket_sends(a, [A.PORT_CGROUP, A.PORT_PASS], MANY, f'10.78.{L.PLAIN}.2')
  finally:
    _out_of_cgroup()


@scenario('candidates')
def cgroup_ingress(a):
  load = a.load_culprits()
  path = a.cgroup(load, 'cgroup_ingress', 0)  # BPF_CGROUP_INET_INGRESS
  _in_cgroup(path)
  receiver = a.far_socket()  # a socket belongs to the cgroup in which it was made
  _out_of_cgroup()
  receiver.bind(('', A.PORT_CGROUP))
  with a.recording():
    a.send_mixed(L.PLAIN, [A.PORT_CGROUP], MANY)
  receiver.close()


@scenario('candidates')
def a_socket_filter(a):
  load = a.load_culprits()
  receiver = a.far_socket()
  receiver.bind(('', A.PORT_SOCKET))
  fd = bpf_links.open_pinned(load.pin('socket_filter'))
  receiver.setsockopt(socket.SOL_SOCKET, 50, fd)  # SO_ATTACH_BPF
  os.close(fd)
  with a.recording():
    a.send_mixed(L.PLAIN, [A.PORT_SOCKET], MANY)
  receiver.close()


# ---- Nobody's ----

@scenario('none', share=0)
def drops_that_no_program_made(a):
  """An nftables rule, a closed port and a full queue, on a device whose programs let everything pass."""
  load = a.load_culprits()
  a.tc(a.far, FAR, 'ingress', load, 'pass')
  a.tcx(a.far, FAR, load, 'pass')
  a.attach_xdp(a.far, FAR, 'generic', load.pin('xdp_verdict'))
  full = a.far_socket()
  full.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
  full.bind(('', A.PORT_B))
  with a.far.entered():
    harness.run(['/usr/sbin/nft', f'add table ip t; add chain ip t c {{ type filter hook input priority 0; }}; '
                 f'add rule ip t c udp dport {A.PORT_CLONE} drop'])
  with a.recording():
    a.send_mixed(L.TC, [A.PORT_CLONE, A.PORT_B], MANY, FAR)
  full.close()


@scenario('sole')
def an_onlooker_on_the_tracepoint(a):
  pin = harness.PINS / 'onlooker'
  harness.run([harness.BPFTOOL, 'prog', 'loadall', A.ONLOOKER, pin, 'autoattach'])
  try:
    a.tc(a.far, FAR, 'ingress', a.load_culprits(), 'drop_a')
    with a.recording():
      a.send_mixed(L.TC, [A.PORT_A], MANY, FAR)
  finally:
    for link in pin.iterdir():
      link.unlink()
    pin.rmdir()


def _down(namespace):
  """The name of the device that is down."""
  with namespace.entered():
    devices = json.loads(harness.run([harness.IP, '-j', 'link']).stdout)
  return next(device['ifname'] for device in devices if device['ifindex'] == L.IFINDEX_DOWN)
