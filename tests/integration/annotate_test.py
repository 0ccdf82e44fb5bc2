#!/usr/bin/python3
"""The code that a trace holds, and programs and maps as such, beside what bpftool says on the same host."""

import json
import os
import pathlib
import socket
import time

from tests.integration import bpf_calls as bpf
from tests.integration import harness
from tests.integration import lab as L

# enum bpf_prog_type: those that a program of two instructions can be.
TYPES = {name: number for number, name in enumerate(
    'unspec socket_filter kprobe sched_cls sched_act tracepoint xdp perf_event cgroup_skb cgroup_sock lwt_in lwt_out '
    'lwt_xmit sock_ops sk_skb cgroup_device sk_msg raw_tracepoint cgroup_sock_addr lwt_seg6local lirc_mode2 sk_reuseport '
    'flow_dissector cgroup_sysctl raw_tracepoint_writable cgroup_sockopt'.split())}
ATTACH_TYPES = {'cgroup_sock': 2, 'cgroup_sock_addr': 8, 'cgroup_sockopt': 21, 'cgroup_sysctl': 18}


def bpftool(*args):
  return harness.run([harness.BPFTOOL, *args]).stdout


class Code(harness.HostTest):

  def setUp(self):
    super().setUp()
    self.lab = L.Lab()
    self.addCleanup(self.lab.close)

  def record(self, *options, body=lambda: None):
    run = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace, *options)
    body()
    status, said = run.stop()
    self.assertEqual(status, 0, said)

  def annotate(self, *args, status=0):
    done = harness.correlate('annotate', self.trace, *args, check=False)
    self.assertEqual(done.returncode, status, done.stderr)
    return done

  def test_translated_code_is_bpftools(self):
    programs = self.lab.load()
    self.record('--images', 'all')
    for pin in sorted(programs.iterdir()):
      number = self.lab.program_id(pin)
      for ours, theirs in (((), ()), (('--opcodes',), ('opcodes',)), (('--linum',), ('linum',))):
        with self.subTest(program=pin.name, options=theirs):
          self.assertEqual(self.annotate('--program', number, '--code', 'xlated', *ours).stdout,
                           bpftool('prog', 'dump', 'xlated', 'id', number, *theirs))

  def test_every_type_that_loads(self):
    loaded = {}
    for name, number in TYPES.items():
      fd = bpf.prog_load(number, bpf.returns(1), b'two', ATTACH_TYPES.get(name, 0))
      if fd >= 0:
        self.addCleanup(os.close, fd)
        info = pathlib.Path(f'/proc/self/fdinfo/{fd}').read_text()
        loaded[name] = next(line.split()[1] for line in info.splitlines() if line.startswith('prog_id'))
    self.assertGreaterEqual(len(loaded), 10, loaded)
    self.record('--images', 'all')
    for name, number in loaded.items():
      with self.subTest(type=name):
        self.assertEqual(self.annotate('--program', number, '--code', 'xlated').stdout,
                         bpftool('prog', 'dump', 'xlated', 'id', number))
    print(f'{len(loaded)} types: {" ".join(loaded)}')

  def test_events_stand_at_the_call_that_freed_their_packet(self):
    programs = self.lab.load()
    self.record('--stacks', 'all', '-e', 'skb:kfree_skb', body=lambda: self.lab.storm(programs / 'lab_storm', 2).wait())
    number = self.lab.program_id(programs / 'lab_storm')
    image = json.loads(self.annotate('--program', number, '--json').stdout)
    marked = [each for function in image['functions'] for each in function['jited'] if 'events' in each]
    self.assertEqual([int(each['events']) for each in marked], [2 * L.STORM_CLONES])
    self.assertIn('call', marked[0]['text'])
    self.assertIn('bpf_clone_redirect', marked[0]['text'])
    text = self.annotate('--program', 'lab_storm').stdout
    self.assertIn(f'<-- {2 * L.STORM_CLONES} events', text)
    self.assertIn('; for (int i = 0; i < STORM_CLONES; i++) bpf_clone_redirect(skb, IFINDEX_DOWN, 0);', text)
    # Only what an event names is in the trace.
    self.assertEqual(len(self.annotate().stdout.splitlines()), 1)
    self.assertIn('--images all', self.annotate('--program', 'lab_xdp', status=1).stderr)

  def test_machine_code_is_whole(self):
    """Instruction by instruction it has the length that the kernel says, and begins where lines of the source do."""
    programs = self.lab.load()
    self.record('--images', 'all')
    for pin in programs.iterdir():
      number = self.lab.program_id(pin)
      shown = json.loads(bpftool('-j', 'prog', 'show', 'id', number))
      image = json.loads(self.annotate('--program', number, '--json').stdout)
      native = [each for function in image['functions'] for each in function['jited']]
      self.assertEqual(sum(len(each['bytes']) // 2 for each in native), shown['bytes_jited'])
      self.assertNotIn('(bad)', {each['text'] for each in native})
      self.assertTrue(any('source' in each for each in native))

  def test_graph(self):
    programs = self.lab.load()
    self.record('--images', 'all')
    for pin in programs.iterdir():
      graph = self.annotate('--program', self.lab.program_id(pin), '--format', 'dot').stdout
      self.assertTrue(graph.startswith('digraph '), graph)
      nodes = {line.split()[0] for line in graph.splitlines() if '[label="{' in line}
      edges = [line.strip().rstrip(';').split()[:3] for line in graph.splitlines() if ' -> ' in line]
      self.assertLessEqual({end for begin, _, end in edges} | {begin for begin, _, _ in edges}, nodes)
      self.assertEqual(graph.count('exit\\l'), bpftool('prog', 'dump', 'xlated', 'pinned', pin).count(') exit\n'))

  def test_a_program_gone_at_once_is_there_all_the_same(self):
    def body():
      programs = self.lab.load()
      self.name = self.lab.program_id(programs / 'lab_storm')
      self.lab.storm(programs / 'lab_storm', 1).wait()
      self.lab.unload(programs)
    self.record('-e', 'skb:kfree_skb', body=body)
    self.assertIn('bpf_clone_redirect#', self.annotate('--program', self.name, '--code', 'xlated').stdout)

  def test_nothing_to_show(self):
    self.record('--images', 'none')
    self.assertIn('--images all', self.annotate(status=1).stderr)
    self.assertIn('knows no program', self.annotate('--program', 'nobody', status=1).stderr)


class Programs(harness.HostTest):

  def setUp(self):
    super().setUp()
    self.lab = L.Lab()
    self.addCleanup(self.lab.close)

  def compare(self, ours, theirs, keys):
    ours = {each['id']: each for each in ours}
    for each in theirs:
      with self.subTest(id=each['id']):
        mine = ours[each['id']]
        for key in keys:
          if key not in each:
            continue
          self.assertEqual(str(mine[key]), str(each[key]), key)

  def test_programs_and_maps_are_bpftools(self):
    programs = self.lab.load()
    fds = [bpf.map_create(bpf.HASH, 4, 8, 16, b'a_map'), bpf.map_create(bpf.ARRAY, 4, 100, 3, b'table', 0)]
    for fd in fds:
      self.assertGreaterEqual(fd, 0)
      self.addCleanup(os.close, fd)
    trace = self.folder / 'programs.pb'
    run = harness.CommandRun(harness.CORRELATE, 'record', '-o', trace)
    run.stop()
    theirs = [each for each in json.loads(bpftool('-j', 'prog', 'show')) if each['name'].startswith('lab_')]
    self.assertEqual(len(theirs), len(list(programs.iterdir())))
    keys = ('type', 'name', 'tag', 'gpl_compatible', 'uid', 'bytes_xlated', 'jited', 'bytes_jited', 'bytes_memlock',
            'map_ids', 'btf_id')
    # One call a map: since 6.18 the kernel keeps what its caller's struct held (bpf_map_get_info_by_fd copies it in), and a
    # bpftool that lists all with one struct shows the btf_id of the map before for a map without one.
    maps = [json.loads(bpftool('-j', 'map', 'show', 'id', str(each['id'])))
            for each in json.loads(bpftool('-j', 'map', 'show')) if each.get('name') in ('a_map', 'table')]
    self.assertEqual(len(maps), 2)
    for source in ((), (trace,)):
      ours = json.loads(harness.correlate('programs', '--json', *source).stdout)['programs']
      self.compare(ours, theirs, keys)
      for each in theirs:
        loaded = next(mine['loaded'] for mine in ours if mine['id'] == each['id'])
        self.assertAlmostEqual(harness.seconds_of(loaded), each['loaded_at'], delta=1.5)
      self.compare(json.loads(harness.correlate('programs', '--maps', '--json', *source).stdout)['maps'], maps,
                   ('type', 'name', 'flags', 'bytes_key', 'bytes_value', 'max_entries', 'bytes_memlock', 'frozen', 'btf_id'))


class MapContents(harness.HostTest):
  """record --snapshot-map."""

  VALUE = ('01 00 00 00 fe ff 01 00 02 00 00 00 01 02 03 61 62 63 00 00 00 00 00 00 ff ff ff ff ff ff ff ff '
           '00 10 00 00 00 88 ff ff 0d 00 00 00 00 50 01 bb 05 00 00 00 00 00 00 00')

  def setUp(self):
    super().setUp()
    self.pins = harness.PINS / 'maps_test'
    self.addCleanup(self.unload)
    harness.run([harness.BPFTOOL, 'prog', 'loadall', harness.MAPS_OBJECT, self.pins, 'pinmaps', self.pins])
    self.update(1)

  def unload(self):
    for pin in self.pins.iterdir():
      pin.unlink()
    self.pins.rmdir()

  def update(self, number):
    bpftool('map', 'update', 'pinned', self.pins / 'test_flows', 'key', 'hex', *f'0{number} 00 00 00 50 00 00 00'.split(),
            'value', 'hex', *self.VALUE.split())

  def held(self, name):
    return json.loads(harness.correlate('programs', self.trace, '--map', name, '--json').stdout)

  def formatted(self, name):
    return [each['formatted'] for each in json.loads(bpftool('-j', 'map', 'dump', 'pinned', self.pins / name))]

  def test_keys_and_values_are_bpftools(self):
    run = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace, '--snapshot-map', 'test_flows', '--snapshot-map',
                             'test_counts', '--snapshot-map', 'nobody')
    at_start = self.formatted('test_flows')
    self.update(2)
    status, said = run.stop()
    self.assertEqual(status, 0, said)
    self.assertIn('--snapshot-map nobody: there is no such map', said)
    start, end = self.held('test_flows')
    self.assertEqual((start['reason'], end['reason'], start['truncated']), ('start', 'end', False))
    self.assertEqual(start['entries'], at_start)
    by_id = lambda entry: entry['key']['id']
    self.assertEqual(sorted(end['entries'], key=by_id), sorted(self.formatted('test_flows'), key=by_id))
    self.assertEqual(start['entries'][0]['value']['color'], 'BLUE')
    self.assertEqual(self.held('test_counts')[0]['entries'], self.formatted('test_counts'))
    self.assertIn('"color": "BLUE"', harness.correlate('programs', self.trace, '--map', 'test_flows').stdout)
    nothing = harness.correlate('programs', self.trace, '--map', 'nobody', check=False)
    self.assertEqual(nothing.returncode, harness.EXIT_FAILURE)
    self.assertIn('--snapshot-map nobody', nothing.stderr)

  def test_global_variables(self):
    data = next(each for each in json.loads(bpftool('-j', 'map', 'show')) if each.get('name', '').endswith('.data') and
                each['bytes_value'] == 4)
    run = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace, '--snapshot-map', data['id'])
    run.stop()
    self.assertEqual(self.held(str(data['id']))[0]['entries'][0]['value'], {'.data': [{'test_number': 7}]})

  def test_on_the_first_drop_of_a_culprit_that_uses_it(self):
    lab = L.Lab()
    self.addCleanup(lab.close)
    netns = L.Netns()
    self.addCleanup(netns.close)
    lab.attach_tc(netns, 'lo', 'ingress', self.pins / 'maps_drop')
    run = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace, '--snapshot-map', 'test_counts')
    with netns.entered():
      sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      for _ in range(5):
        sender.sendto(b'x', ('127.0.0.1', 7000))
      sender.close()
    time.sleep(0.5)  # events come a moment later
    status, said = run.stop()
    self.assertEqual(status, 0, said)
    start, drop, end = self.held('test_counts')
    total = lambda snapshot: sum(each['value'] for each in snapshot['entries'][0]['values'])
    self.assertRegex(drop['reason'], r'^first drop by #[0-9]+ maps_drop$')
    self.assertEqual((total(start), total(drop), total(end)), (0, 35, 35))


class JitLog(harness.RootTest):

  def test_code_of_the_kernels_log(self):
    log = self.folder / 'log'
    log.write_text('[    1.000000] flen=2 proglen=11 pass=1 image=ffffffffc0001000 from=test pid=7\n'
                   '[    1.000001] JIT code: 00000000: 55 48 89 e5 b8 01 00 00 00 c9 c3\n')
    done = harness.correlate('annotate', '--jit-log', log)
    self.assertEqual(done.stdout.splitlines()[:2],
                     ['11 bytes emitted from JIT compiler (pass:1, flen:2), from test, pid 7', 'ffffffffc0001000 + <x>:'])
    self.assertIn('   4:\tmovl $0x1, %eax\n', done.stdout)
    self.assertIn('\tb8 01 00 00 00\n', harness.correlate('annotate', '--jit-log', log, '--opcodes').stdout)
    log.write_text(log.read_text()[:-10])
    cut = harness.correlate('annotate', '--jit-log', log, check=False)
    self.assertEqual(cut.returncode, harness.EXIT_DAMAGED)
    self.assertIn('line 2: code that is cut', cut.stderr)
    self.assertIn('   0:\tpushq %rbp', cut.stdout)


if __name__ == '__main__':
  harness.main()
