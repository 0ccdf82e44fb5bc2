"""Storms of drops on every CPU, whose number the generator itself knows."""

import os

from tests.integration import harness
from tests.integration import lab as L

RUNS = 30 if harness.in_guest() else 150  # an emulated machine takes its time


class StormTest(harness.HostTest):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.lab = L.Lab()
    cls.addClassCleanup(cls.lab.close)
    cls.programs = cls.lab.load()

  def begin_storms(self, runs=RUNS):
    """One on each CPU, each of `runs` * STORM_CLONES drops of one kind."""
    begun = [self.lab.storm(self.programs / 'lab_storm', runs) for _ in os.sched_getaffinity(0)]
    for storm, cpu in zip(begun, sorted(os.sched_getaffinity(0))):
      os.sched_setaffinity(storm.pid, [cpu])
      storm.drops = runs * L.STORM_CLONES
    return begun

  def end_storms(self, begun):
    """How many drops they made."""
    for storm in begun:
      self.assertEqual(storm.wait(harness.PATIENCE_S), 0, storm.stderr_text())
    return sum(storm.drops for storm in begun)

  def storm_on_all_cpus(self):
    return self.end_storms(self.begin_storms())
