#!/usr/bin/python3
"""Hosts that are not as usual: tracefs mounted nowhere, privileges missing."""

import shutil

from tests.integration import harness
from tests.integration import lab as L


class Tracefs(harness.HostTest):

  def test_recorder_without_tracefs_mounts_nothing(self):
    lab = L.Lab()
    self.addCleanup(lab.close)
    drop = (f'import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n'
            f'for i in range(20): s.sendto(b"x", ("127.0.0.1", {L.PORT_CLOSED}))')
    command = f'''
      for at in $(/bin/findmnt -n -r -o TARGET -t tracefs,debugfs | tac); do /bin/umount -l $at || exit 9; done
      cat /proc/self/mountinfo > {self.folder}/before
      {harness.CORRELATE} record -o {self.trace} -- {harness.NSENTER} --net=/run/netns/near /usr/bin/python3 -c '{drop}' || exit
      {harness.CORRELATE} script {self.trace} > {self.folder}/script || exit
      cat /proc/self/mountinfo > {self.folder}/after'''
    harness.run([harness.UNSHARE, '--mount', '/bin/sh', '-c', command])
    before, after = ((self.folder / name).read_text() for name in ('before', 'after'))
    self.assertNotIn('tracefs', before)
    self.assertEqual(before, after)
    self.assertGreaterEqual(len(harness.script(self.trace)), 20)


class Privileges(harness.HostTest):
  """Each live command says exactly what is missing, also to a root of fewer capabilities."""

  def setUp(self):
    super().setUp()
    # Where everybody may read and execute it.
    self.folder.chmod(0o755)
    self.binary = self.folder / 'bpftrace-correlate'
    shutil.copy(harness.CORRELATE, self.binary)
    self.binary.chmod(0o755)

  def without(self, privileges, *arguments):
    """setpriv's options, then our arguments."""
    return harness.run([harness.SETPRIV, *privileges.split(), self.binary, *arguments], check=False, cwd=self.folder)

  NOBODY = '--reuid=65534 --regid=65534 --clear-groups'
  LIVE = (('record', '-o', '/dev/null', '--duration', '1ms'), ('programs',), ('demo',))

  def assert_refused(self, privileges, command, *named):
    done = self.without(privileges, *command)
    self.assertEqual(done.returncode, harness.EXIT_FAILURE, done.stderr)
    self.assertEqual(done.stdout, '')
    for name in named:
      self.assertIn(name, done.stderr)

  def test_nobody(self):
    missing = {'record': 'CAP_DAC_READ_SEARCH', 'programs': 'CAP_SYS_ADMIN', 'demo': 'CAP_DAC_READ_SEARCH'}
    for command in self.LIVE:
      with self.subTest(command=command[0]):
        self.assert_refused(self.NOBODY, command, missing[command[0]])

  def test_root_without_perf(self):
    for command in self.LIVE:
      if command[0] != 'programs':
        with self.subTest(command=command[0]):
          self.assert_refused('--bounding-set -sys_admin,-perfmon', command, 'CAP_PERFMON', 'kernel.perf_event_paranoid')

  def test_root_without_sys_admin(self):
    for command in (('programs',), ('demo',)):
      with self.subTest(command=command[0]):
        self.assert_refused('--bounding-set -sys_admin', command, 'CAP_SYS_ADMIN')
    done = self.without('--bounding-set -sys_admin', 'record', '--duration', '1ms', '-o', self.trace)
    self.assertEqual(done.returncode, 0, done.stderr)  # it records, and says what it cannot know
    self.assertIn('CAP_SYS_ADMIN', done.stderr)

  def test_namespaces_that_cannot_be_seen(self):
    """One that cannot be entered, and one that cannot even be found: only a process of ours holds it."""
    lab = L.Lab()
    self.addCleanup(lab.close)
    for missing in ('sys_admin', 'sys_ptrace'):
      done = self.without(f'--bounding-set -{missing}', 'record', '--duration', '1ms', '-o', self.trace)
      self.assertEqual(done.returncode, 0, done.stderr)
      self.assertRegex(done.stderr, f'network namespaces .* CAP_{missing.upper()}')

  def test_root_without_net_admin(self):
    self.assert_refused('--bounding-set -net_admin', ('demo',), 'CAP_NET_ADMIN')

  def test_root_without_ipc_lock(self):
    """Smaller rings, and a word about them."""
    done = self.without('--bounding-set -ipc_lock', 'record', '--stacks', 'all', '--duration', '1ms', '-o', self.trace)
    self.assertEqual(done.returncode, 0, done.stderr)
    self.assertIn('CAP_IPC_LOCK', done.stderr)

  def test_root_without_syslog(self):
    """No kernel symbols, and a word about them."""
    without = '--bounding-set -syslog'
    shown = harness.run([harness.SETPRIV, *without.split(), '/usr/bin/head', '-1', '/proc/kallsyms']).stdout
    if int(shown.split()[0], 16) != 0:
      self.skipTest('this host shows kernel addresses without CAP_SYSLOG')
    done = self.without(without, 'record', '--duration', '1ms', '-o', self.trace)
    self.assertEqual(done.returncode, 0, done.stderr)
    self.assertIn('CAP_SYSLOG', done.stderr)


if __name__ == '__main__':
  harness.main()
