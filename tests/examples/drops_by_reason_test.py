#!/usr/bin/python3
"""The example of proto/examples lists what our own report counts, and knows nothing of our code."""

import json
import pathlib
import subprocess
import tempfile
import unittest

from tests.integration import harness

TOP = pathlib.Path.cwd()


class DropsByReason(harness.Test):

  def test_lists_what_report_counts(self):
    with tempfile.TemporaryDirectory() as folder:
      trace = pathlib.Path(folder) / 'demo.pb'
      harness.run([TOP / 'tests/captures/write_trace', 'demo', trace])
      listed = harness.run(['/usr/bin/python3', TOP / 'proto/examples/drops_by_reason.py', trace],
                           env={'PYTHONPATH': str(TOP / 'proto/examples'), 'PYTHONDONTWRITEBYTECODE': '1'}).stdout
      report = json.loads(harness.correlate('report', '--by', 'event,reason', '--json', '-i', trace).stdout)
    ours = {group['reason']: int(group['events']) for group in report['groups'] if group['event'] == 'skb:kfree_skb'}
    theirs = {reason: int(count) for count, reason in (line.split('\t') for line in listed.splitlines())}
    self.assertGreater(sum(theirs.values()), 100)
    self.assertEqual(theirs, ours)


if __name__ == '__main__':
  harness.main()
