#!/usr/bin/python3
"""`alert` on live events: the scenarios of the kernel's documentation raise it, and a replay of a recording of the same time
raises the same.
"""

import json
import pathlib
import select
import signal
import socket
import subprocess
import tempfile
import time

from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L

RULES = '''
rule {
  name: "exceptions"
  summary: "a broken data path"
  filter: "event == xdp:xdp_exception && netns == NETNS"
  by: "program" by: "reason" by: "device"
  window: "3s"
  severity: "critical"
  labels { key: "team" value: "net \\"core\\"" }
}
rule {
  name: "closed_port"
  filter: "event == skb:kfree_skb && reason == NO_SOCKET && netns == NETNS"
  window: "2s"
  above: 30
}
'''


class Alerts(harness.HostTest):

  def setUp(self):
    super().setUp()
    self.rules = self.folder / 'rules.textproto'
    self.lab = L.Lab()
    self.addCleanup(self.lab.close)
    self.netns = self.lab.far.inode  # others on the host drop packets, too
    self.rules.write_text(RULES.replace('NETNS', str(self.netns)))
    self.pins = self.lab.load()

  def ifindex(self):
    with self.lab.far.entered():
      return socket.if_nametoindex(f'far{L.XDP_NATIVE}')

  def start(self, *options, rules=None):
    process = harness.start([harness.CORRELATE, 'alert', '--rules', rules or self.rules, *options], stdout=subprocess.PIPE,
                            text=True)
    self.addCleanup(process.kill)
    harness.wait_for(lambda: 'watching by' in process.stderr_text() or process.poll() is not None, 'alert to begin')
    self.assertIsNone(process.poll(), process.stderr_text())
    return process

  def next_alert(self, process):
    ready, _, _ = select.select([process.stdout], [], [], harness.PATIENCE_S)
    self.assertTrue(ready, f'no alert came: {process.stderr_text()}')
    return json.loads(process.stdout.readline())

  def wait_for_a_second_to_begin(self):
    """What is sent now is all in one second."""
    time.sleep((1_100_000_000 - time.monotonic_ns() % 1_000_000_000) % 1_000_000_000 / 1e9)

  def stop(self, process, status=0):
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=30)
    self.assertEqual(process.returncode, status, process.stderr_text())
    return [json.loads(line) for line in rest.splitlines()]

  def send(self, link, port, times, data=b'payload'):
    for _ in range(times):
      self.lab.send(link, frame.udp(self.lab.ends(link), 4001, port, data))

  def test_exceptions_fire_and_are_over(self):
    program = self.lab.attach_xdp(self.lab.far, f'far{L.XDP_NATIVE}', 'native', self.pins / 'lab_xdp')
    process = self.start('-e', 'xdp:xdp_exception')
    self.wait_for_a_second_to_begin()
    began = time.time()
    self.send(L.XDP_NATIVE, L.PORT_ABORT, 20)
    alert = self.next_alert(process)
    self.assertLess(time.time() - began, 15)
    self.assertEqual((alert['status'], alert['rule'], alert['severity'], alert['events']),
                     ('firing', 'exceptions', 'critical', '20'))
    labels = alert['labels']
    self.assertEqual((labels['program'], labels['reason'], labels['team']),
                     (f'lab_xdp #{program}', 'XDP_ABORTED', 'net "core"'))
    self.assertIn(f'far{L.XDP_NATIVE} (netns ', labels['device'])
    event = alert['last_event']
    self.assertEqual(event['packet']['ifname'], f'far{L.XDP_NATIVE}')
    blamed, = event['attribution']['programs']
    self.assertEqual((blamed['id'], blamed['attachments'][0]['mode']), (program, 'native'))
    self.assertIn(f'--filter \'(event == xdp:xdp_exception && netns == {self.netns}) && program == {program} && ', alert['more'])
    over = self.next_alert(process)
    self.assertEqual((over['status'], over['labels']), ('resolved', labels))
    self.assertEqual(self.stop(process), [])

  def test_an_unknown_action_by_a_program_loaded_just_now(self):
    process = self.start()
    program = self.lab.attach_xdp(self.lab.far, f'far{L.XDP_NATIVE}', 'native', self.lab.load() / 'lab_xdp')
    time.sleep(0.5)
    self.send(L.XDP_NATIVE, L.PORT_UNKNOWN_ACTION, 5)
    alert = self.next_alert(process)
    self.assertEqual(alert['labels']['program'], f'lab_xdp #{program}')
    self.assertRegex(alert['labels']['reason'], r'42|UNKNOWN|XDP')
    changes = {(change['what'], change['id']) for change in alert['changes_before']}
    self.assertIn(('loaded', program), changes)
    self.assertIn(('attached', program), changes)
    self.stop(process)

  def test_a_transmit_that_fails(self):
    """veth raises no exception where XDP_TX fails (the other end has no XDP): xdp_bulk_tx counts a drop."""
    self.rules.write_text(f'''rule {{ name: "transmit" filter: "event == xdp:xdp_bulk_tx && fields.ifindex == {self.ifindex()}"
                              by: "event" by: "program" window: "2s" severity: "critical" }}''')
    program = self.lab.attach_xdp(self.lab.far, f'far{L.XDP_NATIVE}', 'native', self.pins / 'lab_xdp')
    process = self.start('-e', 'xdp:xdp_bulk_tx/drops > 0/')
    self.wait_for_a_second_to_begin()
    self.send(L.XDP_NATIVE, L.PORT_TX, 9)
    alert = self.next_alert(process)
    # Other namespaces may have a device of that number, too, with a program that is then another candidate.
    self.assertIn(f'lab_xdp #{program}', alert['labels']['program'].split(' or '))
    self.assertEqual(alert['events'], '9')
    event = alert['last_event']
    self.assertEqual((event['fields']['drops'], event['fields']['sent']), (1, 0))
    self.assertEqual(event['attribution']['evidence'], 'candidates')
    # Where all goes well nothing is counted.
    peer = self.lab.attach_xdp(self.lab.near, f'near{L.XDP_NATIVE}', 'native', self.pins / 'lab_xdp')
    self.assertNotEqual(peer, 0)
    self.assertEqual(self.next_alert(process)['status'], 'resolved')
    self.send(L.XDP_NATIVE, L.PORT_TX, 9)
    time.sleep(3)
    self.assertEqual(self.stop(process), [])

  def test_redirects_that_fail(self):
    program = self.lab.attach_xdp(self.lab.far, f'far{L.XDP_NATIVE}', 'native', self.pins / 'lab_xdp')
    self.rules.write_text(f'''rule {{ name: "redirect" filter: "event == xdp:xdp_redirect_err && program == {program}"
                              by: "program" by: "evidence" window: "2s" }}''')
    process = self.start('-e', 'xdp:xdp_redirect_err')
    self.wait_for_a_second_to_begin()
    self.send(L.XDP_NATIVE, L.PORT_REDIRECT_NOWHERE, 12)
    alert = self.next_alert(process)
    self.assertEqual((alert['labels'], alert['events']), ({'program': f'lab_xdp #{program}', 'evidence': 'event'}, '12'))
    self.assertEqual(alert['last_event']['fields']['err'], -22)
    self.stop(process)

  def test_a_filter_that_the_kernel_refuses(self):
    done = harness.correlate('alert', '-e', 'xdp:xdp_bulk_tx/nonsense > 0/', check=False)
    self.assertEqual(done.returncode, harness.EXIT_USAGE)
    self.assertIn("the kernel refuses the filter 'nonsense > 0'", done.stderr)

  def test_the_same_live_and_replayed(self):
    self.lab.attach_xdp(self.lab.far, f'far{L.XDP_NATIVE}', 'native', self.pins / 'lab_xdp')
    run = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace)
    process = self.start('--max-rate', '1000000')  # the same events, whole
    for times in (20, 50, 0, 0, 0, 50):
      # Two recorders take two times: away from where a second ends.
      time.sleep((1_300_000_000 - time.monotonic_ns() % 1_000_000_000) % 1_000_000_000 / 1e9)
      self.send(L.XDP_NATIVE, L.PORT_ABORT, times)
      self.send(L.PLAIN, L.PORT_CLOSED, times)
      time.sleep(0.5)
    time.sleep(3)
    live = self.stop(process)
    status, said = run.stop()
    self.assertEqual(status, 0, said)
    done = harness.correlate('alert', '--rules', self.rules, '--from', self.trace, '--json', '--exit-code', check=False)
    self.assertEqual(done.returncode, 3, done.stderr)
    replayed = [json.loads(line) for line in done.stdout.splitlines()]
    told = lambda alerts: [(alert['rule'], alert['status'], alert['labels'], alert['fired_ns'], alert.get('ended_ns'),
                            alert['events'], alert['count']) for alert in alerts]
    self.assertGreaterEqual(len(live), 6, live)
    # What only the end of a stream ends may differ.
    self.assertEqual(told(live), told(replayed)[:len(live)])
    for ours, theirs in zip(live, replayed):
      for key in ('first_ns', 'last_ns'):
        self.assertLess(abs(int(ours[key]) - int(theirs[key])), 50_000_000)

  def test_a_storm_counts_exactly_and_fires_in_time(self):
    self.rules.write_text('rule { name: "storm" filter: "event == skb:kfree_skb && reason == DEV_READY" by: "ifname" '
                          'window: "1h" above: 1000 } rule { name: "any" window: "2s" per_second: true above: 1000 }')
    process = self.start('--max-rate', '10')
    self.lab.storm(self.pins / 'lab_storm', 2000).wait()
    time.sleep(4)
    alerts = self.stop(process)
    self.assertIn('any', {alert['rule'] for alert in alerts}, process.stderr_text())
    report = process.stderr_text()
    self.assertNotIn('lost', report)

  def test_a_command_gets_it(self):
    got = self.folder / 'got'
    self.rules.write_text(f'''
      rule {{
        name: "closed"
        filter: "reason == NO_SOCKET && netns == {self.netns}"
        window: "1s"
        action {{ exec {{ command: "/usr/bin/tee" command: "-a" command: "{got}" }} }}
      }}''')
    process = self.start()
    self.send(L.PLAIN, L.PORT_CLOSED, 5)
    harness.wait_for(lambda: got.exists() and len(got.read_text().splitlines()) == 2, 'both')
    first, second = map(json.loads, got.read_text().splitlines())
    self.assertEqual((first['status'], second['status']), ('firing', 'resolved'))
    self.assertGreaterEqual(int(first['events']), 5)
    self.assertEqual(self.stop(process), [])  # stdout is for rules that print

  def test_rules_are_read_again(self):
    process = self.start()
    self.rules.write_text('rule { nonsense }')
    process.send_signal(signal.SIGHUP)
    harness.wait_for(lambda: 'the rules stay as they are' in process.stderr_text(), 'word of the mistake')
    self.send(L.PLAIN, L.PORT_CLOSED, 50)
    self.assertEqual(self.next_alert(process)['rule'], 'closed_port')
    self.rules.write_text(f'rule {{ name: "another" filter: "reason == NO_SOCKET && netns == {self.netns}" window: "1s" '
                          'above: 5 }')
    process.send_signal(signal.SIGHUP)
    over = self.next_alert(process)
    self.assertEqual((over['rule'], over['status']), ('closed_port', 'resolved'))
    self.send(L.PLAIN, L.PORT_CLOSED, 50)
    self.assertEqual(self.next_alert(process)['rule'], 'another')
    self.stop(process)

  def test_exit_code(self):
    if not harness.drop_reasons():
      self.skipTest('skb:kfree_skb tells no reasons here')
    process = self.start('--exit-code')
    self.send(L.PLAIN, L.PORT_CLOSED, 50)
    self.next_alert(process)
    self.stop(process, status=3)
    process = self.start('--exit-code')
    self.stop(process)


class Replays(harness.Test):

  def run_alert(self, *args):
    return harness.correlate('alert', *args, check=False)

  def test_a_mistake_is_told_before_anything_starts(self):
    path = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / 'rules'
    path.write_text('rule {\n  name: "a"\n  filtr: "x"\n}\n')
    done = self.run_alert('--rules', path)
    self.assertEqual(done.returncode, 2)
    self.assertIn(f'{path}:3:8: ', done.stderr)
    done = self.run_alert('--rules', path.with_name('none'))
    self.assertEqual(done.returncode, 1)
    done = self.run_alert('--check')
    self.assertEqual((done.returncode, '3 rules, nothing wrong' in done.stderr), (0, True))

  def test_the_example_is_what_is_built_in(self):
    folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
    (folder / 'rules').write_text(self.run_alert('--print-example').stdout)
    self.assertEqual(self.run_alert('--check', '--rules', folder / 'rules').returncode, 0)
    self.assertIn('message Rule {', self.run_alert('--print-schema').stdout)


if __name__ == '__main__':
  harness.main()
