#!/usr/bin/python3
"""Filters in the kernel: a recording with one holds exactly what a recording without it holds of the same traffic for
which the filter is true, and what was kept out is counted.
"""

import collections
import ipaddress
import json
import os
import pathlib
import shutil
import struct
import tempfile
import time

from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L

ROUNDS = 20
PORT_VXLAN, PORT_GENEVE = 4789, 6081
LEAST_EVENTS_OF_A_FILTER = ROUNDS  # else the filter's case is not in the traffic

ETHERTYPE = L.random_ethertype()


def tagged(data, vlan):
  """The frame with a VLAN tag."""
  return data[:12] + struct.pack('!HH', 0x8100, vlan) + data[12:]


def packet_of(data):
  return data[frame.ETHERNET_BYTES:]


class Traffic:
  """The same packets each round; all of them are dropped, none is answered but by ICMP."""

  def __init__(self, lab):
    self._lab = lab
    self.programs = lab.load()
    twins = lab.load()
    self.ids = {
        'shot': lab.attach_tc(lab.far, f'far{L.TC}', 'ingress', self.programs / 'lab_tc_verdict'),
        'mirror': lab.attach_tc(lab.near, f'near{L.TC}', 'egress', self.programs / 'lab_tc_mirror'),
        'shot going out': lab.attach_tc(lab.near, f'near{L.XDP_GENERIC}', 'egress', twins / 'lab_tc_verdict'),
        'native': lab.attach_xdp(lab.far, f'far{L.XDP_NATIVE}', 'native', self.programs / 'lab_xdp'),
        'generic': lab.attach_xdp(lab.far, f'far{L.XDP_GENERIC}', 'generic', twins / 'lab_xdp'),
    }
    with lab.near.entered():
      L.ip_commands('route add blackhole 198.51.100.0/24')
    self._raw = lab.near_socket()
    self._frames = list(self._make_frames())

  def _make_frames(self):
    four, six = self._lab.ends(L.PLAIN), self._lab.ends(L.PLAIN, ipv6=True)
    inside = frame.Ends('02:00:00:00:00:01', '02:00:00:00:00:02', '192.0.2.1', '192.0.2.2')
    inside6 = inside._replace(source='2001:db8:77::1', destination='2001:db8:77::2')
    yield L.PLAIN, frame.udp(four, 4000, L.PORT_CLOSED)
    yield L.PLAIN, frame.udp(six, 4000, L.PORT_CLOSED)
    yield L.PLAIN, frame.udp(four, L.PORT_CLOSED, 9)  # the port that is asked for, as the source
    yield L.PLAIN, frame.tcp(four, 4000, L.PORT_CLOSED, frame.RST)
    yield L.PLAIN, frame.tcp(six, 4000, L.PORT_CLOSED, frame.RST)
    yield L.PLAIN, frame.icmp(four, 8, bad_checksum=True)
    yield L.PLAIN, frame.icmp(six._replace(destination='2001:db8::1'), 128)
    yield L.PLAIN, frame.ethernet(four, ETHERTYPE, b'\0' * 46)
    yield L.PLAIN, frame.udp(four._replace(destination='203.0.113.1'), 4000, 9)
    yield L.PLAIN, frame.udp(six._replace(destination='2001:db8::1'), 4000, 9)
    # A fragment that is not the first, for somebody else: no ports.
    yield L.PLAIN, frame.ip(four._replace(destination='203.0.113.1'), 17, b'\x1f\x3f' * 16, fragment=100)
    yield L.PLAIN, tagged(frame.udp(four, 4000, L.PORT_CLOSED), 42)
    # Tunnels that end nowhere.
    yield L.PLAIN, frame.udp(four, 9, PORT_VXLAN, b'\x08\0\0\0\0\0\x2a\0' + frame.tcp(inside, 80, 8080, frame.RST))
    yield L.PLAIN, frame.udp(six, 9, PORT_VXLAN, b'\x08\0\0\0\0\0\x2a\0' + tagged(frame.udp(inside6, 53, 5353), 7))
    yield L.PLAIN, frame.udp(four, 9, PORT_GENEVE, b'\x02\0\x65\x58\0\0\x2a\0' + b'\0' * 8 + frame.udp(inside6, 53, 8080))
    somebody = four._replace(destination='203.0.113.1')
    yield L.PLAIN, frame.ip(somebody, 4, packet_of(frame.udp(inside, 53, 8080)))
    yield L.PLAIN, frame.ip(somebody, 41, packet_of(frame.tcp(inside6, 80, 8080, frame.RST)))
    yield L.PLAIN, frame.ip(somebody, 47, b'\x20\0\x08\0\0\0\0\x09' + packet_of(frame.udp(inside, 53, 8080)))
    # To programs.
    for link, ports in ((L.TC, (L.PORT_SHOT, L.PORT_MIRROR)),
                        (L.XDP_NATIVE, (L.PORT_ABORT, L.PORT_UNKNOWN_ACTION)),
                        (L.XDP_GENERIC, (L.PORT_ABORT, L.PORT_UNKNOWN_ACTION, L.PORT_SHOT))):
      for port in ports:
        yield link, frame.udp(self._lab.ends(link), 4000, port)

  def send(self):
    for _ in range(ROUNDS):
      for link, data in self._frames:
        self._lab.send(link, data)
      self._raw.sendto(b'x', ('127.0.0.1', L.PORT_CLOSED))
      try:
        self._raw.sendto(b'x', ('198.51.100.1', 9))
      except OSError:
        pass
    time.sleep(0.05)  # until no packet is on its way in a softirq that was put off


