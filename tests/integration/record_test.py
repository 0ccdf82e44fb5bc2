#!/usr/bin/python3
"""How a recording begins and ends: by its command, a time, a signal or a kill, with a full disk, with rings that are
too small, beside another one; and that it leaves nothing behind.
"""

import json
import os
import pty
import select
import signal
import subprocess
import time

from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L

# What a killed recorder may take with it: a chunk is closed after 250 ms, and what is not yet old enough to be in order
# waits for 50 ms. The rest is what a busy host may hold the recorder up.
MOST_LOST_BY_A_KILL_NS = 250_000_000 + 50_000_000 + 200_000_000


class RecordTest(harness.HostTest):
  """Has a lab."""

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.lab = L.Lab()
    cls.addClassCleanup(cls.lab.close)
    cls.programs = cls.lab.load()
    cls.storm_pin = cls.programs / 'lab_storm'

  def drop(self, count=1):
    for _ in range(count):
      self.lab.send(L.PLAIN, frame.udp(self.lab.ends(L.PLAIN), 4000, L.PORT_CLOSED))

  def begin(self, *options, **popen):
    """A recorder without a command, seen to write events."""
    recorder = harness.start([harness.CORRELATE, 'record', '-o', self.trace, *options], **popen)

    def wrote_events():
      self.drop()
      if recorder.poll() is not None:
        self.fail(recorder.stderr_text())
      return self.trace.exists() and self.trace.stat().st_size > 0 and len(self.events_so_far()) > 0
    harness.wait_for(wrote_events, 'events in the trace')
    return recorder

  def assert_command_goes_on(self, recorder):
    """The command of a CommandRun whose recorder has ended; then lets it end too."""
    readable, _, _ = select.select([recorder.process.stdout], [], [], 0.2)
    self.assertFalse(readable, 'the command ended with its recorder')
    recorder.process.stdin.close()
    self.assertEqual(recorder.process.stdout.read(), b'')
    recorder.process.stdout.close()

  def events_so_far(self):
    done = harness.correlate('script', '--json', self.trace, check=False)
    return done.stdout.splitlines()

  def drops_of(self, events):
    return [event for event in events if event['event'] == 'skb:kfree_skb']


