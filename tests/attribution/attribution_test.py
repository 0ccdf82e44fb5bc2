#!/usr/bin/python3
"""Every scenario, with each way of attributing: nobody is blamed for what another one did.

`--table` prints the table of all scenarios.
"""

import random
import sys

from tests.attribution import arena as A
from tests.attribution import judge
from tests.attribution import scenarios
from tests.integration import harness

STRENGTH = ('none', 'candidates', 'sampled', 'sole', 'stack', 'verdict', 'event')  # weakest first
LEAST_DROPPED = 100
WAYS = {'auto': (), 'verdict': ('--attribution', 'verdict')}
ROWS = []
ARENAS = {}  # of scenarios with several programs, for the test of the judge


def run(scenario, way):
  arena = A.Arena(WAYS[way])
  try:
    scenario.run(arena)
    ROWS.append((way, judge.row(scenario.name, arena)))
    return arena, ROWS[-1][1]
  finally:
    arena.close()


def table():
  lines = [('WAY', 'SCENARIO', 'DROPPED', 'RIGHT', 'WRONG', 'NONE', 'EVIDENCE')]
  for way, row in ROWS:
    evidences = ', '.join(f'{evidence} {count}' for evidence, count in row.evidences.most_common())
    lines.append((way, row.scenario, row.dropped, row.right, row.wrong, row.silent, evidences))
  widths = [max(len(str(line[column])) for line in lines) for column in range(len(lines[0]))]
  return '\n'.join('  '.join(str(cell).ljust(width) if column in (0, 1, 6) else str(cell).rjust(width)
                             for column, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines)


class Attribution(harness.HostTest):
  """A case for each scenario and way is made below."""

  def check(self, scenario, way):
    arena, row = run(scenario, way)
    print(row, flush=True)
    if scenario.name in ('two_prefs_both_drop', 'tcx_before_clsact') and way == 'auto':
      ARENAS[scenario.name] = arena
    self.assertEqual(row.wrong, 0, 'a false blame')
    if scenario.goal != 'none':
      self.assertGreaterEqual(row.dropped, LEAST_DROPPED)
    goal = scenario.verdict_goal if way == 'verdict' else scenario.goal
    reached = sum(count for evidence, count in row.evidences.items() if STRENGTH.index(evidence) >= STRENGTH.index(goal))
    self.assertGreaterEqual(reached, scenario.share * row.dropped, f'not by {goal}: {row.evidences}')


class TheJudge(harness.RootTest):
  """Attributions that are wrong on purpose are found out."""

  def test_zz_forced_attributions_are_found_out(self):
    if not ARENAS:
      self.skipTest('the scenarios that it judges did not run')
    forced = {
        'the first': lambda programs: programs[0],
        'the last': lambda programs: programs[-1],
        'any': lambda programs: random.choice(programs),
    }
    for name, arena in ARENAS.items():
      for which, choose in forced.items():
        def lie(event):
          attribution = event['attribution']
          if len(attribution['programs']) < 2:
            return attribution
          return {**attribution, 'evidence': 'sole', 'programs': [choose(attribution['programs'])]}
        with self.subTest(scenario=name, forced=which):
          self.assertEqual(judge.row(name, arena).wrong, 0)
          self.assertGreater(judge.row(name, arena, lie).wrong, 0)


def _add_cases():
  for scenario in scenarios.SCENARIOS:
    for way in WAYS:
      def case(self, scenario=scenario, way=way):
        self.check(scenario, way)
      case.__name__ = f'test_{scenario.name}__{way}'
      setattr(Attribution, case.__name__, case)


_add_cases()

if __name__ == '__main__':
  try:
    harness.main()
  finally:
    print(table(), flush=True)