def layers(event):
  """The packet, and the one in its tunnel."""
  packet = event.get('packet', {})
  return [layer for layer in (packet, packet.get('inner', {})) if 'family' in layer]


def packet_holds(host=None, port=None, l4=None):
  """A predicate: true where one layer agrees to all that is given. The oracle of --host, --port and --l4."""
  nets = [ipaddress.ip_network(net, strict=False) for net in host or ()]

  def holds(event):
    for layer in layers(event):
      ends = [ipaddress.ip_address(layer['src']), ipaddress.ip_address(layer['dst'])]
      # ICMP shows ports that it does not have.
      ports = [layer.get('sport'), layer.get('dport')] if layer.get('l4') in ('tcp', 'udp') else []
      if ((host is None or any(end in net for end in ends for net in nets if end.version == net.version)) and
          (port is None or any(number in port for number in ports)) and (l4 is None or layer.get('l4') in l4)):
        return True
    return False
  return holds


def is_drop(event):
  return event['event'] == 'skb:kfree_skb'


class FilterTest(harness.RootTest):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder_of_all = pathlib.Path(tempfile.mkdtemp(prefix='correlate-test-'))
    cls.addClassCleanup(shutil.rmtree, cls.folder_of_all, ignore_errors=True)
    cls.lab = L.Lab()
    cls.addClassCleanup(cls.lab.close)
    cls.traffic = Traffic(cls.lab)
    cls.netns = {str(cls.lab.near.inode), str(cls.lab.far.inode)}
    addresses = ['127.0.0.1', *(cls.lab.ends(link, ipv6).source for link in L.LINKS for ipv6 in (False, True))]
    cls.sources = {str(ipaddress.ip_address(address)) for address in addresses}  # as we print them
    cls.whole = cls.record(cls.folder_of_all / 'whole.pb')[0]

  @classmethod
  def record(cls, trace, *filters):
    """Events of one recording of the traffic, and what `info` says of it."""
    recorder = harness.CommandRun(harness.CORRELATE, 'record', '-o', trace, *map(str, filters))
    cls.traffic.send()
    status, said = recorder.stop()
    if status != 0:
      raise AssertionError(said)
    line = harness.LastLine(said)
    if line.lost:
      raise AssertionError(said)
    events = [event for event in harness.script(trace) if is_drop(event) or event['event'] == 'xdp:xdp_exception']
    return events, json.loads(harness.correlate('info', '--json', trace).stdout), said

  def is_ours(self, event):
    """Of the traffic, not an answer to it, which the kernel gives as often as its rate limit says."""
    packet = event.get('packet', {})
    if packet.get('netns') not in self.netns:
      return False
    if not is_drop(event):
      return True
    return packet.get('src') in self.sources or event['fields']['protocol'] == ETHERTYPE

  @staticmethod
  def key(event):
    """What is the same each time this packet is sent."""
    fields = {name: value for name, value in event['fields'].items() if name not in ('skbaddr', 'rx_sk')}
    return json.dumps([event['event'], fields, event.get('packet')], sort_keys=True)

  def assert_filter(self, filters, holds, exceptions=True):
    """`exceptions`: whether the filter can hold for XDP exceptions, which then are recorded."""
    events, info, said = self.record(self.trace, *filters)
    wanted = collections.Counter(self.key(event) for event in self.whole
                                 if self.is_ours(event) and (is_drop(event) or exceptions) and holds(event))
    found = collections.Counter(self.key(event) for event in events if self.is_ours(event))
    self.assertGreaterEqual(wanted.total(), LEAST_EVENTS_OF_A_FILTER, 'the traffic has nothing for this filter')
    self.assertLess(wanted.total(), sum(map(self.is_ours, self.whole)), 'the traffic has nothing against this filter')
    self.assertEqual(wanted - found, collections.Counter(), 'missing')
    self.assertEqual(found - wanted, collections.Counter(), 'not asked for')
    for event in events:  # those of others on this host, too
      self.assertTrue(holds(event), event)
    self.assert_counts(info, events)
    self.assertEqual(info['filters'], [' '.join(map(str, pair)) for pair in zip(filters[::2], filters[1::2])])
    print(f'{" ".join(map(str, filters))}: {len(events)} events; {said.splitlines()[-2]}', flush=True)
    return events, info, said

  def assert_counts(self, info, events):
    written = collections.Counter()
    filtered = 0
    for counts in info['counts']:
      number = {name: int(counts[name]) for name in ('counted', 'written', 'lost', 'missed', 'filtered')}
      self.assertEqual(number['counted'], number['written'] + number['lost'] + number['missed'] + number['filtered'], counts)
      written[counts['event']] += number['written']
      filtered += number['filtered']
    self.assertEqual(+written, collections.Counter(event['event'] for event in events))
    # Whatever was kept out of the traffic was counted as such.
    ours = sum(self.is_ours(event) and (is_drop(event) or 'xdp:xdp_exception' in info['enabled_events'])
               for event in self.whole)
    self.assertGreaterEqual(filtered + sum(int(counts['missed']) for counts in info['counts']),
                            ours - sum(map(self.is_ours, events)))
    self.assertGreater(filtered, 0)


