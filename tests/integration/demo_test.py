#!/usr/bin/python3
"""The demo: names each of its programs, and leaves nothing behind however it ends."""

import json
import re
import signal
import time

from tests.integration import harness

PROGRAMS = ('xdp_abort', 'tc_drop', 'tc_mirror')


class Demo(harness.HostTest):

  def start(self, *options):
    return harness.start([harness.CORRELATE, 'demo', *options], stdout=open(self.folder / 'stdout', 'w'))

  def start_until_it_sends(self, *options):
    demo = self.start(*options)
    harness.wait_for(lambda: 'sending and recording' in demo.stderr_text(), 'the demo to send')
    time.sleep(0.1)
    self.assertIsNone(demo.poll(), 'it ended before it could be disturbed')
    return demo

  def test_report_names_each_program(self):
    done = harness.correlate('demo', '-o', self.trace)
    for name, evidence in (('xdp_abort', 'event'), ('tc_mirror', 'stack'), ('tc_drop', 'sole')):
      lines = [line for line in done.stdout.splitlines() if line.startswith(name)]
      self.assertTrue(any(line.split()[-2] == evidence for line in lines), lines)

    sent = int(re.search(r'(\d+) packets of each of 4 kinds sent', done.stderr).group(1))
    ids = {name: int(number) for name, number in re.findall(r'  (\w+) #(\d+), ', done.stderr)}
    self.assertEqual(set(ids), set(PROGRAMS))
    blamed = {name: 0 for name in PROGRAMS}
    for event in harness.script(self.trace):
      attribution = event.get('attribution', {})
      if attribution.get('evidence') == 'verdict':
        continue  # the free of a packet whose exception is an event of its own
      for program in attribution.get('programs', ()):
        blamed[program['name']] += program['id'] == ids.get(program['name'])
    self.assertEqual(blamed, {name: sent for name in PROGRAMS})

  def test_programs_of_the_trace_name_their_places(self):
    harness.correlate('demo', '-o', self.trace)
    programs = json.loads(harness.correlate('programs', '--json', self.trace).stdout)['programs']
    places = {program['name']: [(at['hook'], at['ifname'], at['netns_name']) for at in program['attachments']]
              for program in programs if program.get('name') in PROGRAMS}
    self.assertEqual(places, {
        'xdp_abort': [('xdp', 'veth-red', 'red')],
        'tc_drop': [('tc', 'veth-red', 'red')],
        'tc_mirror': [('tc', 'veth-blue', 'blue')],
    })

  def test_signals_end_it_with_its_report(self):
    for number in (signal.SIGINT, signal.SIGTERM):
      with self.subTest(signal=number.name):
        demo = self.start_until_it_sends('-o', self.trace)
        demo.send_signal(number)
        self.assertEqual(demo.wait(harness.PATIENCE_S), 0, demo.stderr_text())
        self.assertIn('interrupted', demo.stderr_text())
        self.assertIn('xdp_abort', (self.folder / 'stdout').read_text())
        harness.script(self.trace)

  def test_kill_leaves_nothing(self):
    demo = self.start_until_it_sends()
    demo.kill()
    demo.wait()  # what the host must not have then is seen after the case

  def test_two_at_once(self):
    demos = []
    for number in range(2):
      demos.append(self.start('-o', self.folder / f'{number}.pb'))
    for number, demo in enumerate(demos):
      self.assertEqual(demo.wait(harness.PATIENCE_S), 0, demo.stderr_text())
      ids = {name: int(identity) for name, identity in re.findall(r'  (\w+) #(\d+), ', demo.stderr_text())}
      sent = int(re.search(r'(\d+) packets of each', demo.stderr_text()).group(1))
      events = harness.script(self.folder / f'{number}.pb')
      own = [event for event in events if event['event'] == 'xdp:xdp_exception' and
             event['fields']['prog_id'] == ids['xdp_abort']]
      self.assertEqual(len(own), sent)


if __name__ == '__main__':
  harness.main()
