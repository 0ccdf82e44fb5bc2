#!/usr/bin/python3
"""Rings of files and flight recorders: each file is a trace that stands alone, and together they hold each drop once."""

import itertools
import json
import os
import re
import signal
import subprocess
import time

from tests.integration import harness
from tests.integration import lab as L
from tests.integration import storms

TERMS = ('written', 'only_counted', 'lost', 'missed', 'filtered')


class AlwaysOnTest(storms.StormTest):

  def files(self):
    return sorted(self.trace.parent.glob(f'{self.trace.name}.*'))

  def info(self, file):
    done = harness.correlate('info', '--json', file)
    return json.loads(done.stdout)

  def report(self, file):
    return json.loads(harness.correlate('report', '--json', file).stdout)

  def of_storm(self, report):
    return sum(int(row['events']) for row in report['culprits'] if [p['name'] for p in row['programs']] == ['lab_storm'])

  def assert_stands_alone(self, file):
    """Its info and its report."""
    info, report = self.info(file), self.report(file)
    self.assertEqual(info['host']['hostname'], os.uname().nodename)
    self.assertIn('end', info, file)
    self.assertTrue(info['clocks'], file)
    self.assertGreater(info['programs'], 0)
    self.assertEqual(info['written'].get('skb:kfree_skb', '0'),
                     str(sum(int(cpu['written']) for cpu in info['counts'] if cpu['event'] == 'skb:kfree_skb')))
    for cpu in info['counts']:
      self.assertEqual(int(cpu['counted']), sum(int(cpu[term]) for term in TERMS), cpu)
    rows = [*report['culprits'], *report['no_program']]
    self.assertEqual(sum(int(row['events']) for row in rows), int(report['drops']) + int(report['xdp_exceptions']), report)
    script = subprocess.Popen([harness.CORRELATE, 'script', '--json', file], stdout=subprocess.PIPE)
    for line in itertools.islice(script.stdout, 50):
      self.assertTrue({'time_ns', 'lost'} & json.loads(line).keys(), line)
    script.stdout.close()
    script.wait(harness.PATIENCE_S)
    return info, report