class Devices(FilterTest):

  def test_ifname(self):
    self.assert_filter(['--ifname', f'far{L.PLAIN}'], lambda event: event['packet'].get('ifname') == f'far{L.PLAIN}')

  def test_several_ifnames(self):
    names = [f'far{L.TC}', f'far{L.XDP_NATIVE}', 'lo', 'no-such-device']
    filters = [word for name in names for word in ('--ifname', name)]
    self.assert_filter(filters, lambda event: event['packet'].get('ifname') in names)

  def test_ifname_is_the_whole_name(self):
    events, _, _ = self.record(self.trace, '--ifname', 'far')
    self.assertEqual([event for event in events if self.is_ours(event)], [])

  def test_ifname_of_a_renamed_device(self):
    """The kernel may leave the end of the longer name behind the shorter one."""
    with self.lab.near.entered():
      L.ip_commands('''link add name long-name-first type veth peer name renamed-peer
                       link set renamed-peer up
                       link set long-name-first name brief
                       link set brief up''')
    self.addCleanup(harness.run, [harness.NSENTER, f'--net=/proc/{os.getpid()}/fd/{self.lab.near.fd}', harness.IP, 'link',
                                  'del', 'brief'])
    recorder = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace, '--ifname', 'brief')
    with self.lab.packet_socket(self.lab.near, 'renamed-peer') as sender:
      sender.send(frame.ethernet(self.lab.ends(L.PLAIN), ETHERTYPE, b'\0' * 46))  # received by `brief`
    self.assertEqual(recorder.stop()[0], 0)
    names = [event['packet']['ifname'] for event in harness.script(self.trace) if is_drop(event) and
             event['fields']['protocol'] == ETHERTYPE]
    self.assertEqual(names, ['brief'])

  def test_netns_by_name_path_and_inode(self):
    for text in ('near', '/run/netns/near', self.lab.near.inode):
      with self.subTest(netns=text):
        self.assert_filter(['--netns', text], lambda event: event['packet'].get('netns') == str(self.lab.near.inode))

  def test_netns_without_a_name(self):
    self.assert_filter(['--netns', f'/proc/{os.getpid()}/fd/{self.lab.far.fd}'],
                       lambda event: event['packet'].get('netns') == str(self.lab.far.inode))

  def test_device_and_netns_have_to_agree(self):
    events, _, _ = self.record(self.trace, '--ifname', f'far{L.PLAIN}', '--netns', 'near')
    self.assertEqual([event for event in events if self.is_ours(event)], [])


