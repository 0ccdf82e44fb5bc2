#!/usr/bin/python3
"""Each command needs the capabilities that its manual page names, and no others: run by nobody with just these, and without each
of them. Readers need none.
"""

import pathlib
import re
import shutil

from tests.integration import harness
from tests.integration import lab as L

NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups']
COMMANDS = {'record': ('-o', 'trace.pb', '--duration', '300ms'), 'alert': ('--duration', '300ms'), 'programs': (),
            'demo': ('-o', 'demo.pb')}


# Containers and virtual machines may be without some, whoever asks.
HAD = int(re.search(r'^CapBnd:\s*(\w+)', pathlib.Path('/proc/self/status').read_text(), re.MULTILINE).group(1), 16)
SYS_RESOURCE = 24  # linux/capability.h


def kernel():
  return tuple(int(part) for part in open('/proc/sys/kernel/osrelease').read().split('.')[:2])


def paranoid():
  return int(pathlib.Path('/proc/sys/kernel/perf_event_paranoid').read_text())


class PrivilegesTest(harness.HostTest):

  def setUp(self):
    super().setUp()
    # Where nobody may write.
    self.folder.chmod(0o777)
    self.binary = self.folder / 'bpftrace-correlate'
    shutil.copy(harness.CORRELATE, self.binary)
    self.binary.chmod(0o755)

  def by_nobody(self, capabilities, *command, check=False):
    if not HAD & 1 << SYS_RESOURCE:
      capabilities = [name for name in capabilities if name != 'CAP_SYS_RESOURCE']
    these = ','.join(['-all', *(f'+{name.removeprefix("CAP_").lower()}' for name in capabilities)])
    (self.folder / 'trace.pb').unlink(missing_ok=True)
    (self.folder / 'demo.pb').unlink(missing_ok=True)
    return harness.run([harness.SETPRIV, *NOBODY, '--bounding-set', these, '--inh-caps', these, '--ambient-caps', these,
                        *command], check=check, cwd=self.folder)

  def named(self, command):
    """Those of the manual page."""
    page = harness.correlate('manual', command).stdout
    section = re.search(r'^\.SH CAPABILITIES\n(.*?)^\.SH', page, re.MULTILINE | re.DOTALL).group(1)
    return re.findall(r'^\.B (CAP_\w+)$', section, re.MULTILINE)

  def run_command(self, command, capabilities, *more):
    return self.by_nobody(capabilities, self.binary, command, *COMMANDS[command], *more)


