#!/usr/bin/python3
"""The comparison itself: it sees what is missing, what is too much, and what differs. Needs no root."""

import types

from tests.integration import harness
from tests.integration import oracle

MARKERS = types.SimpleNamespace(begin=0x9101, end=0x9102)


def drop(time_ns, subject=0, cpu=0, protocol=0x0800, verdict=3, callchain=(1, 2)):
  return oracle.Seen(oracle.Same(oracle.EVENTS[0], cpu, subject, 100, protocol, verdict, callchain), time_ns, 'task')


def recorded(*inside, cpu=0):
  """With what came before and after the markers."""
  return [drop(1, 7, cpu), drop(10, 0, cpu, MARKERS.begin), *inside, drop(90, 0, cpu, MARKERS.end), drop(99, 8, cpu)]


def compare(ours, perf):
  return oracle.Comparison(oracle.Side('ours', ours, 0), oracle.Side('perf', perf, 0), MARKERS)


class ComparisonTest(harness.Test):

  def test_equal(self):
    both = compare(recorded(drop(20, 1), drop(30, 2)), recorded(drop(21, 1), drop(35, 2))[1:])
    self.assertEqual((len(both.matched), both.only_ours, both.only_perf), (2, [], []))
    self.assertEqual(both.largest_time_difference_ns, 5)
    self.assertEqual((both.ours_outside, both.perf_outside), (4, 3))

  def test_missing_and_too_much(self):
    both = compare(recorded(drop(20, 1), drop(25, 1)), recorded(drop(20, 1), drop(30, 2)))
    self.assertEqual((both.only_ours, both.only_perf), ([drop(25, 1)], [drop(30, 2)]))

  def test_every_part_counts(self):
    for different in (drop(20, 2), drop(20, 1, protocol=6), drop(20, 1, verdict=4), drop(20, 1, callchain=(1, 3)),
                      drop(20, 1, callchain=(1,))):
      both = compare(recorded(drop(20, 1)), recorded(different))
      self.assertEqual((len(both.matched), len(both.only_ours), len(both.only_perf)), (0, 1, 1), different)

  def test_cpu_without_markers(self):
    both = compare(recorded() + recorded(cpu=1), recorded())
    self.assertEqual(both.cpus, ([0, 1], [0]))


if __name__ == '__main__':
  harness.main()
