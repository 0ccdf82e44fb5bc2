#!/usr/bin/python3
"""What tools/kernels runs in a guest of tools/vm: the packaged program against one kernel in one condition. One JSON object on
stdout: {"kernel", "condition", "rows": [[capability, verdict, detail]...], "verifier"}, with a verdict of `works`, `less`,
`refused`, `failed`, and what the kernel's verifier said of the program's BPF objects that it refused.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

PROGRAM = os.environ.get('BPFTRACE_CORRELATE', 'bpftrace-correlate')

# Before anything runs. Values of sysctls are the guest's alone, and end with it.
CONDITIONS = {
    'plain': '', 'one_cpu': '', 'eight_cpus': '',  # tools/kernels gives the guest as many
    'no_btf': 'mount --bind /dev/null /sys/kernel/btf/vmlinux',
    'hardened': '''sysctl -qw kernel.kptr_restrict=2 net.core.bpf_jit_harden=2
                   sysctl -qw kernel.unprivileged_bpf_disabled=1 || true''',
    'no_jit': 'sysctl -qw net.core.bpf_jit_enable=0',
    'lockdown': 'grep -q "\\[confidentiality\\]" /sys/kernel/security/lockdown || '
                '{ mount -t securityfs none /sys/kernel/security; echo confidentiality > /sys/kernel/security/lockdown; }',
}

# Scenarios of tests/attribution: those of tc, tcx and XDP in their simplest form, of several programs, and of droppers without BPF.
SCENARIOS = ('clsact_ingress', 'tcx_ingress', 'xdp_native_aborted', 'clone_in_subprogram', 'two_prefs_egress',
             'mirred_beside_passing_program')

# Capability, module of tests, cases. Each leaves the guest as it was, or fails.
SUITES = (
    ('exact counts', 'tests.integration.counts_test', ['Mixed', 'Storm.test_by_default', 'Storm.test_full_rings']),
    ('bpf:*', 'tests.integration.bpf_calls_test', ['EachCall']),
    ('alert', 'tests.integration.alert_test', ['Alerts.test_exceptions_fire_and_are_over', 'Alerts.test_exit_code']),
    ('killed, nothing left', 'tests.integration.demo_test', ['Demo.test_kill_leaves_nothing']),
)
# Where they mean something else than on the host.
OLD = ('capabilities', 'tests.integration.privileges_test', [])
HOTPLUG = ('a CPU away and back', 'tests.integration.cpu_test', [])


def run(command, timeout=300):
  try:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)
  except subprocess.TimeoutExpired as error:
    return subprocess.CompletedProcess(command, 124, '', f'longer than {error.timeout} s')


def last(text):
  lines = [line.strip() for line in text.splitlines() if line.strip()]
  return lines[-1] if lines else ''


def doctor(checks):
  found = [check for check in checks if check['state'] != 'ok']
  return ('less' if found else 'works'), '; '.join(check['name'] for check in found)


def bpf_objects(checks):
  """Of each the verifier's judgement."""
  refused = [f'{check["name"]}: {check["found"]}' for check in checks if check['state'] != 'ok']
  if refused:
    return ('refused' if len(refused) == len(checks) else 'less'), '; '.join(refused)
  return ('works' if checks else 'failed'), f'{len(checks)} objects'


def diagnose():
  """(The rows of `doctor --load`, what it said on stderr.)"""
  done = run([PROGRAM, 'doctor', '--load', '--json'])
  try:
    checks = json.loads(done.stdout)['checks']
  except ValueError:
    return [('doctor', 'failed', last(done.stderr))], done.stderr
  own = [check for check in checks if check['name'].startswith('our BPF: ')]
  return [('doctor', *doctor([check for check in checks if check not in own])),
          ('our BPF objects', *bpf_objects(own))], done.stderr


def demo(folder):
  trace = folder / 'demo'
  done = run([PROGRAM, 'demo', '-o', str(trace)])
  if done.returncode != 0:
    return 'refused', last(done.stderr)
  named = {}
  for line in done.stdout.splitlines():
    if line.startswith(('xdp_abort', 'tc_drop', 'tc_mirror')):
      columns = re.split(' {2,}', line)
      named.setdefault(columns[0], []).append(columns[-2])  # evidence
  return ('works' if len(named) == 3 else 'less'), ', '.join(f'{name}: {" and ".join(by)}' for name, by in named.items())


