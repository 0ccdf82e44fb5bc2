#!/usr/bin/python3
"""`import` of what `perf record` wrote, in each way in which it writes, against `perf script` on the same file."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from tests.integration import harness
from tests.integration import lab as L
from tests.integration import perf_data_2018
from tests.integration import perf_data_swap

EVENTS = ('-e', 'skb:kfree_skb', '-e', 'xdp:xdp_exception')
PLAIN = ('-a', '-k', 'CLOCK_MONOTONIC', '--kernel-callchains', '-g')


def comparable(text):
  """Lines of `perf script` and of ours without what they write differently: blanks, modules behind frames, and the
  tracepoint's own frame at a leaf, which ours leaves out (it is there where a tracepoint has several listeners)."""
  lines = []
  for line in text.splitlines():
    line = line.strip()
    if not line or line.startswith('=> ') or ' __traceiter_' in line:
      continue
    lines.append(re.sub(r'\s+', ' ', re.sub(r' \(\[?[^()]*\)$', '', line)))
  return lines


class Import(harness.Test):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))

  def record(self, name, *options, to_stdout=False):
    """perf records the demo; its file."""
    path = self.folder / name
    command = ['perf', 'record', *PLAIN, *options, *EVENTS, '-o', '-' if to_stdout else str(path), '--',
               harness.CORRELATE, 'demo']
    with open(path if to_stdout else os.devnull, 'wb') as out:
      subprocess.run(command, stdout=out, stderr=subprocess.PIPE, check=True)
    return path

  def perf_script(self, path):
    fields = 'comm,tid,cpu,time,event,trace,ip,sym,symoff'
    script = subprocess.run(['perf', 'script', '-F', fields, '-i', str(path)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, errors='replace')
    self.assertEqual(script.returncode, 0, script.stderr[-1000:])
    return comparable(script.stdout)

  def imported(self, path, *options):
    trace = path.with_suffix('.pb')
    harness.correlate('import', path, '-o', trace, *options)
    return trace

  def expect_equal(self, path, trace):
    theirs = self.perf_script(path)
    ours = comparable(harness.correlate('script', trace).stdout)
    self.assertGreater(sum('kfree_skb: ' in line for line in theirs), 700)
    self.assert_same(ours, theirs)

  def assert_same(self, ours, theirs):
    self.assertEqual(len(ours), len(theirs))
    for our, their in zip(ours, theirs):
      # At times perf does not find a program that went away again, of which its own file tells.
      if their.endswith(' [unknown]') and ' bpf_prog_' in our:
        our, their = our.split()[0], their.split()[0]
      self.assertEqual(our, their)

  def test_file(self):
    path = self.record('file.data')
    trace = self.imported(path)
    self.expect_equal(path, trace)
    report = json.loads(harness.correlate('report', '--json', trace).stdout)
    blamed = {(group['programs'][0]['name'], group['evidence']): int(group['events'])
              for group in report['culprits']}
    self.assertEqual(blamed, {('xdp_abort', 'event'): 250, ('tc_mirror', 'stack'): 250})
    info = json.loads(harness.correlate('info', '--json', trace).stdout)
    self.assertEqual(info['host']['hostname'], os.uname().nodename)
    self.assertTrue(any('attached' in note for note in info['notes']), info['notes'])

  def test_programs_that_were_there_before(self):
    """perf tells of them twice: by records without a time, and with their lines at the file's end."""
    lab = L.Lab()
    self.addCleanup(lab.close)
    lab.load()
    path = self.folder / 'before.data'
    harness.run(['perf', 'record', *PLAIN, *EVENTS, '-o', path, '--', 'true'])
    programs = json.loads(harness.correlate('programs', '--json', self.imported(path)).stdout)['programs']
    ids = [program['id'] for program in programs]
    self.assertEqual(len(ids), len(set(ids)))
    functions = {program['name']: program['functions'] for program in programs if program['name'].startswith('lab_')}
    self.assertGreater(len(functions), 4)
    for name, known in functions.items():
      self.assertTrue(known[0]['file'].endswith('lab.bpf.c'), name)

  def test_compressed(self):
    path = self.record('compressed.data', '-z')
    self.expect_equal(path, self.imported(path))

  def test_pipe(self):
    path = self.record('pipe.data', to_stdout=True)
    trace = self.imported(path)
    # perf does not name the location in pipe mode.
    bare = lambda lines: [re.sub(r'location=\S+', 'location', line) for line in lines]
    self.assert_same(bare(comparable(harness.correlate('script', trace).stdout)), bare(self.perf_script(path)))
    with open(path, 'rb') as stream:
      piped = subprocess.run([harness.CORRELATE, 'import', '-', '-o', '-'], stdin=stream, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, check=True).stdout
    from_pipe = self.folder / 'from_pipe.pb'
    from_pipe.write_bytes(piped)
    self.assertEqual(harness.correlate('script', from_pipe).stdout, harness.correlate('script', trace).stdout)

  def test_other_events_are_left_out_and_counted(self):
    # Compared are the kernel's alone: perf 6.12 cannot read what it wrote itself (EFAULT at a KSYMBOL) where samples of
    # user space stand between programs that come and go.
    for name, event in (('clock.data', 'cpu-clock'), ('kernel_clock.data', 'cpu-clock:k')):
      path = self.record(name, '-e', event)
      result = harness.correlate('import', path, '-o', path.with_suffix('.pb'))
      left_out = int(re.search(r'(\d+) of other events left out', result.stderr).group(1))
      self.assertGreater(left_out, 0)
    theirs = [line for line in self.perf_script(path) if re.search(r' (skb:kfree_skb|xdp:xdp_exception): ', line)]
    ours = [line for line in comparable(harness.correlate('script', path.with_suffix('.pb')).stdout)
            if re.search(r' (skb:kfree_skb|xdp:xdp_exception): ', line)]
    self.assertEqual(ours, theirs)

  def test_other_byte_order(self):
    path = self.record('native.data')
    swapped = self.folder / 'swapped.data'
    swapped.write_bytes(perf_data_swap.swapped(path.read_bytes()))
    trace = self.imported(swapped)
    theirs = self.perf_script(path)
    ours = comparable(harness.correlate('script', trace).stdout)
    self.assertGreater(len(theirs), 10_000)
    self.assert_same(ours, theirs)

  def test_of_2018(self):
    """Programs have no names there, and no frames on callchains: their ids are all that XDP exceptions tell."""
    path = self.record('new.data')
    old = self.folder / 'old.data'
    old.write_bytes(perf_data_2018.as_of_2018(path.read_bytes()))
    trace = self.imported(old)
    events = lambda lines: [line for line in lines if re.search(r' (skb:kfree_skb|xdp:xdp_exception): ', line)]
    theirs = events(self.perf_script(old))
    self.assertGreater(len(theirs), 700)
    self.assertEqual(events(comparable(harness.correlate('script', trace).stdout)), theirs)
    report = json.loads(harness.correlate('report', '--json', trace).stdout)
    self.assertEqual([(len(group['programs']), group['evidence'], group['events']) for group in report['culprits']],
                     [(1, 'event', '250')])
    self.assertEqual(report['culprits'][0]['attachments_of_program'], [])

  def test_kallsyms_of_another_boot_are_not_used(self):
    path = self.record('boot.data')
    other = self.folder / 'kallsyms'
    other.write_text('ffffffff70000000 T _text\nffffffff70000100 T elsewhere\n')
    trace = self.imported(path, '--kallsyms', other)
    self.assertNotIn('elsewhere', harness.correlate('script', trace).stdout)
    info = json.loads(harness.correlate('info', '--json', trace).stdout)
    self.assertTrue(any('another boot' in note for note in info['notes']), info['notes'])

  def test_what_is_no_perf_data_leaves_no_trace(self):
    path = self.folder / 'nonsense'
    path.write_bytes(b'nonsense' * 100)
    result = subprocess.run([harness.CORRELATE, 'import', path, '-o', self.folder / 'none.pb'], stderr=subprocess.PIPE,
                            text=True, check=False)
    self.assertEqual(result.returncode, 1)
    self.assertIn('PERFILE2', result.stderr)
    self.assertFalse((self.folder / 'none.pb').exists())


if __name__ == '__main__':
  harness.main()
