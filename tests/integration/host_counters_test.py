#!/usr/bin/python3
"""What the kernel counts by itself, in the trace and in `report --counters`, compared with what was sent and with ip(8)."""

import json

from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L

TIMES = 50
FAR = f'far{L.XDP_NATIVE}'


class HostCounters(harness.HostTest):

  def setUp(self):
    super().setUp()
    self.lab = L.Lab()
    self.addCleanup(self.lab.close)
    self.program = self.lab.attach_xdp(self.lab.far, FAR, 'native', self.lab.load() / 'lab_xdp')

  def record(self, *options):
    run = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace, *options)
    for _ in range(TIMES):
      self.lab.send(L.XDP_NATIVE, frame.udp(self.lab.ends(L.XDP_NATIVE), 4001, L.PORT_ABORT))
      self.lab.send(L.PLAIN, frame.udp(self.lab.ends(L.PLAIN), 4001, L.PORT_CLOSED))
    status, said = run.stop()
    self.assertEqual(status, 0, said)

  def lines(self, **wanted):
    report = json.loads(harness.correlate('report', '--counters', '--json', self.trace).stdout)
    return [line for line in report['counters'] if all(line.get(key) == value for key, value in wanted.items())]

  def test_xdp_drops_of_a_driver_and_the_drops_seen_there(self):
    self.record()
    line, = self.lines(source='ethtool', ifname=FAR, counter='rx_queue_0_xdp_drops')
    self.assertEqual(int(line['increase']), TIMES)
    self.assertGreaterEqual(int(line['drops_seen']), TIMES)
    self.assertEqual(line['unseen'], '0')

  def test_what_was_not_recorded_is_unseen(self):
    self.record('-e', 'skb:kfree_skb', '--port', '1')
    line, = self.lines(source='ethtool', ifname=FAR, counter='rx_queue_0_xdp_drops')
    self.assertEqual((line['increase'], line['drops_seen'], line['unseen']), (str(TIMES), '0', str(TIMES)))
    text = harness.correlate('report', '--counters', self.trace).stdout
    self.assertRegex(text, rf'{FAR} \(netns \d+\) +rx_queue_0_xdp_drops +{TIMES} +0 +{TIMES} .*attached there: lab_xdp '
                     rf'#{self.program}\n')
    self.assertIn("Only drops that passed the recording's filters are seen.", text)

  def test_devices_and_protocols_of_each_namespace(self):
    self.record()
    packets, = self.lines(source='device', ifname=f'far{L.PLAIN}', counter='rx_packets')
    self.assertGreaterEqual(int(packets['increase']), TIMES)
    closed = self.lines(source='snmp', counter='Udp.NoPorts')
    self.assertIn(TIMES, [int(line['increase']) for line in closed])
    self.assertTrue(self.lines(source='softnet', counter='processed'))
    # As ip(8) has it, which began with the device.
    with self.lab.far.entered():
      shown, = json.loads(harness.run([harness.IP, '-s', '-json', 'link', 'show', f'far{L.PLAIN}']).stdout)
    self.assertGreaterEqual(shown['stats64']['rx']['packets'], int(packets['increase']))

  def test_a_filter_has_no_place(self):
    self.record()
    done = harness.correlate('report', '--counters', '--filter', 'cpu == 0', self.trace, check=False)
    self.assertEqual(done.returncode, 2)
    self.assertIn('--counters: not with --time or --filter', done.stderr)

  def test_redaction_hides_the_names_of_devices(self):
    self.record()
    shared = self.folder / 'shared.pb'
    harness.correlate('export', self.trace, '--format', 'trace', '--redact', 'names', '-o', shared)
    self.assertNotIn(FAR, harness.correlate('report', '--counters', '--json', shared).stdout)


if __name__ == '__main__':
  harness.main()
