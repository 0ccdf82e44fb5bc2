#!/usr/bin/python3
"""`export --follow`: rows of a recording that is still running, of one file and of a ring of them; stopped and killed at any
moment and started again, it has written each event once.
"""

import json
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import time

from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L

TOP = pathlib.Path.cwd()


DAMAGED = 4  # the exit status


class FollowTest(harness.Test):
  """A trace that a process of the test's own appends to, a piece at a time, as a recorder does."""

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.whole_folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
    cls.whole = cls.whole_folder / 'whole.pb'
    harness.run([TOP / 'tests/fakes/make_trace', '40000', cls.whole])
    cls.rows = harness.correlate('export', cls.whole, '--format', 'jsonl', '-o', '-', text=False).stdout

  def setUp(self):
    self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
    self.trace = self.folder / 'growing.pb'
    self.output = self.folder / 'rows.jsonl'
    self.random = random.Random(self.id())

  def start(self, *options, kind='jsonl', output=None, **how):
    process = harness.start([harness.CORRELATE, 'export', self.trace, '--follow', '--format', kind, '-o',
                             output or self.output, *options], **how)
    self.addCleanup(process.kill)
    return process

  def grow(self, source, pieces, path=None):
    """Appends it in pieces that end anywhere."""
    data = source.read_bytes()
    cuts = sorted(self.random.randrange(len(data)) for _ in range(pieces - 1))
    with open(path or self.trace, 'ab') as out:
      for begin, end in zip([0, *cuts], [*cuts, len(data)]):
        out.write(data[begin:end])
        out.flush()
        yield