class Packets(FilterTest):

  def assert_packet_filter(self, **values):
    filters = [word for option, several in values.items() for value in several for word in (f'--{option}', value)]
    return self.assert_filter(filters, packet_holds(**values), exceptions=False)

  def test_host(self):
    self.assert_packet_filter(host=[f'10.78.{L.TC}.2'])

  def test_network(self):
    self.assert_packet_filter(host=['203.0.113.0/25'])

  def test_ipv6_network(self):
    self.assert_packet_filter(host=['2001:db8::/33'])

  def test_several_hosts(self):
    self.assert_packet_filter(host=['203.0.113.1', f'fd78:{L.PLAIN}::/64', '192.0.2.2', '0.0.0.0/32'])

  def test_all_of_a_family(self):
    self.assert_packet_filter(host=['::/0'])

  def test_port(self):
    self.assert_packet_filter(port=[L.PORT_CLOSED])

  def test_several_ports(self):
    self.assert_packet_filter(port=[L.PORT_SHOT, 53, PORT_VXLAN])

  def test_l4(self):
    for l4 in ('tcp', 'udp', 'icmp', 'icmpv6', 'gre', 'ipip'):
      with self.subTest(l4=l4):
        self.assert_packet_filter(l4=[l4])

  def test_several_l4(self):
    self.assert_packet_filter(l4=['icmp', 'tcp'])

  def test_inside_of_tunnels(self):
    self.assert_packet_filter(host=['192.0.2.0/24'], port=[8080])
    self.assert_packet_filter(host=['2001:db8:77::/48'], l4=['udp'])

  def test_one_layer_has_to_agree_to_all(self):
    self.assert_packet_filter(host=[f'10.78.{L.PLAIN}.0/24'], port=[8080, L.PORT_CLOSED], l4=['udp'])

  def test_note_on_xdp_exceptions(self):
    _, info, said = self.record(self.trace, '--port', L.PORT_SHOT)
    self.assertNotIn('xdp:xdp_exception', info['enabled_events'])
    self.assertIn('XDP exceptions are not recorded', said)
    self.assertTrue(any('XDP exceptions are not recorded' in note for note in info['notes']))

  def test_no_verdict_without_exceptions(self):
    """Without XDP exceptions nobody can tell XDP_ABORTED from XDP_DROP."""
    events, _, _ = self.record(self.trace, '--port', L.PORT_ABORT)
    verdicts = {event['attribution'].get('verdict') for event in events if self.is_ours(event)}
    self.assertEqual(verdicts - {'NOT_SPECIFIED', '', None}, set())


class Reasons(FilterTest):

  def assert_reason_filter(self, *reasons):
    names = {reason.upper().removeprefix('SKB_DROP_REASON_') for reason in reasons}
    filters = [word for reason in reasons for word in ('--reason', reason)]
    return self.assert_filter(filters, lambda event: event['fields'].get('reason') in names, exceptions=False)

  def test_reason(self):
    self.assert_reason_filter('NO_SOCKET')

  def test_several_reasons(self):
    self.assert_reason_filter('TC_INGRESS', 'SKB_DROP_REASON_TC_EGRESS', 'udp_csum', 'icmp_csum')

  def test_reason_by_number(self):
    whole = next(event for event in self.whole if event['fields'].get('reason') == 'TC_INGRESS')
    text = (harness.TRACING / 'events/skb/kfree_skb/format').read_text()
    number = text[:text.index(', "TC_INGRESS"')].rsplit('{ ', 1)[1]
    self.assertEqual(whole['fields']['reason'], 'TC_INGRESS')
    self.assert_filter(['--reason', number], lambda event: event['fields'].get('reason') == 'TC_INGRESS', exceptions=False)

  def test_everything_at_once(self):
    holds = packet_holds(host=[f'10.78.{L.PLAIN}.2'], port=[L.PORT_CLOSED], l4=['udp'])
    self.assert_filter(
        ['--ifname', f'far{L.PLAIN}', '--netns', self.lab.far.inode, '--reason', 'NO_SOCKET', '--host',
         f'10.78.{L.PLAIN}.2', '--port', L.PORT_CLOSED, '--l4', 'udp'],
        lambda event: holds(event) and event['fields'].get('reason') == 'NO_SOCKET' and
        event['packet'].get('ifname') == f'far{L.PLAIN}', exceptions=False)


