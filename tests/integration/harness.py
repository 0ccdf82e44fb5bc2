"""What every integration test stands on: the programs it runs, the host's mount namespace, what was left behind, and
results that Bazel and tools/test can count.

A test is a unittest module that ends with `harness.main()`. It runs as root, in a mount namespace of its own whose
/run/netns is empty: names of network namespaces made there are seen by what the test starts, and by nobody else, and
go with the test however it ends.
"""

import ctypes
import datetime
import json
import os
import pathlib
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as ElementTree

TOP = pathlib.Path.cwd()  # Bazel's runfiles
CORRELATE = os.environ.get('BPFTRACE_CORRELATE', str(TOP / 'cli/bpftrace-correlate'))
BPF_OBJECT = os.environ.get('LAB_BPF_OBJECT', str(TOP / 'tests/integration/lab.bpf.o'))
MAPS_OBJECT = str(pathlib.Path(BPF_OBJECT).with_name('maps.bpf.o'))
BPFTOOL = '/usr/sbin/bpftool'
IP = '/usr/sbin/ip'
TC = '/usr/sbin/tc'
PERF = '/usr/bin/perf'
NSENTER = '/usr/bin/nsenter'
UNSHARE = '/usr/bin/unshare'
SETPRIV = '/usr/bin/setpriv'
PINS = pathlib.Path('/sys/fs/bpf')
TRACING = pathlib.Path('/sys/kernel/tracing')

EXIT_FAILURE, EXIT_USAGE, EXIT_DAMAGED = 1, 2, 4
EXIT_RECORD_FAILURE, EXIT_CANNOT_EXECUTE, EXIT_NOT_FOUND = 125, 126, 127
def in_guest():
  """True in a guest of tools/vm."""
  return os.path.exists('/vm/command')


# Nothing takes as long; a test that waits longer has failed. An emulated machine takes its time.
PATIENCE_S = 100 if in_guest() else 30

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
_libc = ctypes.CDLL(None, use_errno=True)


def syscall_ok(result, what):
  if result != 0:
    error = ctypes.get_errno()
    raise OSError(error, f'{what}: {os.strerror(error)}')


def unshare(flags):
  syscall_ok(_libc.unshare(flags), 'unshare')


def setns(fd, kind):
  syscall_ok(_libc.setns(fd, kind), 'setns')


def mount(source, target, kind, flags=0, options=''):
  syscall_ok(_libc.mount(source.encode(), str(target).encode(), kind.encode(), flags, options.encode()),
             f'mount on {target}')


def cgroup_root():
  """Of version 2. Where /sys/fs/cgroup is none, one is mounted over it: for this test alone, its mounts are private."""
  root = pathlib.Path('/sys/fs/cgroup')
  if not (root / 'cgroup.controllers').exists():
    mount('none', root, 'cgroup2')
  return root


# ---- Processes ----

def _dies_with_us():
  _libc.prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


def start(command, **options):
  """A process that does not outlive the test. Its stderr goes to a file: .stderr_text() reads it."""
  errors = tempfile.TemporaryFile()
  process = subprocess.Popen([str(arg) for arg in command], stderr=errors, preexec_fn=_dies_with_us, **options)
  process.stderr_text = lambda: _text_of(errors)
  return process


def _text_of(file):
  return os.pread(file.fileno(), 1 << 20, 0).decode(errors='replace')


def run(command, check=True, text=True, **options):
  """Runs to the end; stdout and stderr are kept."""
  done = subprocess.run([str(arg) for arg in command], capture_output='stdout' not in options, text=text,
                        timeout=PATIENCE_S * 2, **options)
  if check and done.returncode != 0:
    raise AssertionError(f'{" ".join(map(str, command))}: exit status {done.returncode}\n{done.stderr}')
  return done


def correlate(*args, **options):
  return run([CORRELATE, *args], **options)


def script_lines(trace, exit_status=0):
  """What `script --json` prints of a trace: events and losses."""
  done = correlate('script', '--json', trace, check=False)
  if done.returncode != exit_status:
    raise AssertionError(f'script of {trace}: exit status {done.returncode}, not {exit_status}\n{done.stderr}')
  return done.stdout.splitlines()


