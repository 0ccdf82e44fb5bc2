#!/usr/bin/python3
"""`report --html` in a real browser: what it shows, that everything follows a brush, a filter and the keyboard, and
that nothing in a trace becomes anything but text."""

import json
import os
import pathlib
import subprocess
import tempfile

from tests.integration import harness

TOP = pathlib.Path.cwd()
MOST_BYTES = 8 << 20
SCENARIOS = ('content', 'brush', 'keyboard', 'filter', 'phone', 'dark')
HOSTILE = '</script><img src=x onerror="document.title=\'owned\'">'


class Page(harness.Test):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
    cls.pages = {}
    cls.seen = {}

  def page(self, events, *options):
    key = (events, *options)
    if key not in self.pages:
      trace = self.folder / f'{events}.pb'
      if not trace.exists():
        harness.run([TOP / 'tests/fakes/make_trace', str(events), trace])
      page = self.folder / f'{events}{len(self.pages)}.html'
      subprocess.run([harness.CORRELATE, 'report', trace, '--html', page, *options], check=True, capture_output=True,
                     timeout=280)
      self.pages[key] = page
    return self.pages[key]

  def drive(self, page, scenario):
    """What the scenario saw. Of a page that several cases look at, all scenarios run in one browser."""
    scenarios = SCENARIOS if page == self.page(100_000) else (scenario,)
    if page not in self.seen:
      command = ['node', TOP / 'tests/page/drive.mjs', page, ','.join(scenarios)]
      shots = os.environ.get('SCREENSHOTS_IN')
      if shots:
        command.append(f'{shots}/{page.stem}-')
      done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=180, check=False)
      self.assertEqual(done.returncode, 0, done.stderr)
      self.seen[page] = json.loads(done.stdout)
    seen = self.seen[page][scenario]
    self.assertEqual(seen['problems'], [])
    return seen

  def report(self, events):
    return json.loads(harness.correlate('report', '--json', self.folder / f'{events}.pb').stdout)

  def test_shows_what_the_report_says(self):
    page = self.page(100_000)
    seen = self.drive(page, 'content')
    report = self.report(100_000)
    self.assertEqual(seen['title'], 'many-1: bpftrace-correlate')
    self.assertIn('8 BPF programs dropped or broke', seen['answer'])
    ours = {(f"{group['programs'][0]['name']} #{group['programs'][0]['id']}", group['verdict']): int(group['events'])
            for group in report['culprits']}
    shown = {(row[0], row[3]): int(row[4].replace(',', '')) for row in seen['culprits']}
    self.assertEqual(shown, ours)
    self.assertEqual(sum(int(row[2].replace(',', '')) for row in seen['nobody']),
                     sum(int(group['events']) for group in report['no_program']))
    self.assertEqual(seen['below'], 100_000)
    self.assertTrue(any('bpf' in kind.split() for _, kind in seen['flame']))
    self.assertTrue(any('kernel' in kind.split() for _, kind in seen['flame']))
    self.assertIn('return decide(skb);', [line.strip() for line in seen['hot']])
    self.assertGreaterEqual(len(seen['changes']), 8)

  def test_hostile_names_stay_text(self):
    seen = self.drive(self.page(100_000), 'content')
    self.assertEqual(seen['images'], 0)
    self.assertTrue(any(HOSTILE in row[0] for row in seen['culprits']), seen['culprits'])
    small = self.drive(self.page('small'), 'content')
    self.assertIn('1 XDP exception', small['head'])

  def test_everything_follows_the_brush(self):
    seen = self.drive(self.page(100_000), 'brush')
    self.assertAlmostEqual(seen['after']['below'] / seen['before']['below'], 0.25, delta=0.05)
    self.assertAlmostEqual(seen['after']['selected'], 0.25, delta=0.05)
    count = lambda rows: sum(int(row[1].replace(',', '')) for row in rows)
    self.assertEqual(count(seen['after']['programs']), seen['after']['below'])
    self.assertEqual(seen['again']['below'], seen['before']['below'])

  def test_keyboard(self):
    seen = self.drive(self.page(100_000), 'keyboard')
    self.assertLess(seen['belowAfterSlider'], seen['below'])
    self.assertIn(seen['sorted'], ('ascending', 'descending'))
    names = [row[0] for row in seen['programs']]
    self.assertIn(names, (sorted(names), sorted(names, reverse=True)))
    self.assertEqual(seen['chosen'], 'true')
    self.assertLess(seen['belowAfterChoice'], seen['below'])
    self.assertEqual(seen['topAfterEnter'], seen['frame'])
    self.assertEqual(seen['topAfterEscape'], 'all')

  def test_tables_filter(self):
    seen = self.drive(self.page(100_000), 'filter')
    self.assertEqual({row[0] for row in seen['culprits']}, {'program_3 #103'})

  def test_a_part_of_the_trace(self):
    seen = self.drive(self.page(100_000, '--filter', 'program == program_2', '--time', '+0.2,+0.4'), 'content')
    self.assertEqual({row[0] for row in seen['culprits']}, {'program_2 #102'})
    self.assertIn('--filter', seen['head'])
    self.assertLess(seen['below'], 5_000)

  def test_phone(self):
    seen = self.drive(self.page(100_000), 'phone')
    self.assertLessEqual(seen['scroll'], seen['width'])

  def test_dark(self):
    seen = self.drive(self.page(100_000), 'dark')
    self.assertNotEqual(seen['background'], 'rgb(255, 255, 255)')
    self.assertNotEqual(seen['background'], seen['text'])

  def test_size(self):
    for events in (10, 100_000, 10_000_000):
      page = self.page(events)
      seen = self.drive(page, 'content')
      size = page.stat().st_size
      print(f'{events} events: {size / 1e6:.2f} MB, first paint after {seen["first_paint_ms"]:.0f} ms', flush=True)
      self.assertLess(size, MOST_BYTES)
      self.assertEqual(seen['below'], events)

  def test_no_kernel_address(self):
    text = self.page(100_000).read_text()
    self.assertNotIn('ffffffff81', text)
    self.assertNotIn('ffff8881', text)
    self.assertNotIn(str(0xffffffff81000000)[:8], text)


if __name__ == '__main__':
  harness.main()
