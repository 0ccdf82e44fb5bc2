#!/usr/bin/python3
"""What shells complete, manual pages, and examples in every --help."""

import re
import subprocess

from tests.integration import harness


def commands():
  listed = harness.correlate('--help').stdout.split('Subcommands:')[-1]
  return re.findall(r'^  ([a-z]+) ', listed, re.M)


class Manual(harness.Test):

  def complete(self, line):
    """What bash offers at the end of a line."""
    script = harness.correlate('completion', 'bash').stdout + (
        'COMP_LINE=$1; read -ra COMP_WORDS <<<"$1"; [[ $1 == *" " ]] && COMP_WORDS+=("")\n'
        'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _bpftrace_correlate; printf "%s\\n" "${COMPREPLY[@]}"\n')
    return subprocess.run(['bash', '-c', script, 'bash', line], capture_output=True, text=True, check=True).stdout.split()

  def test_bash(self):
    self.assertEqual(self.complete('bpftrace-correlate rep'), ['report'])
    self.assertLessEqual(set(commands()), set(self.complete('bpftrace-correlate ')))
    self.assertIn('--filter', self.complete('bpftrace-correlate report --'))
    self.assertEqual(self.complete('bpftrace-correlate report --fil'), ['--filter'])
    self.assertEqual(self.complete('bpftrace-correlate export --format pp'), ['pprof'])

  def test_other_shells_accept_theirs(self):
    for shell in ('zsh', 'fish'):
      script = harness.correlate('completion', shell).stdout
      self.assertIn('report', script)
      subprocess.run([shell, '-n', '/dev/stdin'], input=script, text=True, check=True)

  def test_every_command_has_examples_and_a_page(self):
    self.assertGreaterEqual(len(commands()), 14)
    for command in commands():
      text = harness.correlate(command, '--help').stdout
      self.assertIn(f'bpftrace-correlate {command}', text.split('Examples:')[-1], command)
      page = harness.correlate('manual', command).stdout
      self.assertIn('.SH EXAMPLES', page)
      done = subprocess.run(['groff', '-man', '-ww', '-Tutf8'], input=page, capture_output=True, text=True, check=True)
      self.assertEqual(done.stderr, '', command)
      self.assertIn('--help', re.sub(r'.\x08|\x1b\[[0-9;]*m', '', done.stdout))
    self.assertIn('report', harness.correlate('manual').stdout)

  def test_examples_parse(self):
    """Every example of readers is one that the parser takes: with a trace that is not there it fails for that alone."""
    for command in ('script', 'report', 'diff', 'export', 'merge', 'info', 'annotate'):
      text = harness.correlate(command, '--help').stdout.split('Examples:')[-1]
      for line in re.findall(r'^  bpftrace-correlate (.*)$', text, re.M):
        line = line.replace('-o ', '-o /nonexistent/')
        done = subprocess.run(['bash', '-c', f'cd / && {harness.CORRELATE} {line}'], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 1, (line, done.stderr))


if __name__ == '__main__':
  harness.main()
