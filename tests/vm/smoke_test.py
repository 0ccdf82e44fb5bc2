#!/usr/bin/python3
"""The program on a kernel of tools/vm: does each command do there what it does on the host? Run as
`tools/vm -- python3 -m tests.vm.smoke_test`, in a guest alone: it looks at the whole host.
"""

import json
import platform
import unittest

from tests.integration import harness


class Smoke(harness.HostTest):

  def test_the_kernel_is_a_guest_of_tools_vm(self):
    self.assertTrue(harness.in_guest())
    print(platform.release(), flush=True)

  def test_doctor_tells(self):
    done = harness.correlate('doctor', '--json')
    checks = json.loads(done.stdout)
    self.assertTrue(checks)
    print(harness.correlate('doctor').stdout, flush=True)

  def test_demo_names_its_culprits(self):
    done = harness.correlate('demo', '-o', self.trace)
    print(done.stderr, done.stdout, flush=True)
    report = done.stdout.split('NO BPF PROGRAM')[0]
    for program in ('xdp_abort', 'tc_mirror'):
      self.assertIn(program, report)

  def test_a_recording_of_a_command_reads(self):
    done = harness.correlate('record', '-o', self.trace, '--', 'sleep', '1')
    print(done.stderr, flush=True)
    harness.LastLine(done.stderr)
    harness.script(self.trace)  # reads whole: exit status 0

  def test_a_commands_exit_status_is_ours(self):
    done = harness.correlate('record', '-o', self.trace, '--', 'sh', '-c', 'exit 7', check=False)
    self.assertEqual(done.returncode, 7, done.stderr)


if __name__ == '__main__':
  harness.main()
