#!/usr/bin/python3
"""`merge` and `diff` of recordings as users have them: parts of a ring, another host, the same file twice, damage."""

import json
import pathlib
import tempfile

from tests.integration import harness

TOP = pathlib.Path.cwd()


class Merge(harness.Test):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
    cls.demo = cls.folder / 'demo.pb'
    cls.many = cls.folder / 'many.pb'
    harness.run([TOP / 'tests/captures/write_trace', 'demo', cls.demo])
    harness.run([TOP / 'tests/fakes/make_trace', '20000', cls.many])

  def report(self, trace, *options):
    return json.loads(harness.correlate('report', '--json', trace, *options).stdout)

  def test_hosts(self):
    merged = self.folder / 'merged.pb'
    told = harness.correlate('merge', self.many, self.demo, '-o', merged).stderr
    # Each has read its clocks: what they differ by is the difference of when they were 0.
    zeros = []
    for trace in (self.many, self.demo):
      info = json.loads(harness.correlate('info', '--json', trace).stdout)
      clocks = info['clocks'][0] if isinstance(info['clocks'], list) else info['clocks']
      zeros.append((int(clocks['realtime_ns']) - int(clocks['monotonic_ns'])) / 1e9)
    apart = abs(zeros[0] - zeros[1])
    self.assertRegex(told, rf'the clock of \S+ \(CLOCK_MONOTONIC\) is {apart:.2f}\d* s (ahead of|behind) that of ')
    self.assertIn('2 files of 2 hosts', told)
    both = self.report(merged)
    alone = [self.report(self.demo), self.report(self.many)]
    self.assertEqual(sorted(both['hosts']), sorted(one['host'] for one in alone))
    for key in ('events', 'drops', 'xdp_exceptions', 'blamed'):
      self.assertEqual(int(both[key]), sum(int(one[key]) for one in alone), key)
    by_host = {group['host']: int(group['events']) for group in self.report(merged, '--by', 'host')['groups']}
    self.assertEqual(by_host, {one['host']: int(one['events']) for one in alone})
    for group in both['culprits']:
      self.assertIn(group['host'], both['hosts'])
    # Times are those of the wall clock, whatever each host's own clock said.
    first = {one['host']: one['culprits'][0]['first'][:19] for one in alone}
    for group in both['culprits']:
      self.assertEqual(group['first'][:10], first[group['host']][:10])
    text = harness.correlate('report', merged).stdout
    self.assertIn('2 hosts', text)
    self.assertIn(' of many-1', text)

  def test_the_same_file_twice_counts_once(self):
    merged = self.folder / 'twice.pb'
    told = harness.correlate('merge', self.many, self.many, '-o', merged).stderr
    self.assertIn('doubles left out', told)
    self.assertEqual(self.report(merged), self.report(self.many))

  def test_damage_is_told_and_the_rest_merged(self):
    damaged = self.folder / 'damaged.pb'
    data = bytearray(self.many.read_bytes())
    data[len(data) // 2] ^= 0xff
    damaged.write_bytes(data)
    done = harness.correlate('merge', damaged, self.demo, '-o', self.folder / 'rest.pb', check=False)
    self.assertEqual(done.returncode, 4)
    self.assertIn('damaged bytes', done.stderr)
    done = harness.correlate('report', '--json', self.folder / 'rest.pb', check=False)
    self.assertGreater(int(json.loads(done.stdout)['events']), 1001)

  def test_wrong_use(self):
    done = harness.correlate('merge', self.many, '-o', self.many, check=False)
    self.assertEqual(done.returncode, 2)
    self.assertEqual(self.report(self.many)['events'], '20000')
    (self.folder / 'nonsense').write_bytes(b'nonsense' * 100)
    done = harness.correlate('merge', self.folder / 'nonsense', '-o', self.folder / 'x.pb', check=False)
    self.assertEqual(done.returncode, 1)

  def test_diff(self):
    same = harness.correlate('diff', self.many, self.many, '--exit-code')
    self.assertIn('0 of ', same.stdout)
    done = harness.correlate('diff', self.demo, self.many, '--exit-code', '--json', check=False)
    self.assertEqual(done.returncode, 3, done.stderr)
    changes = json.loads(done.stdout)['changes']
    self.assertIn('new', {one['change'] for one in changes if 'program_3' in one['values']})
    self.assertEqual(harness.correlate('diff', self.demo, self.many).returncode, 0)
    cut = self.folder / 'cut.pb'
    cut.write_bytes(self.many.read_bytes()[:-100])
    self.assertEqual(harness.correlate('diff', cut, self.many, '--exit-code', check=False).returncode, 4)


if __name__ == '__main__':
  harness.main()
