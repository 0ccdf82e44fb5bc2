"""The table of the suite, a row a scenario: as text for a terminal, as Markdown for the docs, or as JSON."""

import collections
import json

from tests.attribution import expected
from tests.attribution import judge

Row = collections.namedtuple('Row', 'scenario dropped right listed none wrong by_others evidence goal')
HEADINGS = Row('scenario', 'dropped by programs', 'right', 'listed', 'none', 'wrong', 'dropped by others',
               'evidence', 'goal')


def _words(levels):
  values = [level.goal for level in levels.values()]
  return ', '.join(dict.fromkeys(values)) or 'nobody blamed'


def rows(tallies):
  """In the order of expected.py."""
  found = []
  for name, levels in expected.EXPECTED.items():
    tally = tallies.get(name)
    if tally is None:
      continue
    counts = tally.outcomes
    evidence = ', '.join(f'{kind} {tally.evidence[kind]}' for kind in reversed(judge.EVIDENCE) if tally.evidence[kind])
    found.append(Row(name, tally.by_programs, counts[judge.RIGHT], counts[judge.LISTED], counts[judge.NONE],
                     counts[judge.WRONG], sum(counts.values()) - tally.by_programs, evidence or '-', _words(levels)))
  return found


def _total(found):
  sums = {field: sum(getattr(row, field) for row in found)
          for field in ('dropped', 'right', 'listed', 'none', 'wrong', 'by_others')}
  return Row(scenario=f'{len(found)} scenarios', evidence='', goal='', **sums)


def as_text(found):
  lines = [HEADINGS, *found, _total(found)]
  cells = [[f'{value:,}' if isinstance(value, int) else value for value in line] for line in lines]
  widths = [max(len(line[i]) for line in cells) for i in range(len(HEADINGS))]
  numbers = {i for i, value in enumerate(_total(found)) if isinstance(value, int)}
  return '\n'.join('  '.join(value.rjust(width) if i in numbers else value.ljust(width)
                             for i, (value, width) in enumerate(zip(line, widths))).rstrip() for line in cells)


def as_markdown(found):
  lines = [HEADINGS, Row(*['---'] * len(HEADINGS)), *found, _total(found)]
  return '\n'.join('| ' + ' | '.join(f'{value:,}' if isinstance(value, int) else value for value in line) + ' |'
                   for line in lines)


def as_json(found, skipped):
  return json.dumps({'scenarios': [row._asdict() for row in found], 'total': _total(found)._asdict(),
                     'skipped': skipped}, indent=1)


def write(found, skipped, stream):
  print('\n' + as_text(found), file=stream)
  for row in found:
    if row.wrong:
      print(f'{row.scenario}: {row.wrong} wrong: {expected.KNOWN_FAULTS.get(row.scenario, "new")}', file=stream)
  for name, why in skipped.items():
    print(f'{name}: skipped: {why}', file=stream)