class Ending(RecordTest):

  def record(self, *arguments):
    return harness.correlate('record', '-o', self.trace, *arguments, check=False)

  def test_exit_status_of_the_command_is_passed_on(self):
    for status in (0, 1, 7, 125):
      done = self.record('--', '/bin/sh', '-c', f'exit {status}')
      self.assertEqual(done.returncode, status)
      harness.LastLine(done.stderr)
      harness.script(self.trace)

  def test_command_ended_by_a_signal(self):
    self.assertEqual(self.record('--', '/bin/sh', '-c', 'kill -TERM $$').returncode, 128 + signal.SIGTERM)
    harness.script(self.trace)

  def test_command_that_does_not_exist(self):
    for command in ('/nonexistent/command', 'no-such-command-anywhere'):
      done = self.record('--', command)
      self.assertEqual(done.returncode, harness.EXIT_NOT_FOUND)
      self.assertIn(command, done.stderr)

  def test_command_whose_interpreter_does_not_exist(self):
    """Known only when it is executed: the recording has begun by then."""
    command = self.folder / 'script'
    command.write_text('#!/nonexistent/interpreter\n')
    command.chmod(0o755)
    done = self.record('--', command)
    self.assertEqual(done.returncode, harness.EXIT_NOT_FOUND)
    self.assertIn(f"'{command}'", done.stderr)
    harness.script(self.trace)

  def test_command_that_cannot_be_executed(self):
    no_program = self.folder / 'no-program'
    no_program.write_text('words')
    for command in (no_program, self.folder):
      done = self.record('--', command)
      self.assertEqual(done.returncode, harness.EXIT_CANNOT_EXECUTE, done.stderr)
      self.assertIn(str(command), done.stderr)

  def test_duration(self):
    begun = time.monotonic()
    done = self.record('--duration', '300ms')
    taken = time.monotonic() - begun
    self.assertEqual(done.returncode, 0, done.stderr)
    self.assertGreaterEqual(taken, 0.3)
    self.assertLess(taken, 5)
    harness.script(self.trace)

  def test_ready_is_told_once_events_are_recorded(self):
    reader, writer = os.pipe()
    recorder = harness.start([harness.CORRELATE, 'record', '-o', self.trace, '--ready-fd', writer], pass_fds=[writer])
    os.close(writer)
    with open(reader, encoding='utf-8') as told:
      self.assertEqual(told.read(), 'ready\n')
    self.drop(100)
    recorder.send_signal(signal.SIGINT)
    self.assertEqual(recorder.wait(harness.PATIENCE_S), 0, recorder.stderr_text())
    ours = [event for event in self.drops_of(harness.script(self.trace))
            if event.get('packet', {}).get('dport') == L.PORT_CLOSED]
    self.assertEqual(len(ours), 100, 'none was missed')

  def test_a_descriptor_that_is_not_open_is_told_before_anything_starts(self):
    done = self.record('--ready-fd', '77', '--duration', '1ms')
    self.assertEqual(done.returncode, harness.EXIT_USAGE, done.stderr)
    self.assertIn('--ready-fd 77', done.stderr)
    self.assertFalse(self.trace.exists())

  def test_size_ends_it_well(self):
    recorder = harness.start([harness.CORRELATE, 'record', '-o', self.trace, '--max-size', '60K', '--stacks', 'all'])
    storm = self.lab.storm(self.storm_pin, 1_000_000)
    self.assertEqual(recorder.wait(harness.PATIENCE_S), 0, recorder.stderr_text())
    storm.kill()
    storm.wait()
    self.assertGreaterEqual(self.trace.stat().st_size, 60 * 1024)
    harness.script_lines(self.trace)
    self.assertEqual(json.loads(harness.correlate('info', '--json', self.trace).stdout)['end']['reason'], 'size')

  def test_duration_ends_before_the_command_does(self):
    """The command is the user's and goes on."""
    done = self.record('--duration', '200ms', '--', '/bin/sh', '-c', f'exec >/dev/null 2>&1; sleep 1; echo done > {self.folder}/went-on')
    self.assertEqual(done.returncode, 0, done.stderr)
    self.assertFalse((self.folder / 'went-on').exists())
    harness.wait_for((self.folder / 'went-on').exists, 'the command to end by itself')

  def test_signals_end_it_with_a_whole_trace(self):
    for number in (signal.SIGINT, signal.SIGTERM):
      with self.subTest(signal=number.name):
        recorder = self.begin()
        self.drop(100)
        recorder.send_signal(number)
        self.assertEqual(recorder.wait(harness.PATIENCE_S), 0, recorder.stderr_text())
        last_line = harness.LastLine(recorder.stderr_text())
        events = harness.script(self.trace)  # exit status 0: it is whole
        self.assertEqual(len(events), last_line.events)
        self.assertGreaterEqual(len(self.drops_of(events)), 100)
        self.trace.unlink()

  def test_signal_in_a_storm_ends_it_soon(self):
    recorder = self.begin()
    storms = [self.lab.storm(self.storm_pin, 1_000_000) for _ in range(os.cpu_count())]
    time.sleep(0.3)
    signalled = time.monotonic()
    recorder.send_signal(signal.SIGINT)
    self.assertEqual(recorder.wait(harness.PATIENCE_S), 0, recorder.stderr_text())
    taken = time.monotonic() - signalled
    for storm in storms:
      storm.kill()
      storm.wait()
    self.assertLess(taken, 5)
    line = harness.LastLine(recorder.stderr_text())
    self.assertEqual(sum(entry.startswith('{"time_ns"') for entry in harness.script_lines(self.trace)), line.events)

  def test_signal_leaves_the_command_alone(self):
    recorder = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace)
    recorder.process.send_signal(signal.SIGTERM)
    self.assertEqual(recorder.process.wait(harness.PATIENCE_S), 0, recorder.process.stderr_text())
    harness.script(self.trace)
    self.assert_command_goes_on(recorder)

  def test_two_signals_at_once(self):
    recorder = self.begin()
    recorder.send_signal(signal.SIGINT)
    recorder.send_signal(signal.SIGINT)
    self.assertEqual(recorder.wait(harness.PATIENCE_S), 0, recorder.stderr_text())
    harness.script(self.trace)

  def test_unknown_event_names_what_is_near(self):
    self.trace.write_text('an older trace')
    done = self.record('-e', 'skb:kfree_skbb', '--duration', '1ms')
    self.assertEqual(done.returncode, harness.EXIT_FAILURE)
    self.assertIn('skb:kfree_skb?', done.stderr)
    self.assertEqual(self.trace.read_text(), 'an older trace')

  def test_bad_usage(self):
    for arguments in (['-e', 'no-colon'], ['--duration', 'soon'], ['--ring-size', 'large'], ['--stacks', 'some']):
      self.assertEqual(self.record(*arguments).returncode, harness.EXIT_USAGE, arguments)


