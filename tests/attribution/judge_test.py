#!/usr/bin/python3
"""The judge on events that were made up: what is right, listed, wrong, and which event belongs to which packet."""

import collections
import io
import json
import re

from tests.attribution import expected
from tests.attribution import judge
from tests.attribution import report
from tests.integration import harness

Seen = collections.namedtuple('Seen', 'time_ns subject location cpu event packet')

PLACE = {'hook': 'tc', 'direction': 'ingress', 'ifindex': 2, 'netns': 4026532213, 'pref': 10, 'handle': '0x1'}
ELSEWHERE = {**PLACE, 'netns': 4026532214}
CULPRIT = judge.Culprit(frozenset({7}), PLACE)


def as_json(place):
  """The recorder's way: numbers of namespaces are strings."""
  return {**place, 'netns': str(place['netns']), 'ifname': 'far0'}


def drop(evidence=None, *programs, time_ns=1000, skb=0x10, location=0x20, cpu=0, **more):
  event = {'event': 'skb:kfree_skb', 'time_ns': str(time_ns), 'cpu': cpu,
           'fields': {'skbaddr': hex(skb), 'location': hex(location)}, **more}
  if evidence:
    event['attribution'] = {'evidence': evidence, 'why': 'made up', 'programs': [
        {'id': number, 'attachments': [as_json(place) for place in places]} for number, *places in programs]}
  return event


class Judging(harness.Test):

  def assert_outcome(self, outcome, event, culprit=CULPRIT, packet=5):
    verdict = judge.judge(judge.Case(event, packet, culprit))
    self.assertEqual(verdict.outcome, outcome, verdict)

  def test_the_culprit_at_its_place(self):
    for evidence in ('event', 'verdict', 'stack', 'sole', 'sampled'):
      self.assert_outcome(judge.RIGHT, drop(evidence, (7, PLACE)))

  def test_the_culprit_without_a_place(self):
    self.assert_outcome(judge.RIGHT, drop('stack', (7,)))

  def test_another_program(self):
    for evidence in ('event', 'verdict', 'stack', 'sole', 'sampled'):
      self.assert_outcome(judge.WRONG, drop(evidence, (8, PLACE)))

  def test_the_culprit_somewhere_else(self):
    for key, value in (('netns', 4026532214), ('ifindex', 3), ('direction', 'egress'), ('pref', 20), ('handle', '0x2')):
      self.assert_outcome(judge.WRONG, drop('sole', (7, {**PLACE, key: value})))

  def test_several_places_where_one_is_meant(self):
    """`sole` and `verdict` say where; the others say what program, which may be attached in several places."""
    self.assert_outcome(judge.WRONG, drop('sole', (7, PLACE, ELSEWHERE)))
    self.assert_outcome(judge.RIGHT, drop('event', (7, PLACE, ELSEWHERE)))

  def test_two_for_certain(self):
    self.assert_outcome(judge.WRONG, drop('sole', (7, PLACE), (8, PLACE)))

  def test_candidates(self):
    self.assert_outcome(judge.LISTED, drop('candidates', (8, PLACE), (7, PLACE)))
    self.assert_outcome(judge.WRONG, drop('candidates', (8, PLACE), (9, PLACE)))
    self.assert_outcome(judge.WRONG, drop('candidates', (8, PLACE), (7, ELSEWHERE)))

  def test_one_program_twice_among_candidates(self):
    self.assert_outcome(judge.LISTED, drop('candidates', (7, ELSEWHERE), (7, PLACE)))

  def test_nobody(self):
    self.assert_outcome(judge.NONE, drop('none'))
    self.assert_outcome(judge.NONE, drop())

  def test_no_program_dropped_it(self):
    self.assert_outcome(judge.SPARED, drop('none'), culprit=None)
    self.assert_outcome(judge.SPARED, drop('candidates', (7, PLACE)), culprit=None)
    for evidence in ('event', 'verdict', 'stack', 'sole', 'sampled'):
      self.assert_outcome(judge.WRONG, drop(evidence, (7, PLACE)), culprit=None)

  def test_evidence_that_does_not_fit_the_programs(self):
    self.assert_outcome(judge.WRONG, drop('none', (7, PLACE)))
    self.assert_outcome(judge.WRONG, drop('sole'))
    self.assert_outcome(judge.WRONG, drop('surely', (7, PLACE)))

  def test_a_tail_call_has_two_right_answers(self):
    for number in (7, 9):
      self.assert_outcome(judge.RIGHT, drop('sole', (number, PLACE)), judge.Culprit(frozenset({7, 9}), PLACE))

  def test_the_packet_that_is_shown(self):
    self.assert_outcome(judge.RIGHT, drop('sole', (7, PLACE), packet={'sport': 5}))
    self.assert_outcome(judge.WRONG, drop('sole', (7, PLACE), packet={'sport': 6}))


