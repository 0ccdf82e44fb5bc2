#!/usr/bin/python3
"""What tools/test runs in a guest of tools/vm: what the host's kernel may not have. The results go to stdout, as JUnit's XML;
what is said meanwhile to stderr.
"""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

# Scenarios of tests/attribution that the guest's kernel alone has (netkit, VLAN devices, classifiers), or that trampolines
# decide. tools/attribution --vm runs all of them.
SCENARIOS = (
    'beside_flower', 'beside_matchall', 'beside_u32', 'beside_u32_gact', 'cgroup_egress', 'cgroup_ingress',
    'mirred_beside_passing_program', 'netfilter_link', 'netkit', 'object_loaded_twice', 'replaced_while_two_cpus_send',
    'several_chains', 'shared_block', 'tcx_two_egress', 'two_prefs_egress', 'vlan_device', 'xdp_native_drop')
BY_VERDICT = {'ATTRIBUTION_DEMAND': 'trampoline', 'ATTRIBUTION_RECORD_OPTIONS': '--attribution verdict'}

def _python(module, *tests):
  return [sys.executable, '-m', module, *tests]


RUNS = (
    (['collector/exit_tracer_test'], {}),
    (_python('tests.vm.smoke_test'), {}),
    (_python('tests.vm.dispatcher_test'), {}),
    (_python('tests.integration.counts_test', 'Mixed', 'Storm.test_by_default', 'Storm.test_some_whole'), {}),
    (_python('tests.integration.faults_test', 'AClockStep'), {}),
    (_python('tests.integration.bpf_calls_test', 'EachCall', 'Odd.test_hostile_arguments', 'Odd.test_values_of_all_cpus'), {}),
    (_python('tests.attribution.attribution_test', *(f'Scenarios.test_{name}' for name in SCENARIOS)), BY_VERDICT),
)


def main():
  suites = ElementTree.Element('testsuites')
  for command, environment in RUNS:
    with tempfile.NamedTemporaryFile(suffix='.xml') as results:
      subprocess.run(command, stdout=sys.stderr, check=False,
                     env={**os.environ, **environment, 'XML_OUTPUT_FILE': results.name})
      try:
        suites.extend(ElementTree.parse(results.name).getroot())
      except ElementTree.ParseError:
        name = ' '.join(command[-3:])
        suite = ElementTree.SubElement(suites, 'testsuite', name=name)
        case = ElementTree.SubElement(suite, 'testcase', classname=name, name='all')
        ElementTree.SubElement(case, 'failure', message='it ended without results')
  ElementTree.ElementTree(suites).write(sys.stdout.buffer)


if __name__ == '__main__':
  main()
