"""All scenarios by name. A scenario is a function that is given a Field, records what happens there, and knows the culprit
from outside: the dropping program itself writes down which packets it dropped.

To add one: a function with @scenario in one of the scenarios_* modules, and a line in expected.py.
"""

import collections

Scenario = collections.namedtuple('Scenario', 'name run several')

ALL = {}


def scenario(function=None, *, several=False):
  """`several`: more than one program of ours stands where it drops, so that a guess is sometimes wrong."""
  def add(run):
    assert run.__name__ not in ALL
    ALL[run.__name__] = Scenario(run.__name__, run, several)
    return run
  return add(function) if function else add


def load_all():
  # Here, because they need what stands above.
  from tests.attribution import scenarios_change  # pylint: disable=unused-import,import-outside-toplevel
  from tests.attribution import scenarios_other
  from tests.attribution import scenarios_tc
  from tests.attribution import scenarios_xdp
  del scenarios_change, scenarios_other, scenarios_tc, scenarios_xdp
  return ALL
