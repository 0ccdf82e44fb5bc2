#!/usr/bin/python3
"""From a broken packet to somebody who is told: the whole way through Prometheus and Alertmanager, and our own actions."""

import contextlib
import json
import os
import time

from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L
from tests.prometheus import servers

WITHIN_S = 15


class DeliveryTest(harness.HostTest):

  def setUp(self):
    super().setUp()
    os.environ['no_proxy'] = '127.0.0.1'
    self.lab = L.Lab()
    self.addCleanup(self.lab.close)
    self.device = f'far{L.XDP_NATIVE}'
    self.rules = self.folder / 'rules'
    self.program = self.lab.attach_xdp(self.lab.far, self.device, 'native', self.lab.load() / 'lab_xdp')

  def write_rule(self, *actions, window='3s'):
    actions = ' '.join(f'action {{ {action} }}' for action in actions)
    self.rules.write_text(f'''
      rule {{
        name: "exceptions" summary: "a broken data path" severity: "critical"
        filter: "event == xdp:xdp_exception && netns == {self.lab.far.inode}"
        by: "program" by: "device" by: "reason" window: "{window}"
        labels {{ key: "team" value: "core" }}
        {actions}
      }}''')

  def start(self, *options):
    process = harness.start([harness.CORRELATE, 'alert', '--rules', self.rules, *options],
                            stdout=open(self.folder / 'alerts', 'w'))
    self.addCleanup(process.kill)
    harness.wait_for(lambda: 'watching by' in process.stderr_text() or process.poll() is not None, 'alert to begin')
    self.assertIsNone(process.poll(), process.stderr_text())
    return process

  def stop(self, process):
    process.terminate()
    self.assertEqual(process.wait(harness.PATIENCE_S), 0, process.stderr_text())

  def break_packets(self, times=10, port=L.PORT_ABORT):
    for _ in range(times):
      self.lab.send(L.XDP_NATIVE, frame.udp(self.lab.ends(L.XDP_NATIVE), 4001, port, b'payload'))


class WholeWay(DeliveryTest):

  def test_through_prometheus_and_alertmanager_and_without(self):
    told = servers.Receiver(self)  # by the Alertmanager
    called = servers.Receiver(self)  # by ourselves
    alertmanager = servers.Alertmanager(self, self.folder / 'alertmanager', webhook=told.url)
    self.write_rule(f'webhook {{ url: "{called.url}/hook" }}', f'alertmanager {{ url: "{alertmanager.url}" resend: "2s" }}')
    port = servers.free_port()
    process = self.start('--listen', f'127.0.0.1:{port}')
    # What takes five minutes to be over there shall take seconds here.
    rules = harness.correlate('alert', '--print-rules').stdout
    (self.folder / 'prometheus_rules.yaml').write_text(
        rules.replace('[5m]', '[10s]').replace('offset 5m', 'offset 10s').replace('time() - 300', 'time() - 10'))
    prometheus = servers.Prometheus(self, self.folder / 'prometheus', [f'127.0.0.1:{port}'],
                                    rules=self.folder / 'prometheus_rules.yaml', alertmanager=alertmanager)
    harness.wait_for(lambda: prometheus.query('up offset 10s == 1'), 'Prometheus to have looked for a while')

    began = time.time()
    self.break_packets()
    harness.wait_for(lambda: called.got, 'our webhook')
    ours = called.got[0][0] - began
    self.assertLess(ours, WITHIN_S)
    alert = called.bodies()[0]
    self.assertEqual((alert['status'], alert['severity'], alert['labels']['program'], alert['labels']['team']),
                     ('firing', 'critical', f'lab_xdp #{self.program}', 'core'))
    self.assertIn(self.device, alert['labels']['device'])

    def alerts_told(status, name):
      return [(when, alert) for when, _, _, body in told.got for alert in body['alerts']
              if (alert['status'], alert['labels']['alertname']) == (status, name)]
    harness.wait_for(lambda: alerts_told('firing', 'exceptions'), 'our alert from the Alertmanager')
    harness.wait_for(lambda: alerts_told('firing', 'XdpExceptions'), "Prometheus' alert from the Alertmanager")
    through_us = alerts_told('firing', 'exceptions')[0][0] - began
    through_prometheus = alerts_told('firing', 'XdpExceptions')[0][0] - began
    self.assertLess(through_us, WITHIN_S)
    self.assertLess(through_prometheus, WITHIN_S)
    labels = alerts_told('firing', 'XdpExceptions')[0][1]['labels']
    self.assertEqual((labels['program'], labels['device'], labels['reason']), ('lab_xdp', self.device, 'XDP_ABORTED'))
    print(f'webhook {ours:.1f} s, Alertmanager {through_us:.1f} s, Prometheus and Alertmanager {through_prometheus:.1f} s')

    harness.wait_for(lambda: alerts_told('resolved', 'exceptions'), 'its end')
    harness.wait_for(lambda: alerts_told('resolved', 'XdpExceptions'), "the end of Prometheus' alert")
    self.assertEqual([body['status'] for body in called.bodies()], ['firing', 'resolved'])
    self.stop(process)

  def test_every_query_of_the_dashboard_finds_something(self):
    called = servers.Receiver(self)
    self.write_rule(f'webhook {{ url: "{called.url}/" }}')
    port = servers.free_port()
    process = self.start('--listen', f'127.0.0.1:{port}')
    prometheus = servers.Prometheus(self, self.folder / 'prometheus', [f'127.0.0.1:{port}'])
    for _ in range(6):  # so that there are rates
      self.break_packets()
      self.lab.send(L.PLAIN, frame.udp(self.lab.ends(L.PLAIN), 4001, L.PORT_CLOSED, b'payload'))
      time.sleep(0.5)
    dashboard = json.loads((harness.TOP / 'docs/grafana-dashboard.json').read_text())
    for query in servers.dashboard_queries(dashboard):
      with self.subTest(query):
        with contextlib.suppress(AssertionError):
          harness.wait_for(lambda: prometheus.query(query), query)
        self.assertTrue(prometheus.query(query))
    self.stop(process)


