#!/usr/bin/python3
"""Every scenario: nobody is blamed for what he did not do, and the evidence is as good as expected.py says. Then the judge
on trial: the same recordings with a forced culprit must be found wrong. At the end the table; see report.py.

  ATTRIBUTION_DEMAND=goal       demands what is to be reached, not what is today; =verdict: with --attribution verdict;
                                =trampoline: with that, where the kernel allows trampolines; =nothing: that nobody is falsely
                                blamed, on kernels that tell less
  ATTRIBUTION_RECORD_OPTIONS    more options of `record`, such as `--attribution verdict`
  ATTRIBUTION_TABLE             also writes the table to this file, x.json or x.md
"""

import os
import pathlib
import random
import shlex
import sys
import unittest

from tests.attribution import bpf
from tests.attribution import expected
from tests.attribution import field as F
from tests.attribution import judge
from tests.attribution import report
from tests.attribution import scenarios
from tests.attribution import witness as W
from tests.integration import harness

FEWEST = 100  # packets that a scenario's programs drop

# An emulated CPU may stand still for longer than what was noted of a packet holds: then less is said, never something wrong.
DOUBTFUL = 0.1 if harness.in_guest() else 0

DEMAND = os.environ.get('ATTRIBUTION_DEMAND', 'today')  # a field of expected.Levels
RECORD_OPTIONS = shlex.split(os.environ.get('ATTRIBUTION_RECORD_OPTIONS', ''))

_witness = None
_outcomes = {}  # by scenario: an Outcome, or the SkipTest


class Outcome:
  """What is left of a scenario when its field is gone."""

  def __init__(self, field):
    self.cases, self.unmatched = field.cases()
    self.suspects = field.suspects()
    self.tally = judge.Tally(self.cases)
    self.lost = field.summary.lost + field.summary.missed
    self.sent_to_pass, self.passed = field.sent_to_pass, field.passed
    self.program_ids = {number for program in field.programs.values() for number in program.ids}


class AttributionTest(harness.RootTest):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    global _witness
    if _witness is None:
      try:
        _witness = W.Witness()
      except bpf.BpfError as error:
        raise unittest.SkipTest(f'the witness cannot be loaded: {error}') from error
      unittest.addModuleCleanup(_witness.close)

  def outcome_of(self, name):
    """Records the scenario once."""
    if name not in _outcomes:
      try:
        field = F.Field(_witness, self.folder, RECORD_OPTIONS)
        try:
          scenarios.ALL[name].run(field)
          _outcomes[name] = Outcome(field)
        finally:
          field.close()
      except unittest.SkipTest as skip:
        _outcomes[name] = skip
    if isinstance(_outcomes[name], unittest.SkipTest):
      raise _outcomes[name]
    return _outcomes[name]


class Scenarios(AttributionTest):
  """test_NAME for each scenario, added below."""

  def assert_scenario(self, name):
    outcome = self.outcome_of(name)
    tally, levels = outcome.tally, expected.EXPECTED[name]
    # Is the scenario what it is meant to be?
    self.assertGreaterEqual(outcome.passed, FEWEST)
    self.assertEqual(outcome.passed, outcome.sent_to_pass, 'packets that nobody was to drop did not arrive')
    for event in levels:
      self.assertGreaterEqual(tally.by_event[event].total(), FEWEST, f'{event} of programs')
    if not levels:
      self.assertEqual(tally.by_programs, 0, 'a program dropped')
    self.assertGreaterEqual(sum(case.culprit is None for case in outcome.cases), FEWEST, 'decoys')
    # Is the recording whole?
    self.assertLessEqual(len(outcome.unmatched), outcome.lost, f'events that are not in the trace: {outcome.unmatched[:3]}')
    # Is anybody blamed for what he did not do?
    if tally.faults and DEMAND == 'today' and name in expected.KNOWN_FAULTS:
      self.skipTest(f'{tally.wrong} of {len(outcome.cases)} wrong, which is known: {expected.KNOWN_FAULTS[name]}')
    if tally.faults:
      self.fail(f'{tally.wrong} of {len(outcome.cases)} wrong:\n' + '\n'.join(tally.faults[:5]))
    # Is enough said?
    for event, level in levels.items() if DEMAND != 'nothing' else ():
      demanded = getattr(level, DEMAND) or level.verdict
      self.assertGreaterEqual(tally.share_of(event, demanded), level.share - DOUBTFUL,
                              f'share of {event} with {demanded} or more: {dict(tally.by_event[event])}')
    # Did the recorder, or the test, hold on to a program?
    harness.wait_for(lambda: not any(map(bpf.exists, outcome.program_ids)), f'programs {outcome.program_ids} to go')


