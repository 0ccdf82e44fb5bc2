#!/usr/bin/python3
"""The rules for Prometheus that `alert --print-rules` prints, in Prometheus' own tools; and the queries of the dashboard."""

import json
import pathlib
import shutil
import tempfile
import unittest

from tests.integration import harness
from tests.prometheus import servers

DASHBOARD = harness.TOP / 'docs/grafana-dashboard.json'


class Rules(harness.Test):

  def setUp(self):
    self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
    self.rules = self.folder / 'prometheus_rules.yaml'
    self.rules.write_text(harness.correlate('alert', '--print-rules').stdout)

  def promtool(self, *args):
    return harness.run([servers.PROMTOOL, *args], check=False)

  def test_they_are_rules(self):
    done = self.promtool('check', 'rules', self.rules)
    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
    self.assertIn('SUCCESS', done.stdout)

  def test_what_they_make_of_series(self):
    test = shutil.copy(harness.TOP / 'tests/prometheus/rules_test.yaml', self.folder)
    done = self.promtool('test', 'rules', test)
    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
    # The same with a wrong expectation, since a test that says nothing passes, too.
    wrong = self.folder / 'wrong.yaml'
    wrong.write_text(pathlib.Path(test).read_text().replace('9 packets on a by new', '8 packets on a by new'))
    self.assertNotEqual(self.promtool('test', 'rules', wrong).returncode, 0)


class Dashboard(harness.Test):

  def test_its_queries_are_queries(self):
    """Each as the expression of a rule, for promtool to parse."""
    queries = list(servers.dashboard_queries(json.loads(DASHBOARD.read_text())))
    self.assertGreater(len(queries), 8)
    folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
    rules = {'groups': [{'name': 'dashboard', 'rules': [{'record': f'dashboard:query{i}', 'expr': query}
                                                        for i, query in enumerate(queries)]}]}
    path = folder / 'rules.yaml'
    path.write_text(json.dumps(rules))  # which is YAML
    done = harness.run([servers.PROMTOOL, 'check', 'rules', path], check=False)
    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == '__main__':
  harness.main()
