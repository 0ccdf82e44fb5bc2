#!/usr/bin/python3
"""Attachments that come, change and go during a recording are in its trace, each from when to when; and the recorder
holds up nobody who takes a network namespace, a device, a program or a link away.
"""

import contextlib
import json
import os
import socket
import statistics
import time

from tests.integration import bpf_links
from tests.integration import harness
from tests.integration import lab as L

# How much later than it happened something may be seen that the kernel does not notify: the period of looks at
# everything, and what a busy host may hold the recorder up.
SEEN_WITHIN_NS = 3_000_000_000


def now_ns():
  return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


class Moment:
  """Something happened between two readings of the clock."""

  def __enter__(self):
    self.before_ns = now_ns()
    return self

  def __exit__(self, *_):
    self.after_ns = now_ns()


class AttachmentsTest(harness.HostTest):
  """Two namespaces joined by a veth pair: `near`, which is joined to our own as well, so that the kernel numbers it and
  notifies us, and `far`, which is not notified."""

  def setUp(self):
    super().setUp()
    self.stack = contextlib.ExitStack()
    self.addCleanup(self.stack.close)
    self.near = self.namespace('near')
    self.far = self.namespace('far')
    harness.run([harness.IP, 'link', 'add', f'at{os.getpid()}', 'type', 'veth', 'peer', 'name', 'home', 'netns', 'near'])
    self.stack.callback(harness.run, [harness.IP, 'link', 'del', f'at{os.getpid()}'], check=False)
    with self.near.entered():
      L.ip_commands('''link add near0 type veth peer name far0 netns far
                       link set near0 up''')
      harness.run([harness.TC, 'qdisc', 'add', 'dev', 'near0', 'clsact'])
    with self.far.entered():
      L.ip_commands('link set far0 up')
      harness.run([harness.TC, 'qdisc', 'add', 'dev', 'far0', 'clsact'])
    self.programs = self.load('attach')

  def namespace(self, name):
    namespace = L.Netns(name)
    closed = []

    def close():
      if not closed:
        namespace.close()
        closed.append(True)
    self.stack.callback(close)
    namespace.close_now = close
    return namespace

  def load(self, name):
    folder = harness.PINS / name
    harness.run([harness.BPFTOOL, 'prog', 'loadall', harness.BPF_OBJECT, folder])

    def unload():
      for pin in folder.iterdir():
        pin.unlink()
      folder.rmdir()
    self.stack.callback(unload)
    return folder

  def id_of(self, name):
    return json.loads(harness.run([harness.BPFTOOL, '-j', 'prog', 'show', 'pinned', self.programs / name]).stdout)['id']

  def recording(self):
    recording = harness.CommandRun(harness.CORRELATE, 'record', '-e', 'xdp:xdp_exception', '-o', self.trace)
    self.stack.callback(recording.process.kill)
    return recording

  def settle(self):
    """Until whatever happened was surely seen."""
    time.sleep(SEEN_WITHIN_NS / 1e9)

  def end(self, recording):
    status, stderr = recording.stop()
    self.assertEqual(status, 0, stderr)

  def attachments(self, program):
    """Where the trace has the program of lab.bpf.c, in order of time."""
    everything = json.loads(harness.correlate('programs', '--json', self.trace).stdout)['programs']
    found = [at for entry in everything if entry['id'] == self.ids[program] for at in entry['attachments']]
    return sorted(found, key=lambda at: int(at['seen_from_ns']))

  def only_attachment(self, program):
    found = self.attachments(program)
    self.assertEqual(len(found), 1, found)
    return found[0]

  def assert_came(self, attachment, moment):
    """It was absent before the moment, and seen soon after it."""
    self.assertIn('absent_before_ns', attachment)
    self.assertLess(int(attachment['absent_before_ns']), moment.after_ns)
    self.assertGreater(int(attachment['seen_from_ns']), moment.before_ns)
    self.assertLess(int(attachment['seen_from_ns']), moment.after_ns + SEEN_WITHIN_NS)

  def assert_went(self, attachment, moment):
    self.assertIn('absent_after_ns', attachment)
    self.assertLess(int(attachment['seen_to_ns']), moment.after_ns)
    self.assertGreater(int(attachment['seen_to_ns']), moment.before_ns - SEEN_WITHIN_NS)
    self.assertGreater(int(attachment['absent_after_ns']), moment.before_ns)
    self.assertLess(int(attachment['absent_after_ns']), moment.after_ns + SEEN_WITHIN_NS)

  def assert_stayed(self, attachment, moment):
    """It was still seen after the moment, and nothing says that it went."""
    self.assertNotIn('absent_after_ns', attachment)
    self.assertGreater(int(attachment['seen_to_ns']), moment.after_ns)

  def remember_ids(self, *programs):
    self.ids = {program: self.id_of(program) for program in programs}