class Ring(AlwaysOnTest):

  def ring(self, body, *options):
    """(What body gave, the files, what stderr said, what perf counted around it)."""
    counter = harness.CommandRun(harness.PERF, 'stat', '-a', '-x', ';', '-e', 'skb:kfree_skb')
    recorder = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace, *options)
    made = body()
    status, said = recorder.stop()
    self.assertEqual(status, 0, said)
    return made, self.files(), said, int(counter.stop()[1].split(';')[0])

  def storms_for_a_while(self, most_s=3):
    made, begin = 0, time.monotonic()
    while time.monotonic() < begin + most_s:
      made += self.storm_on_all_cpus()
    return made

  def assert_adds_up(self, made, files, said, perf):
    self.assertFalse(self.trace.exists(), 'all is in numbered files')
    infos, reports = zip(*map(self.assert_stands_alone, files))
    self.assertEqual([info['part'] for info in infos], list(range(1, len(files) + 1)))
    # Which kind it was that was lost just then is not always known; how many were is, below.
    self.assertAlmostEqual(sum(self.of_storm(report) for report in reports), made, delta=2 * len(files))
    line = harness.LastLine(said)
    for name in ('lost', 'missed', 'only_counted'):
      self.assertEqual(sum(int(cpu[name]) for info in infos for cpu in info['counts']), getattr(line, name), name)
    counted = sum(int(report['drops']) for report in reports)
    self.assertLessEqual(counted, perf)
    self.assertLess(perf - counted, 2_000)
    # All in one stream are one trace.
    whole = self.trace.parent / 'whole'
    whole.write_bytes(b''.join(file.read_bytes() for file in files))
    _, report = self.assert_stands_alone(whole)
    self.assertEqual(int(report['drops']), counted)
    self.assertAlmostEqual(self.of_storm(report), made, delta=2 * len(files))
    print(f'{made} made, {counted} counted in {len(files)} files; perf counted {perf}', flush=True)
    return infos

  def test_by_size(self):
    made, files, said, perf = self.ring(self.storms_for_a_while, '--rotate-size', '300K')
    self.assertGreater(len(files), 2)
    infos = self.assert_adds_up(made, files, said, perf)
    self.assertEqual({info['end']['reason'] for info in infos[:-1]}, {'the next file follows'})
    self.assertEqual(infos[-1]['end']['reason'], 'command ended')
    self.assertIn(f'{files[0]} to {files[-1]} ]', said.splitlines()[-1])

  def test_most_are_only_counted(self):
    """Of a kind nothing may be written into a file in which it is counted."""
    made, files, said, perf = self.ring(self.storms_for_a_while, '--rotate-time', '1', '--max-rate', '300')
    self.assertGreater(len(files), 1)
    self.assert_adds_up(made, files, said, perf)

  def test_full_rings(self):
    made, files, said, perf = self.ring(self.storms_for_a_while, '--rotate-time', '1', '--ring-size', '64K')
    self.assertGreater(harness.LastLine(said).lost, 0)
    self.assert_adds_up(made, files, said, perf)

  def test_by_time_with_a_limit(self):
    """A recording that begins anew goes on behind what is there; what is no trace is left alone."""
    other = self.trace.parent / f'{self.trace.name}.000001'
    other.write_text('somebody else wrote this, and it is no trace at all\n')
    for name in ('x', '000', '00000a'):
      (self.trace.parent / f'{self.trace.name}.{name}').write_text('nor is this\n')
    for _ in range(2):
      done = harness.correlate('record', '-o', self.trace, '--rotate-time', '1', '--max-files', '2', '--duration', '2500ms')
      self.assertRegex(done.stderr.splitlines()[-1], r'\.00000\d to .*\.00000\d \]$')
    names = [file.name.removeprefix(self.trace.name) for file in self.files()]
    self.assertEqual(names, ['.000', '.000001', '.000006', '.000007', '.00000a', '.x'])
    for file in self.files()[2:4]:
      self.assert_stands_alone(file)
      self.assertEqual(file.stat().st_mode & 0o777, 0o600)

  def test_killed(self):
    """What was written until then is there, with totals, in the file in hand as well."""
    process = harness.start([harness.CORRELATE, 'record', '-o', self.trace, '--rotate-time', '3', '--ready-fd', '1'],
                            stdout=subprocess.PIPE)
    self.assertEqual(process.stdout.readline(), b'ready\n')
    process.stdout.close()
    made = self.storm_on_all_cpus()
    harness.wait_for(lambda: len(self.files()) == 2, 'the second file')
    time.sleep(1.3)
    process.kill()
    process.wait()
    files = self.files()
    self.assertEqual(len(files), 2)
    self.assert_stands_alone(files[0])
    last = harness.correlate('report', '--json', files[1], check=False)
    self.assertEqual(last.returncode, harness.EXIT_DAMAGED, last.stderr)
    self.assertIn('cut short', last.stderr)
    self.assertEqual(self.of_storm(self.report(files[0])), made)
    self.assertGreater(sum(int(cpu['counted']) for cpu in json.loads(
        harness.correlate('info', '--json', files[1], check=False).stdout)['counts']) + 1, 0)


  def test_full_disk(self):
    """The files that are there hold what they say, and the one in hand ends with a whole chunk."""
    harness.mount('none', self.folder, 'tmpfs', options='size=600k')
    self.addCleanup(harness.run, ['/bin/umount', self.folder])
    recorder = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace, '--rotate-size', '200K')
    self.storms_for_a_while()
    status, said = recorder.stop()
    self.assertEqual(status, harness.EXIT_RECORD_FAILURE, said)
    self.assertIn('No space left on device', said)
    *whole, last = self.files()
    self.assertTrue(whole)
    for file in whole:
      self.assert_stands_alone(file)
    done = harness.correlate('info', last, check=False)
    self.assertEqual(done.returncode, harness.EXIT_DAMAGED, done.stderr)
    self.assertNotIn('bytes are damaged', done.stderr)