def record(folder):
  trace = folder / 'trace'
  done = run([PROGRAM, 'record', '-o', str(trace), '--', 'sleep', '1'])
  if done.returncode != 0:
    return 'refused', last(done.stderr)
  read = run([PROGRAM, 'script', str(trace)])
  if read.returncode != 0:
    return 'failed', last(read.stderr)
  notes = json.loads(run([PROGRAM, 'info', '--json', str(trace)]).stdout)['notes']
  return ('less' if notes else 'works'), '; '.join(notes)


def attribution():
  """Who was blamed, and whether rightly. Somebody falsely blamed, or an event that is not in the trace, is a failure."""
  with tempfile.TemporaryDirectory() as name:
    table = pathlib.Path(name) / 'table.json'
    verdict, detail = suite('tests.attribution.attribution_test', [f'Scenarios.test_{name}' for name in SCENARIOS],
                            ATTRIBUTION_DEMAND='nothing', ATTRIBUTION_TABLE=str(table))
    if not table.exists():
      return verdict, detail
    found = json.loads(table.read_text())
  total = found['total']
  told = (f'{total["dropped"]} by programs: {total["right"]} right, {total["listed"]} listed, {total["none"]} none, '
          f'{total["wrong"]} wrong; {total["by_others"]} by others')
  nobody = [row['scenario'] for row in found['scenarios'] if row['none'] and not row['right'] + row['listed']]
  if nobody:
    told += f'; nobody is named in {", ".join(nobody)}'
  if found['skipped']:
    told += '; ' + '; '.join(f'{name}: {why.splitlines()[0]}' for name, why in found['skipped'].items())
  if verdict == 'failed':
    return verdict, f'{told}; failed: {detail}'
  return ('less' if nobody or found['skipped'] else 'works'), told


def suite(module, cases, **environment):
  with tempfile.NamedTemporaryFile(suffix='.xml') as results:
    subprocess.run([sys.executable, '-m', module, *cases], stdout=sys.stderr, check=False,
                   env={**os.environ, 'XML_OUTPUT_FILE': results.name, **environment})
    try:
      root = ElementTree.parse(results.name).getroot()
    except ElementTree.ParseError:
      return 'failed', 'it ended without results'
  cases = list(root.iter('testcase'))
  failed = [case.get('name') for case in cases if case.find('failure') is not None or case.find('error') is not None]
  skipped = [f'{case.get("name")}: {case.find("skipped").get("message", "")}' for case in cases if case.find('skipped') is not None]
  if failed:
    return 'failed', ', '.join(failed)
  if skipped:
    return ('refused' if len(skipped) == len(cases) else 'less'), '; '.join(skipped)
  return ('works' if cases else 'failed'), f'{len(cases)} cases'


def main():
  parser = argparse.ArgumentParser()
  parser.add_argument('condition', choices=sorted(CONDITIONS))
  parser.add_argument('--suites', action='store_true')
  args = parser.parse_args()
  rows, verifier = [], ''
  made = run(['bash', '-ec', CONDITIONS[args.condition]])
  if made.returncode != 0:
    rows.append(('the condition', 'refused', last(made.stderr)))
  else:
    diagnosed, verifier = diagnose()
    rows += diagnosed
    with tempfile.TemporaryDirectory() as name:
      folder = pathlib.Path(name)
      rows.append(('demo', *demo(folder)))
      rows.append(('record', *record(folder)))
  if args.suites:
    rows.append(('attribution', *attribution()))
    suites = [*SUITES, *([OLD] if platform.release().startswith('5.') else []), *([HOTPLUG] if os.cpu_count() > 1 else [])]
    rows += [(capability, *suite(module, cases)) for capability, module, cases in suites]
  json.dump({'kernel': platform.release(), 'cpus': os.cpu_count(), 'condition': args.condition, 'rows': rows,
             'verifier': verifier}, sys.stdout)


if __name__ == '__main__':
  main()
