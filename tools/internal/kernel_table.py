"""The table of tools/kernels, of the JSON objects that tests/vm/kernel_matrix.py printed: kernel and condition by capability, and
below it what is less or refused, and why. Exit status 1 if anything failed.
"""

import argparse
import json
import pathlib
import sys


def cells_of(runs):
  """The titles, and a row of verdicts for each run; empty where a suite was not asked for."""
  capabilities = list(dict.fromkeys(capability for run in runs for capability, _, _ in run['rows']))
  rows = []
  for run in runs:
    verdicts = {capability: verdict for capability, verdict, _ in run['rows']}
    rows.append((run['kernel'], run['condition'].replace('_', ' '), *(verdicts.get(capability, '') for capability in capabilities)))
  return ('kernel', 'condition', *capabilities), rows


def reasons_of(runs):
  """(capability, verdict, detail) with the runs that have it, of all that says something."""
  found = {}
  for run in runs:
    for capability, verdict, detail in run['rows']:
      if detail:
        found.setdefault((capability, verdict, detail), []).append(f'{run["kernel"].split("-")[0]} {run["condition"].replace("_", " ")}')
  order = {capability: i for i, capability in enumerate(dict.fromkeys(capability for capability, _, _ in found))}
  return sorted(found.items(), key=lambda item: order[item[0][0]])


def main():
  parser = argparse.ArgumentParser()
  parser.add_argument('--text', action='store_true')
  parser.add_argument('--markdown', action='store_true')
  parser.add_argument('results', nargs='+', type=pathlib.Path)
  args = parser.parse_args()
  runs = [json.loads(path.read_text()) for path in args.results]
  titles, rows = cells_of(runs)
  if args.markdown:
    print('| ' + ' | '.join(titles) + ' |\n|' + ' --- |' * len(titles))
    for row in rows:
      print('| ' + ' | '.join(row) + ' |')
    print('\n| capability | verdict | where | what, why |\n| --- | --- | --- | --- |')
    for (capability, verdict, detail), where in reasons_of(runs):
      detail = detail.replace('|', '\\|').replace('\n', ' ')
      print(f'| {capability} | {verdict} | {", ".join(where)} | {detail} |')
  else:
    widths = [max(len(row[i]) for row in [titles, *rows]) for i in range(len(titles))]
    for row in [titles, *rows]:
      print('  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    for (capability, verdict, detail), where in reasons_of(runs):
      print(f'\n{capability}, {verdict}: {", ".join(where)}\n    {detail}')
  failed = sum(verdict == 'failed' for run in runs for _, verdict, _ in run['rows'])
  print(f'{len(runs)} guests, {sum(len(run["rows"]) for run in runs)} capabilities, {failed} failed', file=sys.stderr)
  sys.exit(1 if failed else 0)


if __name__ == '__main__':
  main()
