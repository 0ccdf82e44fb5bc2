#!/usr/bin/python3
"""That the benchmark works, not how fast anything is."""

import json

from tests.benchmarks import bench
from tests.integration import harness


class Short(harness.HostTest):

  def test_every_row_is_measured(self):
    found = self.folder / 'bench.json'
    page = self.folder / 'bench.md'
    bench.main(['--short', '--json', str(found), '--page', str(page)])
    table = json.loads(found.read_text())
    self.assertEqual({row['name'] for row in table['rows']}, {row.name for row in bench.ROWS})
    for row in table['rows']:
      if row['name'] not in ('lost in that storm', 'cost in all', 'cost in all, only counting', 'cost in all, every stack',
                             'XDP exceptions, cost in all', 'CPU of the recorder, steady'):  # differences of so little may be anything
        self.assertGreater(row['ours'], 0, row)
        self.assertGreater(row['theirs'], 0, row)
    storm = table['facts']['long storm']
    self.assertTrue(storm['equal'], storm)
    self.assertEqual(table['facts']['one kind']['namespaces'], 1)
    self.assertGreater(table['facts']['many kinds']['kinds'], 40)
    self.assertGreater(min(table['facts']['inner parts, ns'].values()), 0)
    self.assertIn('| script, events a second | one kind |', page.read_text())


if __name__ == '__main__':
  harness.main()