class Changes(AttachmentsTest):

  def filter(self, namespace, device, command, pref, program):
    with namespace.entered():
      harness.run([harness.TC, 'filter', command, 'dev', device, 'ingress', 'pref', pref, 'handle', 1, 'bpf',
                   *(['direct-action', 'object-pinned', self.programs / program] if program else [])])

  def check_tc(self, namespace, device):
    self.remember_ids('lab_tc_verdict', 'lab_tc_mirror')
    recording = self.recording()
    self.settle()
    with Moment() as attached:
      self.filter(namespace, device, 'add', 10, 'lab_tc_verdict')
    self.settle()
    with Moment() as replaced:
      self.filter(namespace, device, 'replace', 10, 'lab_tc_mirror')
    self.settle()
    with Moment() as detached:
      self.filter(namespace, device, 'del', 10, None)
    self.settle()
    self.end(recording)
    first, second = self.only_attachment('lab_tc_verdict'), self.only_attachment('lab_tc_mirror')
    self.assertEqual((first['hook'], first['direction'], first['ifname'], first['netns_name'], first['pref'],
                      first['handle']), ('tc', 'ingress', device, namespace.name, 10, '0x1'))
    self.assert_came(first, attached)
    self.assert_went(first, replaced)
    self.assert_came(second, replaced)
    self.assert_went(second, detached)
    return attached, first

  def test_tc_where_the_kernel_notifies(self):
    attached, attachment = self.check_tc(self.near, 'near0')
    # Within the time in which notifications come, not that of the next look.
    self.assertLess(int(attachment['seen_from_ns']), attached.after_ns + 100_000_000)

  def test_tc_where_it_does_not(self):
    self.check_tc(self.far, 'far0')

  def test_a_filter_that_lived_a_moment_is_notified(self):
    self.remember_ids('lab_tc_verdict')
    recording = self.recording()
    self.settle()
    with Moment() as moment, self.near.entered():
      pin = self.programs / 'lab_tc_verdict'
      harness.run([harness.TC, '-batch', '-'], input=f'''filter add dev near0 ingress pref 10 handle 1 bpf da object-pinned {pin}
filter del dev near0 ingress pref 10 handle 1 bpf
''')
    self.settle()
    self.end(recording)
    found = self.only_attachment('lab_tc_verdict')
    self.assert_came(found, moment)
    self.assert_went(found, moment)

  def test_tcx_links(self):
    self.remember_ids('lab_tc_verdict', 'lab_storm', 'lab_tc_mirror')
    recording = self.recording()
    self.settle()
    with self.far.entered():
      index = _ifindex('far0')
      with Moment() as attached:
        first = bpf_links.Link(self.programs / 'lab_tc_verdict', index, bpf_links.TCX_INGRESS)
      self.stack.callback(first.close)
      self.settle()
      second = bpf_links.Link(self.programs / 'lab_storm', index, bpf_links.TCX_INGRESS)
      self.stack.callback(second.close)
    self.settle()
    with Moment() as updated:
      first.update(self.programs / 'lab_tc_mirror')
    self.settle()
    with Moment() as detached:
      second.detach()
    self.settle()
    with Moment() as closed:
      first.close()
    self.settle()
    self.end(recording)
    verdict, storm, mirror = (self.only_attachment(name) for name in self.ids)
    self.assertEqual([at['link_id'] for at in (verdict, storm, mirror)], [first.id, second.id, first.id])
    for attachment in (verdict, storm, mirror):
      self.assertEqual((attachment['hook'], attachment['direction'], attachment['ifname'], attachment['netns_name']),
                       ('tcx', 'ingress', 'far0', 'far'))
    self.assert_came(verdict, attached)
    self.assert_went(verdict, updated)
    self.assertEqual((verdict['position'], verdict['positions']), (1, 2))
    self.assert_went(storm, detached)
    self.assertEqual(storm['position'], 2)
    self.assert_came(mirror, updated)
    self.assert_went(mirror, closed)

  def test_xdp(self):
    self.remember_ids('lab_xdp')
    recording = self.recording()
    self.settle()
    with self.near.entered():
      with Moment() as attached:
        harness.run([harness.IP, 'link', 'set', 'dev', 'near0', 'xdpgeneric', 'pinned', self.programs / 'lab_xdp'])
      self.settle()
      with Moment() as detached:
        harness.run([harness.IP, 'link', 'set', 'dev', 'near0', 'xdpgeneric', 'off'])
      self.settle()
      with Moment() as linked:
        link = bpf_links.Link(self.programs / 'lab_xdp', _ifindex('near0'), bpf_links.XDP, bpf_links.XDP_FLAGS_DRV_MODE)
      self.stack.callback(link.close)
    self.settle()
    self.end(recording)
    found = self.attachments('lab_xdp')
    self.assertEqual([at['mode'] for at in found], ['generic', 'native'], found)
    self.assert_came(found[0], attached)
    self.assert_went(found[0], detached)
    self.assert_came(found[1], linked)
    self.assert_stayed(found[1], linked)
    self.assertEqual(found[1]['link_id'], link.id)

  def test_a_device_is_renamed_and_moved(self):
    self.remember_ids('lab_xdp')
    with self.near.entered():
      L.ip_commands('link add wanderer type veth peer name stays')
      link = bpf_links.Link(self.programs / 'lab_xdp', _ifindex('wanderer'), bpf_links.XDP,
                            bpf_links.XDP_FLAGS_SKB_MODE)
    self.stack.callback(link.close)
    recording = self.recording()
    self.settle()
    with Moment() as renamed, self.near.entered():
      L.ip_commands('link set wanderer name traveller')
    self.settle()
    with Moment() as moved, self.near.entered():
      L.ip_commands('link set traveller netns far')
    self.settle()
    self.end(recording)
    found = self.attachments('lab_xdp')
    self.assertEqual([(at['ifname'], at['netns_name']) for at in found],
                     [('wanderer', 'near'), ('traveller', 'near'), ('traveller', 'far')], found)
    self.assert_went(found[0], renamed)
    self.assert_came(found[1], renamed)
    self.assert_went(found[1], moved)
    self.assert_came(found[2], moved)
    self.assert_stayed(found[2], moved)

  def test_a_namespace_comes_and_goes(self):
    self.remember_ids('lab_tc_verdict')
    recording = self.recording()
    self.settle()
    brief = self.namespace('brief')
    with brief.entered():
      L.ip_commands('link add there type veth peer name back')
      harness.run([harness.TC, 'qdisc', 'add', 'dev', 'there', 'clsact'])
    with Moment() as attached:
      self.filter(brief, 'there', 'add', 10, 'lab_tc_verdict')
    self.settle()
    with Moment() as gone:
      brief.close_now()
    self.settle()
    self.end(recording)
    found = self.only_attachment('lab_tc_verdict')
    self.assertEqual(found['netns_name'], 'brief')
    self.assertGreater(int(found['seen_from_ns']), attached.before_ns)
    self.assertLess(int(found['seen_from_ns']), attached.after_ns + SEEN_WITHIN_NS)
    self.assertLess(int(found['seen_to_ns']), gone.after_ns)

  def test_the_end_of_a_namespace_with_a_number_is_notified(self):
    self.remember_ids('lab_tc_verdict')
    brief = self.namespace('brief')
    outside = f'br{os.getpid()}'
    harness.run([harness.IP, 'link', 'add', outside, 'type', 'veth', 'peer', 'name', 'there', 'netns', 'brief'])
    self.assertTrue(_device_exists(outside))
    with brief.entered():
      harness.run([harness.TC, 'qdisc', 'add', 'dev', 'there', 'clsact'])
    self.filter(brief, 'there', 'add', 10, 'lab_tc_verdict')
    recording = self.recording()
    self.settle()
    with Moment() as gone:
      brief.close_now()
      harness.wait_for(lambda: not _device_exists(outside), 'the end of the namespace')
    self.settle()
    self.end(recording)
    self.assert_went(self.only_attachment('lab_tc_verdict'), gone)

  def test_a_namespace_that_only_links_lead_to(self):
    """No name and no process: only the iterator over links can tell."""
    self.remember_ids('lab_tc_verdict')
    hidden = L.Netns()
    with hidden.entered():
      L.ip_commands('link add there type veth peer name back')
      link = bpf_links.Link(self.programs / 'lab_tc_verdict', _ifindex('there'), bpf_links.TCX_EGRESS)
      inode = hidden.inode
    self.stack.callback(link.close)
    hidden.release_process()
    self.stack.callback(os.close, hidden.fd)  # held by this descriptor from here on
    recording = self.recording()
    self.settle()
    self.end(recording)
    found = self.only_attachment('lab_tc_verdict')
    self.assertEqual((found['hook'], found['direction'], found['ifname'], found['netns'], found['link_id']),
                     ('tcx', 'egress', 'there', str(inode), link.id))

  def test_this_tools_own_program_is_marked(self):
    self.remember_ids()
    recording = self.recording()
    self.settle()
    self.end(recording)
    everything = json.loads(harness.correlate('programs', '--json', self.trace).stdout)['programs']
    self.assertIn('list_links', [entry.get('name') for entry in everything if entry.get('ours')])