class Killed(RecordTest):

  def test_kill_in_a_storm_costs_less_than_half_a_second(self):
    recorder = self.begin()
    storm = self.lab.storm(self.storm_pin, 1_000_000)
    time.sleep(0.7)
    killed_ns = time.monotonic_ns()
    recorder.kill()
    recorder.wait()
    storm.kill()
    storm.wait()
    events = [line for line in harness.script_lines(self.trace, harness.EXIT_DAMAGED) if line.startswith('{"time_ns"')]
    self.assertGreater(len(events), 10_000)
    missing_ns = killed_ns - int(json.loads(events[-1])['time_ns'])
    print(f'{len(events)} events; the last {missing_ns / 1e6:.0f} ms before the kill are missing', flush=True)
    self.assertLess(missing_ns, MOST_LOST_BY_A_KILL_NS)

  def test_kill_of_a_quiet_recording(self):
    recorder = self.begin()
    self.drop(10)
    dropped_ns = time.monotonic_ns()
    time.sleep(0.25 + 0.05 + 0.5)  # until the chunk is closed, though nothing else happens
    recorder.kill()
    recorder.wait()
    events = harness.script(self.trace, harness.EXIT_DAMAGED)
    self.assertGreaterEqual(len(self.drops_of(events)), 10)
    self.assertLess(int(events[-1]['time_ns']) - dropped_ns, 10_000_000_000)

  def test_command_outlives_a_killed_recorder(self):
    recorder = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace)
    recorder.process.kill()
    recorder.process.wait()
    self.assert_command_goes_on(recorder)


class Loss(RecordTest):

  def test_tiny_rings_account_for_every_drop(self):
    """written + lost + missed is what was dropped: at least what the storm made, at most what perf counted around it."""
    runs = 100
    counter = harness.CommandRun(harness.PERF, 'stat', '-a', '-x', ';', '-e', 'skb:kfree_skb')
    recorder = harness.CommandRun(harness.CORRELATE, 'record', '-e', 'skb:kfree_skb', '--ring-size', '4K', '-o', self.trace)
    storm = self.lab.storm(self.storm_pin, runs)
    self.assertEqual(storm.wait(harness.PATIENCE_S), 0, storm.stderr_text())
    status, said = recorder.stop()
    self.assertEqual(status, 0)
    _, counted = counter.stop()
    counted = int(counted.split(';')[0])
    line = harness.LastLine(said)
    print(f'{line.events} written + {line.lost} lost + {line.missed} missed; {runs * L.STORM_CLONES} made, perf counted '
          f'{counted}', flush=True)
    self.assertGreater(line.lost, 0)
    self.assertGreaterEqual(line.events + line.lost + line.missed, runs * L.STORM_CLONES)
    self.assertLessEqual(line.events + line.lost + line.missed, counted)
    lines = harness.script_lines(self.trace)
    losses = [json.loads(entry) for entry in lines if entry.startswith('{"lost"')]
    self.assertEqual(len(lines) - len(losses), line.events)
    self.assertEqual(sum(int(loss['lost']) for loss in losses), line.lost)
    for loss in losses:
      self.assertEqual(loss['source'], 'skb:kfree_skb')
      self.assertLess(int(loss['from_ns']), int(loss['to_ns']))

  def test_report_and_info_state_the_loss(self):
    recorder = harness.CommandRun(harness.CORRELATE, 'record', '-e', 'skb:kfree_skb', '--ring-size', '4K', '-o', self.trace)
    storm = self.lab.storm(self.storm_pin, 50)
    self.assertEqual(storm.wait(harness.PATIENCE_S), 0, storm.stderr_text())
    lost = harness.LastLine(recorder.stop()[1]).lost
    self.assertGreater(lost, 0)
    for command in ('report', 'info'):
      shown = harness.correlate(command, self.trace).stdout.replace(',', '')
      self.assertIn(f'{lost} lost', shown, command)

  def test_full_disk(self):
    full = self.folder / 'full'
    full.mkdir()
    harness.mount('none', full, 'tmpfs', options='size=64k')
    self.addCleanup(harness.run, ['/bin/umount', full])
    trace = full / 'trace.pb'
    for command, expected in (((), harness.EXIT_FAILURE), (('--', '/bin/cat'), harness.EXIT_RECORD_FAILURE)):
      recorder = harness.start([harness.CORRELATE, 'record', '-o', trace, *command], stdin=subprocess.PIPE)
      storm = self.lab.storm(self.storm_pin, 1_000_000)
      self.assertEqual(recorder.wait(harness.PATIENCE_S), expected, recorder.stderr_text())
      storm.kill()
      storm.wait()
      recorder.stdin.close()
      self.assertIn('No space left on device', recorder.stderr_text())
      self.assertIn(str(trace), recorder.stderr_text())
      self.assertGreater(len(harness.script_lines(trace, harness.EXIT_DAMAGED)), 0)