class Faults(DeliveryTest):

  def test_a_webhook_that_fails_and_comes_back(self):
    """Nothing is lost, nothing comes twice, and nobody waits."""
    plan = [500, 503, None, 200]
    called = servers.Receiver(self, answer=lambda number: plan[number] if number < len(plan) else 200)
    self.write_rule('print {}', f'webhook {{ url: "{called.url}/" timeout: "2s" }}')
    process = self.start()
    self.break_packets()
    harness.wait_for(lambda: len(called.got) >= 5, 'four tries, and the end')
    time.sleep(1)
    self.assertEqual([body['status'] for body in called.bodies()], ['firing'] * 4 + ['resolved'])
    times = [when for when, _, _, _ in called.got]
    for pause, wait in zip((later - earlier for earlier, later in zip(times, times[1:])), (1, 2, 4)):
      self.assertGreater(pause, wait * 0.9)
    # Alerts told elsewhere did not wait.
    printed = [json.loads(line) for line in (self.folder / 'alerts').read_text().splitlines()]
    self.assertEqual([alert['status'] for alert in printed], ['firing', 'resolved'])
    self.assertIn('answers again', process.stderr_text())
    self.stop(process)

  def test_what_a_webhook_refuses(self):
    called = servers.Receiver(self, answer=400)
    self.write_rule(f'webhook {{ url: "{called.url}/" }}')
    process = self.start()
    self.break_packets()
    harness.wait_for(lambda: len(called.got) == 2, 'both')
    self.assertEqual([body['status'] for body in called.bodies()], ['firing', 'resolved'])
    self.assertIn('refuses an alert: 400', process.stderr_text())
    self.stop(process)

  def test_an_alertmanager_that_is_down_slow_and_back(self):
    port = servers.free_port()
    self.write_rule(f'alertmanager {{ url: "http://127.0.0.1:{port}" resend: "1s" timeout: "1s" }}', window='5s')
    process = self.start()
    self.break_packets()
    harness.wait_for(lambda: 'alerts wait until it takes them' in process.stderr_text(), 'word of it')
    slow = servers.Receiver(self, port=port, delay_s=3)  # slower than we wait
    harness.wait_for(lambda: slow.got, 'a try')
    slow.stop()
    self.break_packets()
    alertmanager = servers.Alertmanager(self, self.folder / 'alertmanager', port=port)
    harness.wait_for(alertmanager.alerts, 'the alert, once it is back')
    (alert,) = alertmanager.alerts()
    self.assertEqual((alert['labels']['alertname'], alert['labels']['severity'], alert['labels']['team']),
                     ('exceptions', 'critical', 'core'))
    self.assertEqual(alert['labels']['program'], f'lab_xdp #{self.program}')
    self.assertIn('record', alert['annotations']['more'])
    # It goes on with it after a restart, and ends what is over.
    alertmanager.stop()
    self.break_packets()
    alertmanager = servers.Alertmanager(self, self.folder / 'alertmanager2', port=port)
    harness.wait_for(alertmanager.alerts, 'the alert, after a restart')
    harness.wait_for(lambda: not alertmanager.alerts(), 'its end')
    self.stop(process)

  def test_an_alertmanager_that_answers_500_and_400(self):
    plan = [500, 400]
    manager = servers.Receiver(self, answer=lambda number: plan[number] if number < len(plan) else 200)
    self.write_rule(f'alertmanager {{ url: "{manager.url}" resend: "2s" }}', window='8s')
    process = self.start()
    self.break_packets()
    is_over = lambda when, alert: harness.seconds_of(alert['endsAt']) <= when
    harness.wait_for(lambda: manager.got and is_over(manager.got[-1][0], manager.got[-1][3][0]), 'its end')
    time.sleep(3)
    self.assertEqual({path for _, path, _, _ in manager.got}, {'/api/v2/alerts'})
    self.assertEqual({len(body) for body in manager.bodies()}, {1})
    alerts = [(when, body[0]) for when, _, _, body in manager.got]
    told = {(alert['startsAt'], json.dumps(alert['labels'], sort_keys=True)) for _, alert in alerts}
    self.assertEqual(len(told), 1, alerts)
    over = [is_over(when, alert) for when, alert in alerts]
    self.assertEqual(over, [False] * (len(over) - 1) + [True], 'told that it is over once, at the end')
    self.assertGreaterEqual(len(over), 5)
    self.assertIn('refuses one of 1 alerts', process.stderr_text())
    self.stop(process)

  def test_over_tls_with_a_token(self):
    certificate, _, context = servers.make_certificate(self.folder)
    token = self.folder / 'token'
    token.write_text('first\n')
    called = servers.Receiver(self, context=context)
    self.write_rule(f'webhook {{ url: "{called.url}/" ca_file: "{certificate}" bearer_token_file: "{token}" }}')
    process = self.start()
    self.break_packets()
    harness.wait_for(lambda: called.got, 'the alert')
    token.write_text('second')
    harness.wait_for(lambda: len(called.got) == 2, 'its end')
    self.assertEqual([headers['Authorization'] for _, _, headers, _ in called.got], ['Bearer first', 'Bearer second'])
    self.stop(process)
    # Whom nobody vouches for is not told.
    self.write_rule(f'webhook {{ url: "{called.url}/" }}')
    process = self.start()
    self.break_packets()
    harness.wait_for(lambda: 'alerts wait until it takes them' in process.stderr_text(), 'word of it')
    self.assertRegex(process.stderr_text(), '(?i)certificate')
    self.assertEqual(len(called.got), 2)
    self.stop(process)


class Snapshots(DeliveryTest):

  def test_what_came_before_is_in_a_file(self):
    snapshot = self.folder / 'snapshot.pb'
    self.write_rule('print {}', f'snapshot {{ file: "{snapshot}" keep: "10s" most_files: 2 }}')
    process = self.start()
    time.sleep(1)
    self.break_packets(17)
    alerts = self.folder / 'alerts'
    harness.wait_for(lambda: alerts.read_text().count('\n') >= 2, 'the alert and its end')
    fired = json.loads(alerts.read_text().splitlines()[0])
    self.assertEqual(fired['snapshot'], f'{snapshot}.000001')
    report = json.loads(harness.correlate('report', '--json', fired['snapshot']).stdout)
    self.assertIn('lab_xdp', json.dumps(report))
    events = [event for event in harness.script(fired['snapshot']) if event['event'] == 'xdp:xdp_exception'
              and event['packet']['netns'] == str(self.lab.far.inode)]
    self.assertEqual(len(events), 17)
    self.stop(process)


if __name__ == '__main__':
  harness.main()