class Snapshots(AlwaysOnTest):

  def begin(self, *options):
    process = harness.start([harness.CORRELATE, 'record', '-o', self.trace, '--ready-fd', '1', *options], stdout=subprocess.PIPE)
    self.assertEqual(process.stdout.readline(), b'ready\n', process.stderr_text())
    process.stdout.close()
    return process

  def end(self, process):
    process.send_signal(signal.SIGINT)
    self.assertEqual(process.wait(harness.PATIENCE_S), 0, process.stderr_text())
    return process.stderr_text()

  def wait_for_files(self, number):
    harness.wait_for(lambda: len(self.files()) == number and self.files()[-1].stat().st_size > 0, f'{number} files')

  def test_at_a_signal(self):
    recorder = self.begin('--snapshot-on', 'USR1', '--snapshot-on', 'SIGHUP')
    made = self.storm_on_all_cpus()
    time.sleep(0.3)
    self.assertEqual(self.files(), [], 'nothing is written before')
    recorder.send_signal(signal.SIGUSR1)
    self.wait_for_files(1)
    time.sleep(0.2)
    more = self.storm_on_all_cpus()
    time.sleep(0.3)
    recorder.send_signal(signal.SIGHUP)
    self.wait_for_files(2)
    said = self.end(recorder)
    self.assertIn('SIGUSR1 came: the last', said)
    self.assertIn('2 snapshots: ', said.splitlines()[-1])
    (first, report), (second, later) = map(self.assert_stands_alone, self.files())
    self.assertEqual(first['end']['reason'], 'snapshot: SIGUSR1 came')
    self.assertEqual((first['part'], second['part']), (1, 2))
    self.assertEqual(self.of_storm(report), made)
    self.assertEqual(self.of_storm(later), more, 'and nothing of the first one')

  def test_only_the_last_seconds(self):
    recorder = self.begin('--snapshot-on', 'USR2', '--snapshot-time', '2')
    self.storm_on_all_cpus()
    time.sleep(5.5)
    made = self.storm_on_all_cpus()
    time.sleep(0.3)
    recorder.send_signal(signal.SIGUSR2)
    self.wait_for_files(1)
    self.end(recorder)
    _, report = self.assert_stands_alone(self.files()[0])
    self.assertEqual(self.of_storm(report), made)

  def test_only_so_much_memory(self):
    recorder = self.begin('--snapshot-on', 'USR1', '--snapshot-size', '100K')
    for _ in range(6):
      self.storm_on_all_cpus()
      time.sleep(0.6)
    recorder.send_signal(signal.SIGUSR1)
    self.wait_for_files(1)
    self.end(recorder)
    info, _ = self.assert_stands_alone(self.files()[0])
    self.assertTrue([note for note in info['notes'] if re.match(r'the memory for the last 30.00 s held .* of them', note)], info)

  def test_at_an_event(self):
    recorder = self.begin('--snapshot-on', 'skb:kfree_skb>50000')
    time.sleep(2.2)
    self.assertEqual(self.files(), [], 'a quiet host')
    made = self.storm_on_all_cpus()
    self.wait_for_files(1)
    time.sleep(1.5)
    self.storm_on_all_cpus()
    time.sleep(1.5)
    said = self.end(recorder)
    self.assertEqual(len(self.files()), 1, 'one for what lasts')
    self.assertRegex(said, r'skb:kfree_skb in 1.* s: the last')
    _, report = self.assert_stands_alone(self.files()[0])
    self.assertGreater(self.of_storm(report), made / 10)

  def test_none_asked_for(self):
    self.assertIn('-> no snapshot was asked for ]', self.end(self.begin('--snapshot-on', 'USR1')))
    self.assertEqual(self.files(), [])


class Refused(harness.RootTest):

  def test_what_does_not_go_together(self):
    for options, word in (
        (('--rotate-size', '1M', '--snapshot-on', 'USR1'), 'one or the other'),
        (('--max-files', '3'), '--rotate-size'),
        (('--rotate-time', '1m', '-o', '-'), 'stdout'),
        (('--rotate-time', '10ms'), 'a second at least'),
        (('--rotate-size', '0'), 'no room'),
        (('--snapshot-on', 'KILL'), 'USR1, USR2 or HUP'),
        (('--snapshot-on', 'skb:kfree_skb>many'), 'skb:kfree_skb>many'),
        (('--snapshot-on', 'net:netif_rx'), 'not recorded'),
    ):
      output = () if '-o' in options else ('-o', self.trace)
      done = harness.correlate('record', '--duration', '1ms', *output, *options, check=False)
      self.assertEqual(done.returncode, harness.EXIT_USAGE, (options, done.stderr))
      self.assertIn(word, done.stderr)
      self.assertEqual(list(self.trace.parent.iterdir()), [])


if __name__ == '__main__':
  harness.main()