class Output(RecordTest):

  MADE = 50

  def dropping_command(self):
    """Makes MADE drops, and says something on its stdout."""
    program = (f'import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n'
               f'for i in range({self.MADE}): s.sendto(b"x", ("127.0.0.1", {L.PORT_CLOSED}))\nprint("said by the command")')
    return [harness.NSENTER, f'--net=/proc/{os.getpid()}/fd/{self.lab.near.fd}', '/usr/bin/python3', '-c', program]

  def assert_drops_made(self, events):
    self.assertGreaterEqual(len(self.drops_of(events)), self.MADE)

  def test_stdout_into_a_file(self):
    with open(self.trace, 'wb') as out:
      done = harness.run([harness.CORRELATE, 'record', '-o', '-', '--', *self.dropping_command()], stdout=out,
                         stderr=subprocess.PIPE)
    self.assertEqual(harness.LastLine(done.stderr).output, 'stdout')
    self.assert_drops_made(harness.script(self.trace))

  def test_stdout_into_script(self):
    recorder = harness.start([harness.CORRELATE, 'record', '-o', '-', '--', *self.dropping_command()],
                             stdout=subprocess.PIPE)
    script = harness.run([harness.CORRELATE, 'script', '--json', '-'], stdin=recorder.stdout)
    recorder.stdout.close()
    self.assertEqual(recorder.wait(harness.PATIENCE_S), 0, recorder.stderr_text())
    self.assert_drops_made([json.loads(line) for line in script.stdout.splitlines()])

  def test_reader_that_goes_away(self):
    """A closed pipe is an error like any other, and no death by a signal."""
    recorder = harness.start([harness.CORRELATE, 'record', '-o', '-', '--duration', '10'], stdout=subprocess.PIPE)
    recorder.stdout.close()

    def ended():
      self.drop()
      return recorder.poll() is not None
    harness.wait_for(ended, 'an end')
    self.assertEqual(recorder.returncode, harness.EXIT_FAILURE, recorder.stderr_text())
    self.assertIn('Broken pipe', recorder.stderr_text())

  def test_places_where_no_trace_can_be(self):
    for place, why in (('/dev/full', 'No space left on device'), (self.folder, 'Is a directory'),
                       (self.folder / 'nowhere/trace.pb', 'No such file or directory')):
      with self.subTest(place=place):
        done = harness.correlate('record', '-o', place, '--duration', '1ms', check=False)
        self.assertEqual(done.returncode, harness.EXIT_FAILURE)
        self.assertIn(f'{place}: {why}', done.stderr)

  def test_never_to_a_terminal(self):
    ours, terminal = pty.openpty()
    self.addCleanup(os.close, ours)
    done = harness.run([harness.CORRELATE, 'record', '-o', '-', '--duration', '1ms'], check=False, stdout=terminal,
                       stderr=subprocess.PIPE)
    os.close(terminal)
    self.assertNotEqual(done.returncode, 0)
    self.assertIn('terminal', done.stderr)

  def test_trace_is_for_its_owner_alone(self):
    os.umask(0)
    self.addCleanup(os.umask, 0o022)
    harness.correlate('record', '-o', self.trace, '--duration', '1ms')
    self.assertEqual(self.trace.stat().st_mode & 0o777, 0o600)

  def test_two_recorders_at_once_see_the_same(self):
    made = 200
    other = self.folder / 'other.pb'
    recorders = [harness.CommandRun(harness.CORRELATE, 'record', '-o', trace) for trace in (self.trace, other)]
    self.drop(made)
    for recorder in recorders:
      self.assertEqual(recorder.stop()[0], 0)

    def ours(trace):
      return [(event['fields']['skbaddr'], event['fields']['location'], event['cpu'])
              for event in self.drops_of(harness.script(trace))
              if any(entry['symbol'] == '__udp4_lib_rcv' for entry in event['stack'])]
    self.assertGreaterEqual(len(ours(self.trace)), made)
    self.assertEqual(ours(self.trace)[:made], ours(other)[:made])


if __name__ == '__main__':
  harness.main()