def script(trace, exit_status=0):
  """The events of a trace."""
  return [entry for entry in map(json.loads, script_lines(trace, exit_status)) if 'event' in entry]


def seconds_of(text):
  """Of a time as JSON has it, "2026-11-21T19:31:02.123456789Z", since 1970."""
  return datetime.datetime.fromisoformat(text[:19] + '+00:00').timestamp()


def wait_for(condition, what):
  deadline = time.monotonic() + PATIENCE_S
  while not condition():
    if time.monotonic() > deadline:
      raise AssertionError(f'{what}: not within {PATIENCE_S} s')
    time.sleep(0.01)


class CommandRun:
  """`COMMAND... -- CMD`, begun when CMD runs: the recorder has attached by then. stop() lets CMD end."""

  def __init__(self, *command, **options):
    self.process = start([*command, '--', '/bin/sh', '-c', 'echo begun; read end; exit 0'],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
    ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE_S)
    if not ready or self.process.stdout.readline() != b'begun\n':
      raise AssertionError(f'{command[0]} did not begin: {self.process.stderr_text()}')

  def stop(self):
    """The exit status and what stderr said."""
    self.process.stdin.close()
    status = self.process.wait(PATIENCE_S)
    self.process.stdout.close()
    return status, self.process.stderr_text()


class LastLine:
  """The numbers of the line with which `record` ends."""

  PATTERN = re.compile(
      r'^\[ bpftrace-correlate record: (\d+) events \((\d+) lost, (\d+) missed, (\d+) only counted\), (\d+) programs, '
      r'(\d+) attachments, [0-9.]+ s, [0-9.]+ MB -> (.*) \]$')

  def __init__(self, stderr):
    lines = stderr.splitlines()
    match = self.PATTERN.match(lines[-1]) if lines else None
    if not match:
      raise AssertionError(f'the last line on stderr is no summary:\n{stderr}')
    (self.events, self.lost, self.missed, self.only_counted, self.programs, self.attachments) = map(
        int, match.groups()[:-1])
    self.output = match.group(7)


# ---- The host ----

_host_mounts = None


def enter_private_mounts():
  """Moves the test away from the host's mounts; covers the host's names of namespaces and its pinned BPF objects."""
  global _host_mounts
  _host_mounts = os.open('/proc/self/ns/mnt', os.O_RDONLY | os.O_CLOEXEC)
  unshare(CLONE_NEWNS)
  mount('none', '/', '', MS_REC | MS_PRIVATE)
  if os.path.isdir('/run/netns'):
    mount('none', '/run/netns', 'tmpfs')
  else:
    mount('none', '/run', 'tmpfs')
    os.mkdir('/run/netns')
  mount('none', PINS, 'bpf')
  if not (TRACING / 'events').is_dir():  # mounted nowhere: the oracle and the tests read formats there
    mount('none', TRACING, 'tracefs')


def drop_reasons():
  """True where skb:kfree_skb tells them (Linux 5.17)."""
  return ' reason;' in (TRACING / 'events/skb/kfree_skb/format').read_text()


def see_tracefs():
  """For programs that look only where it usually is; mounted for the test alone."""
  if not os.path.isdir('/sys/kernel/tracing/events'):
    mount('none', '/sys/kernel/tracing', 'tracefs')


def on_host(command):
  """A command as somebody outside the test would run it."""
  return run([NSENTER, f'--mount=/proc/{os.getpid()}/fd/{_host_mounts}', *command]).stdout


def host_state():
  """What a test must not add to, by name. (Descriptors of perf events go with their process.)"""
  def numbers(kind):
    for _ in range(20):  # it fails when one of another's ends while it lists them
      done = run([BPFTOOL, '-j', kind, 'list'], check=False)
      if done.returncode == 0:
        return {item['id'] for item in json.loads(done.stdout or '[]')}
    raise AssertionError(f'bpftool {kind} list: {done.stdout}{done.stderr}')
  return {
      'BPF programs': numbers('prog'),
      'BPF maps': numbers('map'),
      'BPF links': numbers('link'),
      'network namespaces': {ns for ns in on_host([IP, 'netns', 'list']).splitlines()},
      'mounts': {line.split(' ', 4)[4] for line in on_host(['/bin/cat', '/proc/self/mountinfo']).splitlines()},
      'temporary files': {name for folder in ('/tmp', '/run', '/var/tmp') for name in os.listdir(folder)
                          if 'correlate' in name},
  }