class Programs(FilterTest):

  def assert_program_filter(self, *names, evidence):
    ids = {self.traffic.ids[name] for name in names}
    filters = [word for number in sorted(ids) for word in ('--program', number)]
    events, _, _ = self.assert_filter(
        filters, lambda event: bool(ids & {program['id'] for program in event.get('attribution', {}).get('programs', ())}))
    found = {event['attribution']['evidence'] for event in events if self.is_ours(event)}
    self.assertEqual(found & evidence, evidence)

  def test_tc(self):
    self.assert_program_filter('shot', evidence={'sole'})

  def test_freed_inside_of_its_call(self):
    """Its clone is dropped below a helper that its subprogram calls: it is on no walked hook, only on the callchain."""
    self.assert_program_filter('mirror', evidence={'stack'})

  def test_xdp(self):
    self.assert_program_filter('native', evidence={'event'})

  def test_several(self):
    self.assert_program_filter('generic', 'mirror', evidence={'event', 'stack'})

  def test_another_load_of_the_same_object_is_another_program(self):
    self.assertNotEqual(self.traffic.ids['shot'], self.traffic.ids['shot going out'])
    self.assert_program_filter('shot going out', evidence={'sole'})


class Counts(FilterTest):

  RUNS = 100

  def test_storm_that_does_not_pass(self):
    """What was kept out is neither missed nor lost, however much it is."""
    counter = harness.CommandRun(harness.PERF, 'stat', '-a', '-x', ';', '-e', 'skb:kfree_skb')
    recorder = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace, '-e', 'skb:kfree_skb', '--netns',
                                  f'/proc/{os.getpid()}/fd/{self.lab.far.fd}', '--ring-size', '4K')
    storm = self.lab.storm(self.traffic.programs / 'lab_storm', self.RUNS)
    self.assertEqual(storm.wait(harness.PATIENCE_S), 0, storm.stderr_text())
    line = harness.LastLine(recorder.stop()[1])
    counted = int(counter.stop()[1].split(';')[0])
    counts = json.loads(harness.correlate('info', '--json', self.trace).stdout)['counts']
    filtered = sum(int(cpu['filtered']) for cpu in counts)
    print(f'{filtered} filtered, {line.missed} missed, {line.events} written; perf counted {counted}', flush=True)
    self.assertEqual(line.lost, 0)
    self.assertGreaterEqual(filtered + line.missed, self.RUNS * L.STORM_CLONES)
    self.assertLess(line.missed, self.RUNS * L.STORM_CLONES / 100)
    self.assertLessEqual(filtered + line.missed + line.events, counted)

  def test_storm_over_both_edges(self):
    """Hits before the recording begins and after it ends are in none of its counts."""
    storm = self.lab.storm(self.traffic.programs / 'lab_storm', 1_000_000)
    try:
      time.sleep(0.1)
      done = harness.correlate('record', '-o', self.trace, '-e', 'skb:kfree_skb', '--ifname', 'no-such-device',
                               '--duration', '300ms')
    finally:
      storm.kill()
      storm.wait()
    counts = json.loads(harness.correlate('info', '--json', self.trace).stdout)['counts']
    for cpu in counts:
      self.assertEqual(int(cpu['counted']), sum(int(cpu[name]) for name in ('written', 'only_counted', 'lost', 'missed', 'filtered')))
    filtered = sum(int(cpu['filtered']) for cpu in counts)
    print(f'{filtered} filtered, {harness.LastLine(done.stderr).missed} missed', flush=True)
    self.assertGreater(filtered, 10_000)
    self.assertLess(harness.LastLine(done.stderr).missed, filtered / 100)

  def test_report_states_the_filter(self):
    _, info, said = self.record(self.trace, '--l4', 'tcp')
    filtered = sum(int(counts['filtered']) for counts in info['counts'])
    report = harness.correlate('report', self.trace).stdout.replace(',', '')
    self.assertIn(f'only --l4 tcp: {filtered} other events filtered out', report)
    self.assertEqual(json.loads(harness.correlate('report', '--json', self.trace).stdout)['filtered'], str(filtered))
    self.assertIn(f'kept out {filtered} of', said.replace(',', ''))
    self.assertIn(f'{filtered} filtered', harness.correlate('info', self.trace).stdout.replace(',', ''))


