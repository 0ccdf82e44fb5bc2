#!/usr/bin/python3
"""Counts test cases over what tools/test ran, says why cases failed or were skipped, and closes with one line.

usage: summarize.py FOLDER

FOLDER holds NAME.bep, Bazel's build event protocol as JSON lines, for each call of `bazel test`, NAME.xml, results as
JUnit's XML has them, and checks.tsv with a line "STATUS<tab>NAME<tab>DETAIL" for each other check. The exit status is 1 if anything failed or
nothing passed.
"""

import collections
import json
import pathlib
import re
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree

Case = collections.namedtuple('Case', 'status name detail')

# How a test that is no GoogleTest says that it could not run: such a line, and exit status 0.
SKIP_LINE = re.compile(r'^SKIP(?:PED)?: (.*)$', re.MULTILINE)
LOG_LINES = 40


def main():
  folder = pathlib.Path(sys.argv[1])
  cases = []
  for bep in sorted(folder.glob('*.bep')):
    cases += cases_of_bazel_run(bep)
  for results in sorted(folder.glob('*.xml')):
    try:
      cases += cases_of_xml('', results.stem, ElementTree.parse(results).getroot(), '')
    except ElementTree.ParseError:
      cases.append(Case('failed', results.stem, 'it ended without results, see the log above'))
  checks = folder / 'checks.tsv'
  if checks.exists():
    for line in checks.read_text().splitlines():
      cases.append(Case(*line.split('\t', 2)))

  failed = [case for case in cases if case.status == 'failed']
  skipped = [case for case in cases if case.status == 'skipped']
  passed = len(cases) - len(failed) - len(skipped)
  if failed:
    print('\nFailed:')
    for case in failed:
      print(f'  {case.name}')
      print(indent(case.detail, '    | '))
  if skipped:
    print('\nSkipped:')
    for case in skipped:
      print(f'  {case.name}: {case.detail}')
  if not passed and not failed:
    print('\nNo test ran.')
  print(f'\n{passed} passed, {len(failed)} failed, {len(skipped)} skipped', flush=True)
  return 1 if failed or not passed else 0


def cases_of_bazel_run(path):
  """The cases of every test that one `bazel test` ran, and a failed case for every target that did not build."""
  run = '' if path.stem == 'tests' else f'{path.stem}: '
  cases = []
  tested = set()
  unbuilt = {}
  finished = None
  for line in path.read_text().splitlines():
    try:
      event = json.loads(line)
    except json.JSONDecodeError:  # Bazel was killed while it wrote
      continue
    what = event.get('id', {})
    if 'testResult' in what:
      label = what['testResult']['label']
      tested.add(label)
      cases += cases_of_result(run, label, event['testResult'])
    elif 'targetCompleted' in what and not event.get('completed', {}).get('success'):
      unbuilt[what['targetCompleted']['label']] = 'did not build, see the log above'
    elif 'targetConfigured' in what and 'aborted' in event:
      unbuilt[what['targetConfigured']['label']] = event['aborted'].get('description', 'not loaded')
    elif 'pattern' in what and 'aborted' in event:
      unbuilt[' '.join(what['pattern']['pattern'])] = event['aborted'].get('description', 'not loaded')
    elif 'buildFinished' in what:
      finished = event['finished'].get('exitCode', {})
  for label, why in unbuilt.items():
    if label not in tested:
      cases.append(Case('failed', run + label, why))
  if finished is None:
    cases.append(Case('failed', f'{run}bazel test', 'Bazel did not finish'))
  elif finished.get('code', 0) and not any(case.status == 'failed' for case in cases):
    cases.append(Case('failed', f'{run}bazel test', f'Bazel ended with {finished.get("name")}, see the log above'))
  return cases


def cases_of_result(run, label, result):
  files = {}
  for output in result.get('testActionOutput', []):
    uri = urllib.parse.urlparse(output.get('uri', ''))
    if uri.scheme == 'file':
      files[output['name']] = pathlib.Path(urllib.parse.unquote(uri.path))
  log = files['test.log'].read_text(errors='replace') if 'test.log' in files and files['test.log'].exists() else ''
  status = result.get('status')
  cases = []
  if 'test.xml' in files and files['test.xml'].exists():
    try:
      cases = cases_of_xml(run, label, ElementTree.parse(files['test.xml']).getroot(), log)
    except ElementTree.ParseError:
      cases = []
  if status != 'PASSED' and not any(case.status == 'failed' for case in cases):
    cases.append(Case('failed', run + label, f'{status}\n{tail(log)}'))
  elif status == 'PASSED' and not cases:
    cases.append(Case('failed', run + label, 'it passed, but reported no test case'))
  return cases


def cases_of_xml(run, label, root, log):
  cases = []
  for case in root.iter('testcase'):
    if case.get('status') == 'notrun':  # GoogleTest's disabled tests
      cases.append(Case('skipped', f'{run}{label} {case.get("classname")}.{case.get("name")}', 'disabled'))
      continue
    # Bazel writes the file of a test that writes none: one case, named by the test's path.
    generated = not case.get('classname')
    name = run + label if generated else f'{run}{label} {case.get("classname")}.{case.get("name")}'
    broken = case.findall('failure') + case.findall('error')
    skip = case.find('skipped')
    skip_line = SKIP_LINE.search(log) if generated else None
    if broken:
      detail = tail(log) if generated else '\n'.join(problem.get('message') or problem.text or '' for problem in broken)
      cases.append(Case('failed', name, detail))
    elif skip is not None:
      cases.append(Case('skipped', name, skip_reason(skip)))
    elif skip_line:
      cases.append(Case('skipped', name, skip_line.group(1)))
    else:
      cases.append(Case('passed', name, ''))
  return cases


def skip_reason(element):
  """GoogleTest's message is FILE:LINE, then the reason on lines of its own."""
  text = element.get('message') or element.text or ''
  lines = [line.strip() for line in text.splitlines() if line.strip()]
  if len(lines) > 1 and re.search(r':\d+$', lines[0]):
    lines = lines[1:]
  return ' '.join(lines) or 'no reason given'


def tail(text):
  return '\n'.join(text.splitlines()[-LOG_LINES:])


def indent(text, prefix):
  return '\n'.join(prefix + line for line in text.splitlines())


if __name__ == '__main__':
  sys.exit(main())