class Tallying(harness.Test):

  def test_counts_and_shares(self):
    tally = judge.Tally([
        judge.Case(drop('sole', (7, PLACE)), 1, CULPRIT),
        judge.Case(drop('candidates', (7, PLACE)), 2, CULPRIT),
        judge.Case(drop('sole', (8, PLACE)), 3, CULPRIT),
        judge.Case(drop('none'), 4, None),
    ])
    self.assertEqual(tally.outcomes, {judge.RIGHT: 1, judge.LISTED: 1, judge.WRONG: 1, judge.SPARED: 1})
    self.assertEqual(tally.by_event, {'skb:kfree_skb': {'sole': 2, 'candidates': 1}})
    self.assertEqual(tally.share_of('skb:kfree_skb', 'none'), 1)
    self.assertEqual(tally.share_of('skb:kfree_skb', 'sole'), 2 / 3)
    self.assertEqual(tally.share_of('skb:kfree_skb', 'stack'), 0)
    self.assertEqual((tally.by_programs, tally.wrong, len(tally.faults)), (3, 1, 1))

  def test_drops_of_nobody_have_no_share(self):
    tally = judge.Tally([judge.Case(drop('sole', (7, PLACE)), 1, CULPRIT), judge.Case(drop('none'), 2, None)])
    self.assertEqual(tally.share_of('skb:kfree_skb', 'sole'), 1)

  def test_forced(self):
    cases = [judge.Case(drop('none'), 1, CULPRIT), judge.Case(drop('none'), 2, None)]
    self.assertEqual(judge.Tally(judge.forced(cases, lambda case: (8, PLACE))).wrong, 2)
    self.assertEqual(judge.Tally(judge.forced(cases, lambda case: (7, PLACE))).wrong, 1)
    self.assertEqual(judge.Tally(cases).wrong, 0, 'the cases themselves are as they were')


class Joining(harness.Test):

  def join(self, events, seen):
    pairs, unmatched = judge.join(events, seen)
    return [(int(event['time_ns']), one.packet) for event, one in pairs], [one.packet for one in unmatched]

  def seen(self, time_ns, packet, skb=0x10, cpu=0):
    return Seen(time_ns, skb, 0x20, cpu, 'skb:kfree_skb', packet)

  def test_an_address_used_again(self):
    events = [drop(time_ns=time) for time in (1000, 9000, 5000)]
    self.assertEqual(self.join(events, [self.seen(1100, 1), self.seen(5100, 2), self.seen(9100, 3)]),
                     ([(1000, 1), (5000, 2), (9000, 3)], []))

  def test_another_cpu_address_or_location_is_another_event(self):
    events = [drop(cpu=1), drop(skb=0x11), drop(location=0x21)]
    self.assertEqual(self.join(events, [self.seen(1000, 1)]), ([], [1]))

  def test_each_event_once(self):
    self.assertEqual(self.join([drop()], [self.seen(1000, 1), self.seen(1001, 2)]), ([(1000, 1)], [2]))

  def test_too_far_apart(self):
    self.assertEqual(self.join([drop()], [self.seen(1000 + judge.MOST_APART_WHEN_BUSY_NS + 1, 1)]), ([], [1]))

  def test_a_busy_host(self):
    """What is near comes first, whatever else is left over."""
    late = 1000 + judge.MOST_APART_NS + 1
    self.assertEqual(self.join([drop()], [self.seen(late, 1)]), ([(1000, 1)], []))
    self.assertEqual(self.join([drop(time_ns=1000), drop(time_ns=late + 100)], [self.seen(late, 1), self.seen(late + 200, 2)]),
                     ([(late + 100, 1), (1000, 2)], []))

  def test_what_nobody_saw_is_left_out(self):
    self.assertEqual(self.join([drop(), drop(skb=0x99)], [self.seen(1000, 1)]), ([(1000, 1)], []))


class Expectations(harness.Test):

  def test_each_is_some_evidence_and_nothing_gets_worse(self):
    for name, levels in expected.EXPECTED.items():
      for event, level in levels.items():
        with self.subTest(scenario=name, event=event):
          ranks = [judge.EVIDENCE.index(evidence) for evidence in level[:3]]
          self.assertLessEqual(ranks[0], ranks[1], 'today is better than the goal')
          self.assertLessEqual(ranks[1], ranks[2], 'the goal is better than what costs more')
          self.assertGreater(level.share, 0)

  def test_known_faults_are_of_scenarios(self):
    self.assertLessEqual(set(expected.KNOWN_FAULTS), set(expected.EXPECTED))


class Table(harness.Test):

  def setUp(self):
    cases = [judge.Case(drop('sole', (7, PLACE)), 1, CULPRIT), judge.Case(drop('sole', (8, PLACE)), 2, CULPRIT),
             judge.Case(drop('none'), 3, None)]
    self.rows = report.rows({'clsact_ingress': judge.Tally(cases)})

  def test_text(self):
    stream = io.StringIO()
    report.write(self.rows, {'netkit': 'not here'}, stream)
    self.assertRegex(stream.getvalue(), r'clsact_ingress +2 +1 +0 +0 +1 +1  sole 2')
    self.assertIn('netkit: skipped: not here', stream.getvalue())
    self.assertIn('clsact_ingress: 1 wrong: new', stream.getvalue())

  def test_markdown(self):
    lines = report.as_markdown(self.rows).splitlines()
    self.assertEqual(len(lines), 4)
    self.assertEqual({len(re.findall(r'\|', line)) for line in lines}, {len(report.HEADINGS) + 1})

  def test_json(self):
    document = json.loads(report.as_json(self.rows, {'netkit': 'not here'}))
    self.assertEqual(document['total']['wrong'], 1)
    self.assertEqual(document['skipped'], {'netkit': 'not here'})


if __name__ == '__main__':
  harness.main()
