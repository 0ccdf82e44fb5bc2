#!/usr/bin/python3
"""What tools/package made (PACKAGE_FOLDER): what is in it, what lintian says, and that it works in Debian systems that
hold nothing but their base (debootstrap). tools/test runs it; the chroots are kept in CHROOT_FOLDER, never written to.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from tests.integration import harness

RELEASES = {'bullseye': 11, 'bookworm': 12, 'trixie': 13}


def run(command, check=True, **kwargs):
  result = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=400, **kwargs)
  if check and result.returncode != 0:
    raise AssertionError(f'{command}: exit status {result.returncode}\n{result.stdout}{result.stderr}')
  return result


class _Made(unittest.TestCase):

  @classmethod
  def setUpClass(cls):
    made = pathlib.Path(os.environ['PACKAGE_FOLDER'])
    cls.archive, = made.glob('*-linux-x86_64.tar.zst')
    cls.deb, = made.glob('*_amd64.deb')
    folder = tempfile.TemporaryDirectory()
    cls.addClassCleanup(folder.cleanup)
    cls.folder = pathlib.Path(folder.name)
    run(['tar', '-C', cls.folder, '--zstd', '-xf', cls.archive])
    cls.tree, = cls.folder.iterdir()
    cls.program = cls.tree / 'bpftrace-correlate'


class Package(_Made):

  def test_needs_no_library(self):
    headers = run(['readelf', '-ldW', self.program]).stdout
    self.assertNotIn('INTERP', headers)
    self.assertNotIn('NEEDED', headers)

  def test_says_what_it_is_without(self):
    version = run([self.program, '--version']).stdout.splitlines()
    self.assertEqual(version[0].split()[1], self.tree.name.split('-')[2])
    self.assertEqual(['without'] * 3, [line.split()[0] for line in version[1:]])
    listening = run([self.program, 'alert', '--listen', '127.0.0.1:0', '--', 'true'], check=False)
    self.assertNotEqual(listening.returncode, 0)

  def test_no_folder_of_the_build_is_in_it(self):
    """Two builds from two folders would not be the same."""
    for path in (b'/execroot/', os.fsencode(pathlib.Path(__file__).resolve().parents[2])):
      self.assertFalse(path in self.program.read_bytes(), path)

  def test_libperf_is_not_in_it(self):
    self.assertFalse(b'libperf' in self.program.read_bytes())

  def test_each_command_has_its_page(self):
    pages = {page.name for page in (self.tree / 'man/man1').iterdir()}
    for command in ('record', 'report', 'alert', 'doctor', 'demo'):
      self.assertIn(f'bpftrace-correlate-{command}.1', pages)
    self.assertEqual({path.name for path in (self.tree / 'completions').iterdir()}, {'bash', 'zsh', 'fish'})

  def test_licences_of_all_that_is_linked_in(self):
    held = {path.name: path.stat().st_size for path in (self.tree / 'licences').iterdir()}
    self.assertTrue(all(held.values()), held)
    # Each leaves text of its own in the program.
    for trace, package in ((b'libbpf: ', 'libbpf-dev'), (b'google/protobuf', 'libprotobuf-dev'), (b'GLIBC_TUNABLES', 'libc6-dev'),
                           (b'deflate 1.', 'zlib1g-dev'), (b'libtraceevent', 'libtraceevent-dev')):
      self.assertTrue(trace in self.program.read_bytes(), trace)
      self.assertIn(package, held)
    self.assertTrue((self.tree / 'docs/licences.md').exists())

  def test_lintian(self):
    said = run(['lintian', '--allow-root', '--fail-on', 'error', self.deb], check=False)
    self.assertEqual(said.returncode, 0, said.stdout + said.stderr)

  def test_the_same_program_in_both(self):
    unpacked = self.folder / 'deb'
    run(['dpkg-deb', '-x', self.deb, unpacked])
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (self.program, unpacked / 'usr/bin/bpftrace-correlate')}
    self.assertEqual(len(digests), 1)

  def test_depends_on_nothing(self):
    self.assertEqual(run(['dpkg-deb', '-f', self.deb, 'Depends', 'Pre-Depends']).stdout, '')


class Bare(_Made):
  """In a Debian with nothing but its base: an overlay over what debootstrap made, in a mount namespace of its own."""

  def in_release(self, release, script):
    base = pathlib.Path(os.environ['CHROOT_FOLDER']) / release
    if not (base / 'complete').exists():
      run(['rm', '-rf', '--one-file-system', base])
      base.mkdir(parents=True)
      made = run(['debootstrap', '--variant=minbase', release, base, self.mirror()], check=False)
      if made.returncode != 0:
        self.skipTest(f'no {release} by debootstrap: {made.stdout.strip().splitlines()[-1:]}')
      (base / 'complete').touch()
    inside = f'''set -e
      mount -t tmpfs none {self.folder}/mnt
      cd {self.folder}/mnt
      mkdir upper work root
      mount -t overlay overlay -o lowerdir={base},upperdir=upper,workdir=work root
      mount --rbind /sys root/sys
      mount -t proc proc root/proc
      mount --rbind /dev root/dev
      mkdir root/given
      mount --bind {self.folder} root/given
      exec chroot root /bin/sh -ec '{script}' '''
    (self.folder / 'mnt').mkdir(exist_ok=True)
    return run(['unshare', '--mount', '--propagation', 'private', 'bash', '-c', inside],
               env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL': 'C'})

  @staticmethod
  def mirror():
    """That of this host."""
    for line in run(['apt-get', 'indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']).stdout.splitlines():
      if line.rstrip('/').endswith('/debian'):
        return line
    raise unittest.SkipTest('apt knows no mirror of Debian')

  def check(self, release):
    if os.geteuid() != 0:
      self.skipTest('needs root')
    run(['cp', self.deb, self.folder / 'package.deb'])
    self.in_release(release, f'''
      p=/given/{self.tree.name}/bpftrace-correlate
      $p doctor > /given/doctor
      $p demo > /given/demo
      $p record -o /given/trace -- sleep 1 2> /given/record
      $p report /given/trace > /given/report
      $p report --json /given/trace > /given/report.json
      dpkg -i /given/package.deb > /given/dpkg
      bpftrace-correlate --version > /given/installed
      dpkg --purge bpftrace-correlate >> /given/dpkg
      test ! -e /usr/bin/bpftrace-correlate
      test ! -e /etc/bpftrace-correlate''')
    self.assertRegex((self.folder / 'demo').read_text(), r'xdp_abort .*XDP_ABORTED +250 .*event')
    self.assertRegex((self.folder / 'doctor').read_text(), r'ok +tracepoints')
    json.loads((self.folder / 'report.json').read_text())
    self.assertEqual((self.folder / 'installed').read_text(), run([self.program, '--version']).stdout)


for _release, _number in RELEASES.items():
  setattr(Bare, f'test_debian_{_number}', lambda self, release=_release: self.check(release))


if __name__ == '__main__':
  harness.main()