class Refusals(harness.RootTest):

  def refuse(self, status, *arguments):
    self.trace.write_text('an older trace')
    done = harness.correlate('record', '-o', self.trace, '--duration', '1ms', *arguments, check=False)
    self.assertEqual(done.returncode, status, f'{arguments}: {done.stderr}')
    self.assertEqual(self.trace.read_text(), 'an older trace')
    return done.stderr

  def test_values_that_cannot_be_meant(self):
    for option, value in (('--host', '10.0.0'), ('--host', '10.0.0.1/33'), ('--host', 'example.org'), ('--port', '65536'),
                          ('--l4', 'tcpp'), ('--program', 'tc_drop'), ('--ifname', 'a-name-of-16-chr')):
      self.assertIn(f"{option} '{value}'", self.refuse(harness.EXIT_USAGE, option, value))

  def test_with_no_enrich(self):
    for option, value in (('--ifname', 'lo'), ('--netns', '1'), ('--program', '1'), ('--reason', 'NO_SOCKET'),
                          ('--host', '::1'), ('--port', '1'), ('--l4', 'tcp')):
      self.assertIn('--no-enrich', self.refuse(harness.EXIT_USAGE, '--no-enrich', option, value))

  def test_events_without_companion(self):
    said = self.refuse(harness.EXIT_USAGE, '--ifname', 'lo', '-e', 'skb:kfree_skb', '-e', 'skb:consume_skb')
    self.assertIn('skb:consume_skb', said)
    self.assertIn('tells of no packet', self.refuse(harness.EXIT_USAGE, '--port', '1', '-e', 'xdp:xdp_exception'))
    self.refuse(harness.EXIT_USAGE, '--port', '1', '-e', 'bpf:bpf_prog_load')

  def test_program_without_a_look_at_hooks(self):
    self.assertIn('--attribution off', self.refuse(harness.EXIT_USAGE, '--program', '1', '--attribution', 'off'))

  def test_what_this_host_does_not_have(self):
    self.assertIn('NO_SOCKET?', self.refuse(harness.EXIT_FAILURE, '--reason', 'NO_SOCKETT'))
    self.assertIn('no such BPF program', self.refuse(harness.EXIT_FAILURE, '--program', '4294967295'))
    for netns in ('no-such-name', '/nonexistent/netns', '/etc/passwd', '17', '/proc/self/ns/mnt'):
      self.assertIn(f"--netns '{netns}'", self.refuse(harness.EXIT_FAILURE, '--netns', netns))

  def test_where_companion_programs_may_not_be_loaded(self):
    """CAP_BPF and CAP_SYS_ADMIN are what loading takes; without a filter the recording goes on."""
    self.trace.write_text('an older trace')
    command = [harness.SETPRIV, '--bounding-set=-sys_admin,-bpf', harness.CORRELATE, 'record', '-o', self.trace, '--duration',
               '1ms', '-e', 'skb:kfree_skb']
    done = harness.run([*command, '--ifname', 'lo'], check=False)
    self.assertEqual(done.returncode, harness.EXIT_FAILURE, done.stderr)
    self.assertIn('--ifname lo cannot hold without the companion BPF programs', done.stderr)
    self.assertEqual(self.trace.read_text(), 'an older trace')


if __name__ == '__main__':
  harness.main()