class Obstacles(AttachmentsTest):

  def obstacles(self):
    """What stands beside programs on the hooks of near0, as (kind, direction, pref)."""
    return [(at['kind'], at['direction'], at['pref'])
            for at in json.loads(harness.correlate('programs', '--json').stdout)['obstacles'] if at['ifname'] == 'near0']

  def tc(self, *arguments):
    with self.near.entered():
      return harness.run([harness.TC, *arguments], check=False).returncode == 0

  def test_classifiers_and_actions_without_bpf(self):
    pin = self.programs / 'lab_tc_verdict'
    self.assertTrue(self.tc('filter', 'add', 'dev', 'near0', 'ingress', 'pref', 2, 'bpf', 'da', 'object-pinned', pin))
    self.assertEqual(self.obstacles(), [])
    redirect = ('action', 'mirred', 'egress', 'redirect', 'dev', 'home')
    if not self.tc('filter', 'add', 'dev', 'near0', 'ingress', 'pref', 1, 'u32', 'match', 'u32', 0, 0, *redirect):
      self.skipTest('no u32 or no mirred in this kernel')
    self.assertTrue(self.tc('filter', 'add', 'dev', 'near0', 'ingress', 'pref', 3, 'bpf', 'object-pinned', pin, *redirect))
    self.assertTrue(self.tc('filter', 'add', 'dev', 'near0', 'egress', 'pref', 4, 'bpf', 'bytecode', '1,6 0 0 0,',
                            'flowid', '1:1'))
    self.assertEqual(self.obstacles(),
                     [('u32', 'ingress', 1), ('action mirred', 'ingress', 3), ('classic BPF', 'egress', 4)])

  def test_a_shared_block(self):
    self.assertTrue(self.tc('qdisc', 'del', 'dev', 'near0', 'clsact'))
    if not self.tc('qdisc', 'add', 'dev', 'near0', 'ingress_block', 7, 'clsact'):
      self.skipTest('no shared blocks in this kernel')
    self.assertTrue(self.tc('filter', 'add', 'block', 7, 'pref', 5, 'bpf', 'da', 'object-pinned',
                            self.programs / 'lab_tc_verdict'))
    self.assertEqual(self.obstacles(), [('shared block', 'ingress', 0)])
    text = harness.correlate('programs').stdout
    self.assertIn('\tshared block 7 at tc ingress on near0 (netns near)\n', text)
    self.assertIn('\ttc ingress pref 5 handle 0x1 on near0 (netns near)\n', text)


