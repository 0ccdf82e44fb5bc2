#!/usr/bin/python3
"""What `export` writes, read by what it is for: go's pprof, speedscope, the ClickHouse engine, protobuf, csv, JSON.

Two traces: a capture of the demo, whose figures are known, and one of made-up events.
"""

import collections
import csv
import gzip
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from tests.integration import harness

TOP = pathlib.Path.cwd()
MANY = 20_000
INSTALLED = pathlib.Path('/usr/local/lib/bpftrace-correlate/page-test/node_modules')
ADDRESS = re.compile(r'ffff(ffff8|8881)[0-9a-f]{7}')


def delimited(data):
  """The messages of bytes in which each stands behind its length."""
  at = 0
  while at < len(data):
    length = shift = 0
    while True:
      byte = data[at]
      at += 1
      length |= (byte & 0x7f) << shift
      shift += 7
      if byte < 0x80:
        break
    assert at + length <= len(data)
    yield data[at:at + length]
    at += length


class Exports(harness.Test):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
    cls.demo = cls.folder / 'demo.pb'
    cls.many = cls.folder / 'many.pb'
    harness.run([TOP / 'tests/captures/write_trace', 'demo', cls.demo])
    harness.run([TOP / 'tests/fakes/make_trace', str(MANY), cls.many])
    # The messages, as a user would make them of the printed schema.
    (cls.folder / 'rows.proto').write_text(harness.correlate('export', '--print-schema', 'proto').stdout)
    (cls.folder / 'python').mkdir()
    harness.run(['/usr/bin/protoc', f'--proto_path={cls.folder}', f'--python_out={cls.folder}/python', 'rows.proto'])
    harness.run(['/usr/bin/protoc', f'--proto_path={TOP}', f'--python_out={cls.folder}/python', 'export/perfetto.proto'])
    sys.path[:0] = [str(cls.folder / 'python'), str(cls.folder / 'python/export')]
    os.environ['PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION'] = 'python'
    import perfetto_pb2  # pylint: disable=import-outside-toplevel,import-error
    import rows_pb2  # pylint: disable=import-outside-toplevel,import-error
    cls.perfetto, cls.rows = perfetto_pb2, rows_pb2

  def export(self, trace, kind, *options):
    return harness.correlate('export', trace, '--format', kind, '-o', '-', *options, text=False).stdout

  def clickhouse(self, statements):
    folder = self.folder / 'clickhouse'
    shutil.rmtree(folder, ignore_errors=True)
    done = subprocess.run(['/usr/bin/env', 'node', TOP / 'tests/exports/clickhouse.mjs'], capture_output=True, text=True,
                          input=json.dumps({'folder': str(folder), 'statements': statements}), timeout=120, check=True)
    return json.loads(done.stdout.splitlines()[-1])

  def test_folded(self):
    lines = self.export(self.demo, 'folded').decode().splitlines()
    counts = {}
    for line in lines:
      self.assertRegex(line, r'^[^;]+(;[^;]+)+ \d+$')
      stack, count = line.rsplit(' ', 1)
      self.assertNotIn(stack, counts)
      counts[stack] = int(count)
    self.assertEqual(sum(counts.values()), 1001)
    mirrored = {stack: count for stack, count in counts.items() if 'clone_to' in stack}
    self.assertEqual(sum(mirrored.values()), 250)
    self.assertTrue(all(stack.startswith('skb:kfree_skb;') and stack.endswith(';QDISC_DROP') for stack in mirrored))

  def test_pprof(self):
    path = self.folder / 'demo.pprof'
    path.write_bytes(self.export(self.demo, 'pprof'))
    pprof = lambda *args: harness.run(['go', 'tool', 'pprof', *args, path], env={
        'HOME': str(self.folder), 'PATH': os.environ['PATH'], 'PPROF_TMPDIR': str(self.folder)}).stdout
    top = pprof('-top', '-nodecount=500')
    self.assertRegex(top, r'of 1001 total|100% of 1001')
    self.assertRegex(top, r'\n.* 250\s+[\d.]+%.*clone_to')
    tags = pprof('-tags')
    for tag in ('program', 'reason', 'device', 'evidence', 'event'):
      self.assertIn(f' {tag}: Total 1001', tags)
    self.assertRegex(tags, r'250\.0 .*: xdp_abort #\d+')
    only = pprof('-top', '-tagfocus=reason=QDISC_DROP')
    self.assertIn('250', only)
    self.assertNotIn('veth_xdp_rcv_skb', only)

  def test_speedscope(self):
    text = self.export(self.demo, 'speedscope')
    profile = json.loads(text)
    schema = json.loads((INSTALLED / 'speedscope/dist/release/file-format-schema.json').read_text())
    import jsonschema  # pylint: disable=import-outside-toplevel
    jsonschema.validate(profile, schema)
    weights = {one['name']: sum(one['weights']) for one in profile['profiles']}
    self.assertEqual(weights, {'skb:kfree_skb': 751, 'xdp:xdp_exception': 250})
    for one in profile['profiles']:
      self.assertEqual(len(one['samples']), len(one['weights']))
      self.assertEqual(one['endValue'], sum(one['weights']))
    for kind, suffix in (('speedscope', 'json'), ('folded', 'txt')):
      path = self.folder / f'profile.{suffix}'
      path.write_bytes(self.export(self.demo, kind))
      done = subprocess.run(['/usr/bin/env', 'node', TOP / 'tests/exports/speedscope.mjs', path], capture_output=True,
                            text=True, timeout=120, check=False)
      self.assertEqual(done.returncode, 0, done.stderr)
      seen = json.loads(done.stdout)
      self.assertEqual(seen['problems'], [])
      self.assertIn('sk_skb_reason_drop', seen['text'])

  def test_perfetto(self):
    trace = self.perfetto.Trace()
    trace.ParseFromString(self.export(self.many, 'perfetto'))
    interned = {kind: {} for kind in ('event_categories', 'event_names', 'debug_annotation_names', 'function_names', 'frames',
                                      'callstacks', 'mappings', 'mapping_paths', 'debug_annotation_string_values')}
    tracks, instants, counters, clocks = {}, collections.Counter(), collections.defaultdict(list), 0
    for packet in trace.packet:
      self.assertEqual(packet.trusted_packet_sequence_id, 1)
      for kind, known in interned.items():
        for entry in getattr(packet.interned_data, kind):
          self.assertGreater(entry.iid, 0)
          self.assertNotIn(entry.iid, known, kind)  # never told twice
          known[entry.iid] = entry
      clocks += packet.HasField('clock_snapshot')
      if packet.HasField('track_descriptor'):
        track = packet.track_descriptor
        self.assertNotIn(track.uuid, tracks)
        self.assertTrue(not track.parent_uuid or track.parent_uuid in tracks)
        tracks[track.uuid] = track
      if not packet.HasField('track_event'):
        continue
      event = packet.track_event
      self.assertIn(event.track_uuid, tracks)
      if event.type == 4:
        self.assertTrue(tracks[event.track_uuid].HasField('counter'))
        counters[tracks[event.track_uuid].name].append((packet.timestamp, event.counter_value))
        continue
      self.assertIn(event.name_iid, interned['event_names'])
      for annotation in event.debug_annotations:
        self.assertIn(annotation.name_iid, interned['debug_annotation_names'])
        if annotation.string_value_iid:
          self.assertIn(annotation.string_value_iid, interned['debug_annotation_string_values'])
      if event.callstack_iid:
        for frame in interned['callstacks'][event.callstack_iid].frame_ids:
          self.assertIn(interned['frames'][frame].function_name_id, interned['function_names'])
          self.assertIn(interned['frames'][frame].mapping_id, interned['mappings'])
      instants[tracks[event.track_uuid].name] += 1
    self.assertEqual(instants['CPU 0'] + instants['CPU 1'], MANY)
    self.assertGreater(clocks, 0)
    devices = [track.name for track in tracks.values() if tracks.get(track.parent_uuid) is not None
               and tracks[track.parent_uuid].name == 'Packets by device']
    self.assertEqual(len(devices), 8)
    self.assertEqual(sum(counters[name][-1][1] for name in devices), MANY)
    for values in counters.values():
      self.assertEqual(values, sorted(values))

  def test_jsonl(self):
    ours = [json.loads(line) for line in self.export(self.demo, 'jsonl').splitlines()]
    script = [json.loads(line) for line in harness.correlate('script', '--json', self.demo).stdout.splitlines()]
    self.assertEqual(len(ours), len(script))
    self.assertEqual([event['time_ns'] for event in ours], [event['time_ns'] for event in script])
    self.assertNotIn('address', ours[0]['stack'][0])
    self.assertNotIn('skbaddr', ours[0]['fields'])
    self.assertRegex(ours[0]['fields']['location'], r'^\w[\w.]*\+0x[0-9a-f]+$')
    told = [json.loads(line) for line in self.export(self.demo, 'jsonl', '--addresses').splitlines()]
    self.assertEqual(told, script)

  def test_csv(self):
    rows = list(csv.DictReader(io.StringIO(self.export(self.many, 'csv').decode(), newline='')))
    self.assertEqual(len(rows), MANY)
    hostile = [row for row in rows if row['attribution.programs.id'] == '100']
    self.assertGreater(len(hostile), 100)
    self.assertEqual({row['attribution.programs.name'] for row in hostile},
                     {'</script><img src=x onerror="document.title=\'owned\'">'})
    chosen = list(csv.reader(io.StringIO(self.export(self.many, 'csv', '--columns', 'cpu,reason,packet.length',
                                                     '--filter', 'reason == TC_INGRESS && cpu == 1').decode())))
    self.assertEqual(chosen[0], ['cpu', 'reason', 'packet.length'])
    self.assertEqual({(row[0], row[1]) for row in chosen[1:]}, {('1', 'TC_INGRESS')})
    self.assertEqual(len(chosen) - 1, sum(row['reason'] == 'TC_INGRESS' and row['cpu'] == '1' for row in rows))

  def test_protobuf(self):
    reasons = collections.Counter()
    for message in delimited(self.export(self.demo, 'protobuf')):
      event = self.rows.Event.FromString(message)
      reasons[event.event, event.reason_name] += 1
      self.assertEqual(len(event.programs), len(event.tags))
    report = json.loads(harness.correlate('report', '--json', '--by', 'event,reason', self.demo).stdout)
    self.assertEqual({(group['event'], group['reason']): int(group['events']) for group in report['groups']}, dict(reasons))
    programs = [self.rows.Program.FromString(message)
                for message in delimited(self.export(self.demo, 'protobuf', '--table', 'programs'))]
    self.assertIn('tc_mirror', [program.name for program in programs])

  def test_no_kernel_address_unless_asked_for(self):
    for kind in ('folded', 'speedscope', 'jsonl', 'csv', 'protobuf', 'perfetto', 'pprof'):
      data = self.export(self.demo, kind)
      data = gzip.decompress(data) if kind == 'pprof' else data
      self.assertIsNone(ADDRESS.search(data.decode('latin-1')), kind)
    self.assertIsNotNone(ADDRESS.search(self.export(self.demo, 'jsonl', '--addresses').decode()))

  def load(self, table, message, path):
    return (f"INSERT INTO {table} SELECT * FROM file('{path}', 'Protobuf') "
            f"SETTINGS format_schema = '{self.folder}/rows.proto:{message}'")

  def tables(self):
    schema = harness.correlate('export', '--print-schema', 'clickhouse').stdout
    # Without what takes old rows away: the traces of a test are as old as they are.
    return [re.sub(r'\nTTL .*', '', statement) for statement in schema.split(';') if 'CREATE TABLE' in statement]

  def test_clickhouse_answers_the_questions_of_the_page(self):
    messages = {'events': 'Event', 'kinds': 'Kind', 'programs': 'Program', 'stacks': 'Stack',
                'attachments': 'Attachment', 'counts': 'Count'}
    statements = self.tables()
    for table, message in messages.items():
      path = self.folder / f'{table}.bin'
      path.write_bytes(self.export(self.many, 'protobuf', '--table', table))
      if path.stat().st_size > 0:
        statements.append(self.load(table, message, path))
    made = len(statements)
    questions = re.findall(r'```sql\n(SELECT.*?|WITH.*?);\n```', (TOP / 'docs/fleet.md').read_text(), re.S)
    self.assertEqual(len(questions), 10)
    checks = ['SELECT count() AS n, uniqExact(stack) AS stacks FROM events',
              "SELECT count() AS n FROM events WHERE evidence = 'sole' AND reason_name = 'TC_INGRESS'"]
    results = self.clickhouse(statements + questions + checks)
    self.assertEqual([result for result in results if isinstance(result, dict)], [])
    self.assertEqual(results[-2], [{'n': MANY, 'stacks': 200}])
    report = json.loads(harness.correlate('report', '--json', self.many).stdout)
    sole = sum(int(group['events']) for group in report['culprits'] if group['evidence'] == 'sole')
    self.assertEqual(results[-1], [{'n': sole}])
    versions = results[made]
    self.assertEqual(len(versions), 8)
    self.assertEqual(sum(row['drops'] for row in versions), sum(int(group['events']) for group in report['culprits']))
    for place in (1, 7, 9):  # who dropped most, whose packets, where attached: there is an answer
      self.assertTrue(results[made + place], questions[place])

  def test_clickhouse_takes_compressed_cut_and_older_rows(self):
    import zstandard  # pylint: disable=import-outside-toplevel
    rows = self.export(self.many, 'protobuf')
    whole = self.folder / 'whole.bin'
    whole.write_bytes(rows)
    # Several frames, one behind the other.
    packed = self.folder / 'packed.bin.zst'
    half = len(b''.join(self.first_messages(rows, MANY // 2)))
    packed.write_bytes(zstandard.compress(rows[:half]) + zstandard.compress(rows[half:]))
    cut = self.folder / 'cut.bin'
    cut.write_bytes(rows[:half + 10])
    create = self.tables()[0]
    # A table of before: it lacks columns that the rows have; and one of later: it has one that they lack.
    older = re.sub(r'\n    (tunnel|why|hook) [^\n]*', '', create).replace('EXISTS events', 'EXISTS older')
    later = create.replace('EXISTS events', 'EXISTS later').replace('    cpu UInt32,', '    cpu UInt32,\n    colour String,')
    results = self.clickhouse([
        create, older, later,
        self.load('events', 'Event', packed), 'SELECT count() AS n FROM events',
        self.load('older', 'Event', whole), 'SELECT count() AS n FROM older',
        self.load('later', 'Event', whole), "SELECT count() AS n FROM later WHERE colour = ''",
        'TRUNCATE TABLE events', self.load('events', 'Event', cut) + ', input_format_allow_errors_num = 0',
        "SELECT uniqExact(reason) AS reasons, countIf(reason_name = '') AS unnamed FROM later"])
    self.assertEqual(results[4], [{'n': MANY}])
    self.assertEqual(results[6], [{'n': MANY}])
    self.assertEqual(results[8], [{'n': MANY}])
    self.assertIn('error', results[10])
    self.assertEqual(results[11], [{'reasons': 3, 'unnamed': 0}])

  def first_messages(self, data, count):
    at = 0
    for _, message in zip(range(count), delimited(data)):
      length = len(message)
      head = 1 + (length >= 128) + (length >= 1 << 14)
      yield data[at:at + head + length]
      at += head + length

  def test_wrong_use(self):
    for args, word in ((('--format', 'xml'), 'folded'), ((), '--format is missing'),
                       (('--format', 'jsonl', '--columns', 'cpu'), 'csv'),
                       (('--format', 'csv', '--columns', 'colour'), "'colour'"),
                       (('--format', 'protobuf', '--table', 'tables'), 'attachments'),
                       (('--format', 'jsonl', '--filter', 'cpu =='), 'column 7')):
      done = harness.correlate('export', self.demo, *args, check=False)
      self.assertEqual(done.returncode, 2, args)
      self.assertIn(word, done.stderr)

  def test_a_full_disk_is_told(self):
    for kind in ('csv', 'perfetto', 'pprof'):
      done = harness.correlate('export', self.many, '--format', kind, '-o', '/dev/full', check=False)
      self.assertEqual(done.returncode, 1, kind)
      self.assertIn('No space left', done.stderr)


if __name__ == '__main__':
  harness.main()