class Following(FollowTest):

  def test_ends_with_the_recording(self):
    follower = self.start()
    for _ in self.grow(self.whole, 10):
      time.sleep(0.02)
    self.assertEqual(follower.wait(60), 0, follower.stderr_text())
    self.assertEqual(self.output.read_bytes(), self.rows)

  def test_rows_are_there_before_the_end(self):
    follower = self.start()
    growing = self.grow(self.whole, 4)
    next(growing)
    next(growing)
    harness.wait_for(lambda: self.output.exists() and self.output.stat().st_size > 0, 'the first rows')
    for _ in growing:
      pass
    self.assertEqual(follower.wait(60), 0)

  def test_killed_and_started_again(self):
    for _ in self.grow(self.whole, 12):
      follower = self.start()
      time.sleep(self.random.random() * 0.4)
      follower.send_signal(self.random.choice([signal.SIGKILL, signal.SIGTERM]))
      follower.wait(30)
    self.assertEqual(self.start().wait(60), 0)
    self.assertEqual(self.output.read_bytes(), self.rows)
    # And once more: there is nothing left.
    self.assertEqual(self.start().wait(60), 0)
    self.assertEqual(self.output.read_bytes(), self.rows)

  def test_stopped_into_a_pipe(self):
    """With a state of its own, stopped well: what one run wrote and what the next ones did is the whole."""
    state = self.folder / 'state'
    got = b''
    for _ in self.grow(self.whole, 5):
      follower = harness.start([harness.CORRELATE, 'export', self.trace, '--follow', '--format', 'jsonl', '-o', '-', '--state',
                                state], stdout=subprocess.PIPE)
      timer = subprocess.Popen(['/bin/sh', '-c', f'sleep 0.5; kill -TERM {follower.pid} 2>/dev/null; true'])
      got += follower.stdout.read()
      self.assertEqual(follower.wait(30), 0)
      follower.stdout.close()
      timer.wait()
    follower = harness.start([harness.CORRELATE, 'export', self.trace, '--follow', '--format', 'jsonl', '-o', '-', '--state',
                              state], stdout=subprocess.PIPE)
    got += follower.stdout.read()
    follower.stdout.close()
    self.assertEqual(follower.wait(30), 0)
    self.assertEqual(got, self.rows)

  def test_csv_has_one_head(self):
    whole = harness.correlate('export', self.whole, '--format', 'csv', '-o', '-', text=False).stdout
    for _ in self.grow(self.whole, 3):
      follower = self.start(kind='csv')
      time.sleep(0.5)
      follower.send_signal(signal.SIGTERM)
      self.assertEqual(follower.wait(30), 0)
    self.assertEqual(self.start(kind='csv').wait(60), 0)
    self.assertEqual(self.output.read_bytes(), whole)

  def test_filter(self):
    wanted = [line for line in self.rows.splitlines() if json.loads(line)['cpu'] == 1]
    self.trace.write_bytes(self.whole.read_bytes())
    self.assertEqual(self.start('--filter', 'cpu == 1').wait(60), 0)
    self.assertEqual(self.output.read_bytes().splitlines(), wanted)

  def test_another_recording_took_its_place(self):
    data = self.whole.read_bytes()
    self.trace.write_bytes(data[:len(data) // 2])
    follower = self.start()
    harness.wait_for(lambda: self.output.exists() and self.output.stat().st_size > 0, 'rows')
    follower.send_signal(signal.SIGTERM)
    self.assertEqual(follower.wait(30), 0)
    harness.run([TOP / 'tests/fakes/make_trace', '1000', self.trace])
    follower = self.start()
    self.assertEqual(follower.wait(30), DAMAGED)
    self.assertIn('is another recording than before', follower.stderr_text())
    events = self.output.read_bytes().splitlines()
    self.assertEqual(len({json.loads(line)['time_ns'] for line in events[-1000:]}), 1000)

  def test_what_makes_no_sense(self):
    self.trace.write_bytes(self.whole.read_bytes())
    for options, word in ((('--format', 'pprof'), '--follow'), (('--format', 'trace'), '--follow'),
                          (('--format', 'protobuf', '--table', 'kinds'), '--follow')):
      done = harness.correlate('export', self.trace, '--follow', '-o', self.output, *options, check=False)
      self.assertEqual(done.returncode, 2, done.stderr)
      self.assertIn(word, done.stderr)
    self.assertEqual(harness.correlate('export', self.trace, '--format', 'csv', '--state', 'x', check=False).returncode, 2)

  def test_a_state_that_does_not_fit(self):
    self.trace.write_bytes(self.whole.read_bytes())
    state = pathlib.Path(f'{self.output}.state')
    for text in ('', 'nonsense', '[]', '{"file": -1}', '{"file": 0, "recording_id": "", "next_chunk": 0, "ended": 3}'):
      with self.subTest(state=text):
        state.write_text(text)
        follower = self.start()
        self.assertEqual(follower.wait(30), 2)
        self.assertIn('remove it to begin anew', follower.stderr_text())
    state.unlink()
    self.assertEqual(self.start().wait(60), 0)
    self.output.write_bytes(b'')
    follower = self.start()
    self.assertEqual(follower.wait(30), 1)
    self.assertIn(f'remove {state} to begin anew', follower.stderr_text())


class FollowingARing(FollowTest):
  """Files as the recorder makes them: see also FollowingARecorder."""

  def name(self, number):
    return pathlib.Path(f'{self.trace}.{number:06}')

  def make(self, number, events=1000):
    harness.run([TOP / 'tests/fakes/make_trace', str(events), self.name(number)])
    return events

  def lines(self):
    return len(self.output.read_bytes().splitlines()) if self.output.exists() else 0

  def stop(self, follower, status=0):
    follower.send_signal(signal.SIGTERM)
    self.assertEqual(follower.wait(30), status, follower.stderr_text())

  def test_file_after_file(self):
    follower = self.start()
    events = 0
    for number in (1, 2, 3):
      events += self.make(number)
      harness.wait_for(lambda events=events: self.lines() == events, f'{events} rows')
    self.stop(follower)
    # It was stopped between two files, and goes on with the next one.
    events += self.make(4)
    follower = self.start()
    harness.wait_for(lambda: self.lines() == events, f'{events} rows')
    self.stop(follower)

  def test_deleted_before_it_was_read(self):
    events = self.make(1)
    follower = self.start()
    harness.wait_for(lambda: self.lines() == events, f'{events} rows')
    self.stop(follower)
    self.name(1).unlink()
    events += self.make(3)
    follower = self.start()
    harness.wait_for(lambda: self.lines() == events, f'{events} rows')
    self.stop(follower, status=DAMAGED)
    self.assertIn('were deleted before they were read', follower.stderr_text())

  def test_a_recorder_that_was_killed(self):
    """Its file has no end; the next one shows that none will come."""
    self.make(1, events=20_000)
    self.name(1).write_bytes(self.name(1).read_bytes()[:-100])
    follower = self.start()
    harness.wait_for(lambda: self.lines() > 100, 'rows')
    events = self.make(2)
    second = harness.correlate('export', self.name(2), '--format', 'jsonl', '-o', '-', text=False).stdout
    harness.wait_for(lambda: self.output.read_bytes().endswith(second), 'rows of the second file')
    self.stop(follower, status=DAMAGED)
    self.assertIn('the trace was cut short', follower.stderr_text())
    self.assertGreater(self.lines(), events)


class FollowingARecorder(harness.HostTest):

  def test_a_ring_that_is_being_recorded(self):
    lab = L.Lab()
    self.addCleanup(lab.close)
    output = self.folder / 'rows.jsonl'
    run = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace, '-e', 'skb:kfree_skb', '--rotate-time', '1',
                             '--max-files', '100')
    command = [harness.CORRELATE, 'export', self.trace, '--follow', '--format', 'jsonl', '-o', output]
    follower = harness.start(command)
    for number in range(1000):
      lab.send(L.PLAIN, frame.udp(lab.ends(L.PLAIN), 10000 + number, L.PORT_CLOSED))
      time.sleep(0.005)
      if number % 200 == 199:
        follower.send_signal(signal.SIGKILL)
        follower.wait(30)
        follower = harness.start(command)
    status, said = run.stop()
    self.assertEqual(status, 0, said)

    def ports():
      events = map(json.loads, output.read_bytes().splitlines())
      return [event['packet']['sport'] for event in events if event.get('packet', {}).get('dport') == L.PORT_CLOSED]
    harness.wait_for(lambda: len(ports()) >= 1000, 'all rows')
    time.sleep(0.3)
    follower.send_signal(signal.SIGTERM)
    self.assertEqual(follower.wait(30), 0, follower.stderr_text())
    self.assertEqual(ports(), list(range(10000, 11000)))
    self.assertGreater(len([name for name in os.listdir(self.folder) if name.startswith('trace.pb.')]), 3)


if __name__ == '__main__':
  harness.main()