def _add(name):
  def test(self):
    self.assert_scenario(name)
  test.__name__ = test.__qualname__ = f'test_{name}'
  setattr(Scenarios, test.__name__, test)


class JudgeOnTrial(AttributionTest):
  """The recordings of the scenarios with a forced culprit. Were such lies not found, the suite would prove nothing."""

  def each(self):
    """(name, Outcome) of all that can run here."""
    for name in sorted(scenarios.ALL):
      try:
        outcome = self.outcome_of(name)
      except unittest.SkipTest:
        continue
      if outcome.suspects:
        yield name, outcome

  def assert_found_out(self, choose):
    """In every scenario; and where several programs stand there, by the packets of programs alone."""
    proven = 0
    for name, outcome in self.each():
      with self.subTest(scenario=name):
        lies = judge.forced(outcome.cases, lambda case, outcome=outcome: choose(outcome.suspects))
        self.assertGreaterEqual(judge.Tally(lies).wrong, FEWEST)
        several = scenarios.ALL[name].several
        proven += several and judge.Tally([lie for lie in lies if lie.culprit is not None]).wrong > 0
    return proven

  def test_the_first(self):
    self.assertGreater(self.assert_found_out(lambda suspects: suspects[0]), 10)

  def test_the_last(self):
    self.assertGreater(self.assert_found_out(lambda suspects: suspects[-1]), 10)

  def test_any(self):
    choice = random.Random(1)
    several = sum(scenarios.ALL[name].several for name, _ in self.each())
    self.assertEqual(self.assert_found_out(choice.choice), several)

  def test_the_last_or_the_first_of_several(self):
    """Where several programs stand there, one of the two is found out by the packets of programs alone."""
    for name, outcome in self.each():
      if scenarios.ALL[name].several:
        with self.subTest(scenario=name):
          by_programs = [case for case in outcome.cases if case.culprit is not None]
          wrong = [judge.Tally(judge.forced(by_programs, lambda case, suspect=suspect: suspect)).wrong
                   for suspect in (outcome.suspects[0], outcome.suspects[-1])]
          self.assertGreater(max(wrong), 0)

  def test_everybody_is_a_candidate_but_the_one(self):
    for name, outcome in self.each():
      by_programs = [case for case in outcome.cases if case.culprit is not None]
      if by_programs and scenarios.ALL[name].several:
        with self.subTest(scenario=name):
          lies = []
          for case in by_programs:
            others = [{'id': number} for number, _ in outcome.suspects if number not in case.culprit.ids]
            lie = {'evidence': 'candidates', 'programs': others or [{'id': 0}]}
            lies.append(case._replace(event={**case.event, 'attribution': lie}))
          self.assertEqual(judge.Tally(lies).wrong, len(lies))


class Table(harness.Test):

  def test_every_scenario_has_an_expectation(self):
    self.assertEqual(set(scenarios.ALL), set(expected.EXPECTED))


def tearDownModule():
  """The table; as a file too, in the form that its name says, where one is asked for."""
  tallies = {name: outcome.tally for name, outcome in _outcomes.items() if isinstance(outcome, Outcome)}
  skipped = {name: str(skip) for name, skip in _outcomes.items() if isinstance(skip, unittest.SkipTest)}
  rows = report.rows(tallies)
  if not rows:
    return
  report.write(rows, skipped, sys.stdout)
  if 'ATTRIBUTION_TABLE' in os.environ:
    path = pathlib.Path(os.environ['ATTRIBUTION_TABLE'])
    path.write_text({'.json': lambda: report.as_json(rows, skipped), '.md': lambda: report.as_markdown(rows)}[path.suffix]() +
                    '\n', encoding='utf-8')


for _name in scenarios.load_all():
  _add(_name)

if __name__ == '__main__':
  harness.main()
