#!/usr/bin/python3
"""Others at the same tracepoint lose nothing because of us: a `perf record` and a bpftrace through our start, a storm and our stop,
again and again. The same without us tells their own losses from ours.
"""

import collections
import mmap
import os
import re
import signal
import struct
import subprocess
import threading
import time
import unittest

from tests.integration import harness
from tests.integration import lab as L
from tests.integration import perf_data_file
from tests.integration import storms

BPFTRACE = '/usr/bin/bpftrace'
EVENT = 'skb:kfree_skb'
RECORDERS = (['record'], ['record', '--attribution', 'verdict', '-e', EVENT, '-e', 'bpf:*'], ['record', '--no-enrich'])

PERF_RECORD_SAMPLE = 9
LOST_AT = {2: 8, 13: 0}  # PERF_RECORD_LOST, PERF_RECORD_LOST_SAMPLES: where their number stands
ATTEMPTS = 3  # a machine that is busy with something else makes perf lose as well, now and then

Seen = collections.namedtuple('Seen', 'made counted perf perf_lost bpftrace ours')


@unittest.skipUnless(os.path.exists(BPFTRACE), 'no bpftrace here')
class Neighbours(storms.StormTest):

  def start_bpftrace(self):
    script = f'tracepoint:{EVENT} {{ @ = count(); }} BEGIN {{ printf("begun\\n"); }}'
    process = harness.start([BPFTRACE, '-e', script], stdout=subprocess.PIPE, text=True)
    self.addCleanup(process.stdout.close)
    self.addCleanup(process.kill)
    for line in process.stdout:
      if line == 'begun\n':
        return process
    raise unittest.SkipTest(f'bpftrace does not start: {process.stderr_text()}')

  def stop_bpftrace(self, process):
    process.send_signal(signal.SIGINT)
    process.wait(harness.PATIENCE_S)
    return int(re.search(r'@: (\d+)', process.stdout.read()).group(1))

  def perf_totals(self, file):
    """Samples that perf record wrote, and what it says it lost. Counted by the records' headers: `perf report` ends at the first KSYMBOL
    record that the kernel made too long, as it does for the older of two recorders, whoever they are (docs/kernel.md)."""
    with open(file, 'rb') as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
      samples, lost = 0, collections.Counter()
      for kind, _, body in perf_data_file.records(data):
        if kind == PERF_RECORD_SAMPLE:
          samples += 1
        elif kind in LOST_AT:
          lost[kind] += struct.unpack_from('<Q', body, LOST_AT[kind])[0]
    return samples, max(lost.values(), default=0)  # two ways of telling the same

  def come_and_go(self, stop, starts):
    """Our recorders, one after the other, each for a moment, until `stop`."""
    while not stop.is_set():
      command = RECORDERS[len(starts) % len(RECORDERS)]
      done = harness.run([harness.CORRELATE, *command, '-o', self.trace, '--duration', '700ms'], check=False)
      starts.append(done.returncode)

  def watch(self, with_us):
    data = self.folder / 'perf.data'
    watcher = self.start_bpftrace()
    recorder = harness.CommandRun(harness.PERF, 'record', '-q', '-a', '-m', '64M', '-e', EVENT, '-o', data)
    counter = harness.CommandRun(harness.PERF, 'stat', '-a', '-x', ';', '-e', EVENT)
    stop, starts = threading.Event(), []
    ours = threading.Thread(target=self.come_and_go, args=(stop, starts))
    if with_us:
      ours.start()
    made = 0
    try:
      begun = time.monotonic()
      while (elapsed := time.monotonic() - begun) < 6 or (with_us and len(starts) < len(RECORDERS) + 1 and
                                                          elapsed < harness.PATIENCE_S):
        made += self.end_storms(self.begin_storms(runs=10))
        time.sleep(0.05)
    finally:
      stop.set()
      if with_us:
        ours.join()
    counted = int(counter.stop()[1].split(';')[0])
    status, said = recorder.stop()
    self.assertEqual(status, 0, said)
    seen = Seen(made, counted, *self.perf_totals(data), self.stop_bpftrace(watcher), starts)
    print(f'{"beside us" if with_us else "without us"}: {seen}', flush=True)
    return seen

  def test_nothing_is_lost_because_of_us(self):
    for _ in range(ATTEMPTS):
      without, beside = self.watch(with_us=False), self.watch(with_us=True)
      self.assertGreater(len(beside.ours), len(RECORDERS))
      self.assertEqual(set(beside.ours), {0})
      for seen in (without, beside):
        self.assertGreaterEqual(seen.counted, seen.made)
        # bpftrace was there before the counter and after it.
        self.assertGreaterEqual(seen.bpftrace, seen.counted)
        self.assertGreaterEqual(seen.perf + seen.perf_lost, seen.counted)
      if not without.perf_lost and not beside.perf_lost:
        return
    if without.perf_lost:
      self.skipTest(f'perf loses {without.perf_lost} of {without.counted} here without us')
    self.fail(f'perf lost {beside.perf_lost} of {beside.counted} beside us, each of {ATTEMPTS} times')

  def test_what_begins_beside_us_is_whole_for_perf_too(self):
    """Its records of programs that come and go, in a ring that has gone round, are as they would be without us."""
    data = self.folder / 'perf.data'
    ours = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace)
    recorder = harness.CommandRun(harness.PERF, 'record', '-q', '-a', '-m', '1M', '-e', EVENT, '-o', data)
    for _ in range(4):
      self.end_storms(self.begin_storms(runs=10))
      harness.run([harness.CORRELATE, 'doctor', '--load'], check=False)
    status, said = recorder.stop()
    self.assertEqual(status, 0, said)
    self.assertEqual(ours.stop()[0], 0)
    stats = harness.run([harness.PERF, 'report', '--stats', '-i', data])
    self.assertNotIn('rror', stats.stderr)
    self.assertRegex(stats.stdout, r'KSYMBOL events: +[1-9]')
    self.assertRegex(stats.stdout, r'SAMPLE events: +[1-9]\d{4}')  # more than there is room for at once


if __name__ == '__main__':
  harness.main()
