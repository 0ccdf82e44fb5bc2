#!/usr/bin/python3
"""Two XDP programs behind a dispatcher of libxdp, which xdp-loader attaches: which of them dropped? Run as
`tools/vm -- python3 -m tests.vm.dispatcher_test`, in a guest alone.
"""

import collections
import socket
import time
import unittest

from tests.integration import harness

PACKETS = 100
PARTS = harness.TOP / 'tests/vm/parts.bpf.o'
LOADER = '/usr/sbin/xdp-loader'


class Dispatcher(harness.HostTest):

  def setUp(self):
    super().setUp()
    for command in ('ip netns add far', 'ip link add near0 type veth peer name far0 netns far',
                    'ip address add 10.9.0.1/24 dev near0', 'ip link set near0 up', 'ip -n far address add 10.9.0.2/24 dev far0',
                    'ip -n far link set far0 up', 'ip -n far link set lo up'):
      harness.run(command.split())
    self.addCleanup(harness.run, ['ip', 'netns', 'delete', 'far'])
    harness.mount('bpf', '/sys/fs/bpf', 'bpf')  # private, like all mounts of this test
    self.addCleanup(harness.run, ['umount', '/sys/fs/bpf'])
    harness.run(['ping', '-c', '1', '-W', '5', '10.9.0.2'])  # the neighbours know each other

  def load(self, program, mode):
    self.in_far(LOADER, 'load', '-m', mode, '-n', program, 'far0', PARTS)

  def in_far(self, *command):
    # Not by `ip netns exec`, which hides the BPF file system, where libxdp keeps what it knows.
    harness.run(['nsenter', '--net=/run/netns/far', *command])

  def send(self):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
      for _ in range(PACKETS):
        sender.sendto(b'packet', ('10.9.0.2', 7000))
        time.sleep(0.001)

  def record(self, mode, *programs, options=()):
    for program in programs:
      self.load(program, mode)
    recorder = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace, *options)
    self.send()
    time.sleep(0.2)
    status, said = recorder.stop()
    self.assertEqual(status, 0, said)
    print(said, flush=True)
    print(harness.correlate('report', '-i', self.trace).stdout, flush=True)
    ours = [event for event in harness.script(self.trace)
            if event['event'].startswith('xdp:') or event.get('packet', {}).get('dport') == 7000]
    return ours

  def blamed(self, events, name):
    """How often which programs were named, by evidence, for events of that name."""
    count = collections.Counter()
    for event in events:
      if event['event'] == name:
        attribution = event['attribution']
        count[attribution['evidence'], *sorted(program.get('name', '?') for program in attribution['programs'])] += 1
    return dict(count)

  def assert_blamed(self, events, name, evidence, *programs):
    """All but a few by that evidence: an emulated CPU may stand still for longer than a note holds. Then less is said, and the
    one is still among those named."""
    blamed = self.blamed(events, name)
    self.assertEqual(sum(blamed.values()), PACKETS, blamed)
    self.assertGreaterEqual(blamed.get((evidence, *programs), 0), PACKETS * 0.9, blamed)
    for other, *named in blamed:
      if (other, *named) != (evidence, *programs):
        self.assertTrue(other == 'none' or set(programs) <= set(named), blamed)

  def test_by_verdict_the_part_is_named(self):
    for mode in ('native', 'skb'):
      with self.subTest(mode=mode):
        events = self.record(mode, 'pass_all', 'drop_udp', options=['--attribution', 'verdict'])
        self.assert_blamed(events, 'skb:kfree_skb', 'verdict', 'drop_udp')
        program = events[-1]['attribution']['programs'][0]
        self.assertTrue(program['attachments'][0]['dispatcher_id'], program)
        self.in_far(LOADER, 'unload', 'far0', '--all')

  def test_without_verdicts_both_are_candidates(self):
    events = self.record('native', 'pass_all', 'drop_udp')
    self.assert_blamed(events, 'skb:kfree_skb', 'candidates', 'drop_udp', 'pass_all')

  def test_of_one_program_nobody_else_can_be_it(self):
    events = self.record('native', 'drop_udp')
    self.assert_blamed(events, 'skb:kfree_skb', 'sole', 'drop_udp')

  def test_exceptions(self):
    events = self.record('native', 'pass_all', 'abort_udp', options=['--attribution', 'verdict'])
    self.assert_blamed(events, 'xdp:xdp_exception', 'event', 'abort_udp')
    self.assert_blamed(events, 'skb:kfree_skb', 'verdict', 'abort_udp')


if __name__ == '__main__':
  harness.main()