class Live(PrivilegesTest):

  def test_with_those_that_are_named(self):
    for command in COMMANDS:
      with self.subTest(command):
        named = self.named(command)
        self.assertGreater(len(named), 2)
        done = self.run_command(command, named)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotRegex(done.stderr, 'CAP_')

  def assert_missed(self, command, capability, *more, instead=(), status=0, says=None):
    """Without that one something is said, and with it that is not said."""
    named = self.named(command)
    self.assertIn(capability, named)
    says = says or capability
    done = self.run_command(command, [name for name in named if name != capability] + list(instead), *more)
    self.assertEqual(done.returncode, status, f'{command} without {capability}: {done.stderr}')
    self.assertRegex(done.stderr, says, f'{command} without {capability}')
    done = self.run_command(command, named, *more)
    self.assertEqual(done.returncode, 0, done.stderr)
    self.assertNotRegex(done.stderr, says)

  def test_tracefs(self):
    for command in ('record', 'alert', 'demo'):
      self.assert_missed(command, 'CAP_DAC_READ_SEARCH', status=harness.EXIT_FAILURE, says='tracefs')

  def test_sys_admin(self):
    instead = ('CAP_PERFMON', 'CAP_BPF')
    for command in ('record', 'alert'):
      if paranoid() > 2:  # of Debian's kernels: some want CAP_SYS_ADMIN then, and nothing less
        done = self.run_command(command, [name for name in self.named(command) if name != 'CAP_SYS_ADMIN'] + list(instead))
        if done.returncode == harness.EXIT_FAILURE:
          self.assertRegex(done.stderr, 'perf_event_open.*kernel.perf_event_paranoid')
          continue
      self.assert_missed(command, 'CAP_SYS_ADMIN', instead=instead)
    for command in ('programs', 'demo'):
      self.assert_missed(command, 'CAP_SYS_ADMIN', instead=instead, status=harness.EXIT_FAILURE)
    done = self.run_command('record', [name for name in self.named('record') if name != 'CAP_SYS_ADMIN'])
    self.assertEqual(done.returncode, harness.EXIT_FAILURE, done.stderr)
    self.assertIn('CAP_PERFMON', done.stderr)

  def test_syslog(self):
    shown = self.by_nobody((), '/usr/bin/head', '-1', '/proc/kallsyms', check=True).stdout
    if int(shown.split()[0], 16) != 0:
      self.skipTest('this host shows kernel addresses without CAP_SYSLOG')
    for command in ('record', 'alert'):
      self.assert_missed(command, 'CAP_SYSLOG')
    lab = L.Lab()
    self.addCleanup(lab.close)
    lab.load()
    self.assert_missed('programs', 'CAP_SYSLOG', says='kptr_restrict')

  def test_namespaces_of_others(self):
    lab = L.Lab()
    self.addCleanup(lab.close)
    for command in ('record', 'alert', 'programs'):
      self.assert_missed(command, 'CAP_SYS_PTRACE')
    for command in ('record', 'alert'):
      self.assert_missed(command, 'CAP_NET_BROADCAST')

  def test_net_admin(self):
    self.assert_missed('demo', 'CAP_NET_ADMIN', status=harness.EXIT_FAILURE)
    if kernel() >= (6, 9):
      for command in ('record', 'alert', 'programs'):
        done = self.run_command(command, [name for name in self.named(command) if name != 'CAP_NET_ADMIN'])
        self.assertNotIn('CAP_NET_ADMIN', done.stderr)
    else:
      self.assert_missed('programs', 'CAP_NET_ADMIN')

  def test_large_rings(self):
    if kernel() < (5, 11):
      self.skipTest('RLIMIT_MEMLOCK is raised here for the sake of BPF programs, and rings may be as large')
    self.assert_missed('record', 'CAP_IPC_LOCK', '--stacks', 'all')


class Readers(PrivilegesTest):

  def test_nothing_is_needed(self):
    trace, other = self.folder / 'read.pb', self.folder / 'other.pb'
    for made in (trace, other):
      harness.correlate('demo', '-o', made)
      made.chmod(0o644)
    data = self.folder / 'perf.data'
    harness.run([harness.PERF, 'record', '-q', '-a', '-e', 'skb:kfree_skb', '-o', data, '--', '/bin/true'])
    data.chmod(0o644)
    formats = re.search(r'folded.*', harness.correlate('export', '--help').stdout)
    self.assertTrue(formats)
    commands = [
        ('script', trace), ('script', '--json', trace), ('report', trace), ('report', '--html', 'page.html', trace),
        ('report', '--by', 'program', trace), ('info', trace), ('programs', trace), ('diff', trace, other),
        ('annotate', '--program', 'tc_drop', trace), ('merge', '-o', 'merged.pb', trace, other),
        ('import', '-o', 'imported.pb', data), ('alert', '--from', trace), ('doctor',),
        *(('export', '--format', form, '-o', f'exported.{form}', trace)
          for form in ('folded', 'pprof', 'speedscope', 'pcapng', 'jsonl', 'csv', 'perfetto', 'protobuf', 'trace'))]
    for command in commands:
      with self.subTest(command[0]):
        if command[0] != 'alert':  # whose page names those of a live host
          self.assertEqual(self.named(command[0]), [] if command[0] != 'programs' else self.named('programs'))
        done = self.by_nobody((), self.binary, *command)
        self.assertEqual(done.returncode, 0, f'{command}: {done.stderr}')


if __name__ == '__main__':
  harness.main()