class Words(AttachmentsTest):

  def test_programs_says_it_in_the_words_that_users_know(self):
    verdict, mirror = self.programs / 'lab_tc_verdict', self.programs / 'lab_tc_mirror'
    with self.near.entered():
      harness.run([harness.TC, 'filter', 'add', 'dev', 'near0', 'ingress', 'pref', 49152, 'handle', 1, 'bpf',
                   'direct-action', 'object-pinned', verdict])
      index = _ifindex('near0')
      links = [bpf_links.Link(pin, index, bpf_links.TCX_INGRESS) for pin in (verdict, mirror)]
    for link in links:
      self.stack.callback(link.close)
    text = harness.correlate('programs').stdout
    self.assertIn('\ttc ingress pref 49152 handle 0x1 on near0 (netns near)\n', text)
    self.assertIn(f'\ttcx/ingress #2 of 2 on near0 (netns near), link {links[1].id}\n', text)


class Teardown(AttachmentsTest):
  """A pod: a namespace with a veth pair to ours, clsact with a program, a tcx link whose owner goes."""

  ROUNDS = 15
  MOST_S = 3.0  # the kernel itself takes some 50 ms; a recorder that held on would take for ever

  def pod(self, number):
    pod = L.Netns(f'pod{number}')
    outside = f'pod{os.getpid() % 100000}o{number}'
    harness.run([harness.IP, 'link', 'add', outside, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pod.name])
    self.assertTrue(_device_exists(outside))
    with pod.entered():
      harness.run([harness.TC, 'qdisc', 'add', 'dev', 'eth0', 'clsact'])
      index = _ifindex('eth0')
    folder = harness.PINS / f'pod{number}'
    harness.run([harness.BPFTOOL, 'prog', 'loadall', harness.BPF_OBJECT, folder])
    with pod.entered():
      harness.run([harness.TC, 'filter', 'add', 'dev', 'eth0', 'ingress', 'bpf', 'direct-action', 'object-pinned',
                   folder / 'lab_tc_verdict'])
      link = bpf_links.Link(folder / 'lab_tc_mirror', index, bpf_links.TCX_INGRESS)
    ids = {json.loads(harness.run([harness.BPFTOOL, '-j', 'prog', 'show', 'pinned', pin]).stdout)['id']
           for pin in folder.iterdir()}
    return pod, outside, folder, link, ids

  def tear_down(self, pod, outside, folder, link, ids):
    """The seconds until namespace, device, programs and link are really gone."""
    for pin in folder.iterdir():
      pin.unlink()
    folder.rmdir()
    begin = time.monotonic()
    pod.close()
    link.close()

    def gone():
      return not _device_exists(outside) and not any(map(bpf_links.program_exists, ids))
    while not gone():
      self.assertLess(time.monotonic() - begin, harness.PATIENCE_S, 'something is still held')
      time.sleep(0.001)
    return time.monotonic() - begin

  def rounds(self):
    taken = []
    for number in range(self.ROUNDS):
      pod = self.pod(number)
      time.sleep(0.05 + 0.02 * number)  # at all points of the recorder's period
      taken.append(self.tear_down(*pod))
    return taken

  def test_takes_as_long_as_without_a_recorder(self):
    without = self.rounds()
    recording = self.recording()
    during = self.rounds()
    self.end(recording)
    print(f'\nteardown of a pod: median {statistics.median(without) * 1e3:.0f} ms without a recorder, '
          f'{statistics.median(during) * 1e3:.0f} ms beside one; longest {max(without) * 1e3:.0f} and '
          f'{max(during) * 1e3:.0f} ms')
    self.assertLess(max(during), max(self.MOST_S, 3 * max(without)))


def _device_exists(name):
  """In our own namespace."""
  try:
    socket.if_nametoindex(name)
  except OSError:
    return False
  return True


def _ifindex(name):
  """In the namespace that the caller is in; /sys shows that of its mount."""
  return json.loads(harness.run([harness.IP, '-json', 'link', 'show', 'dev', name]).stdout)[0]['ifindex']


if __name__ == '__main__':
  harness.main()