# ---- Results ----

class _Result(unittest.TextTestResult):
  """Also keeps each case's outcome for the XML file."""

  def __init__(self, *args, **kwargs):
    super().__init__(*args, **kwargs)
    self.cases = []

  def startTest(self, test):
    super().startTest(test)
    self._begun = time.monotonic()

  def _note(self, test, kind=None, text=''):
    match = re.match(r'(\w+) \((?:\w+\.)*(\w+)(?:\.\w+)?\)', str(test))
    name, suite = match.groups() if match else (str(test), 'module')
    suite = type(test).__name__ if isinstance(test, unittest.TestCase) else suite
    self.cases.append((suite, name, kind, text, time.monotonic() - getattr(self, '_begun', time.monotonic())))

  def addSuccess(self, test):
    super().addSuccess(test)
    self._note(test)

  def addFailure(self, test, err):
    super().addFailure(test, err)
    self._note(test, 'failure', self._exc_info_to_string(err, test))

  def addError(self, test, err):
    super().addError(test, err)
    self._note(test, 'error', self._exc_info_to_string(err, test))

  def addSubTest(self, test, subtest, err):
    super().addSubTest(test, subtest, err)
    if err is not None:
      self._note(test, 'failure', f'{subtest}: {self._exc_info_to_string(err, test)}')

  def addSkip(self, test, reason):
    super().addSkip(test, reason)
    self._note(test, 'skipped', reason)

  def write_xml(self, path):
    suites = ElementTree.Element('testsuites')
    suite = ElementTree.SubElement(suites, 'testsuite', name=pathlib.Path(sys.argv[0]).stem)
    for classname, name, kind, text, seconds in self.cases:
      case = ElementTree.SubElement(suite, 'testcase', classname=classname, name=name, time=f'{seconds:.3f}')
      if kind:
        printable = ''.join(c if c.isprintable() or c == '\n' else '?' for c in text)
        ElementTree.SubElement(case, kind, message=printable)
    ElementTree.ElementTree(suites).write(path, encoding='utf-8', xml_declaration=True)


class Test(unittest.TestCase):

  def shortDescription(self):
    return None  # the name alone


class RootTest(Test):
  """Has a folder of its own, self.folder, which goes with the case."""

  @classmethod
  def setUpClass(cls):
    if os.geteuid() != 0:
      raise unittest.SkipTest('needs root')

  def setUp(self):
    self.folder = pathlib.Path(tempfile.mkdtemp(prefix='correlate-test-'))
    self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
    self.trace = self.folder / 'trace.pb'


class HostTest(RootTest):
  """Sees after each case that the host is as it was."""

  def setUp(self):
    before = host_state()
    self.addCleanup(self._assert_host_is_as_it_was, before)
    super().setUp()

  def _assert_host_is_as_it_was(self, before):
    left = {}

    def nothing_left():  # others on the host come and go meanwhile
      after = host_state()
      left.update({name: after[name] - before[name] for name in before})
      return not any(left.values())
    try:
      wait_for(nothing_left, 'the host as it was')
    except AssertionError:
      self.fail(f'left behind: { {name: items for name, items in left.items() if items} }')


def main():
  """Runs the calling module's tests. Exit status 0: none failed."""
  os.environ['LC_ALL'] = 'C'
  os.environ['PATH'] = '/usr/sbin:/usr/bin:/sbin:/bin'
  if os.geteuid() == 0:
    enter_private_mounts()
    if in_guest():  # where an old kernel charges the tests' own programs to it (before Linux 5.11)
      resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
  runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=_Result)
  program = unittest.main(module='__main__', testRunner=runner, exit=False)
  if 'XML_OUTPUT_FILE' in os.environ:
    program.result.write_xml(os.environ['XML_OUTPUT_FILE'])
  sys.stdout.flush()
  sys.exit(0 if program.result.wasSuccessful() else 1)
