#!/usr/bin/python3
"""bpf:* made from calls of bpf(2), each beside what the call itself was told and said."""

import ctypes
import errno
import json
import os
import pathlib
import struct
import threading
import time

from tests.integration import bpf_calls as bpf
from tests.integration import bpf_links
from tests.integration import harness
from tests.integration import lab as L

PATIENT = 20_000  # calls, where there are to be many


class Recorded(harness.HostTest):

  def record(self, body, *options, events='bpf:*'):
    """Events of this very process while body() ran, and what body returned."""
    answer = self.record_only(body, *options, events=events)
    return [event for event in harness.script(self.trace) if event['pid'] == os.getpid()], answer

  def record_only(self, body, *options, events):
    trace = self.folder / 'calls.pb'
    run = harness.CommandRun(harness.CORRELATE, 'record', '-e', events, *options, '-o', trace)
    try:
      answer = body()
    finally:
      status, said = run.stop()
    self.assertEqual(status, 0, said)
    self.trace, self.missed, self.said = trace, harness.LastLine(said).missed, said
    return answer

  def setUp(self):
    super().setUp()
    self.fds = []
    self.addCleanup(lambda: [os.close(fd) for fd in self.fds])

  def keep(self, fd):
    self.assertGreaterEqual(fd, 0)
    self.fds.append(fd)
    return fd

  def fields(self, events, name):
    return [event['fields'] for event in events if event['event'] == f'bpf:{name}']

  def one(self, events, name):
    found = self.fields(events, name)
    self.assertEqual(len(found), 1, (name, found))
    return found[0]


class EachCall(Recorded):

  def test_maps(self):
    key, value, out = bpf.Bytes(struct.pack('<I', 6)), bpf.Bytes(struct.pack('<Q', 20)), bpf.Bytes(b'', 8)
    other = bpf.Bytes(struct.pack('<I', 7))

    def body():
      fd = self.keep(bpf.map_create(bpf.HASH, 4, 8, 16, b'counters'))
      self.assertEqual(bpf.element(bpf.MAP_UPDATE_ELEM, fd, key.address, value.address), 0)
      self.assertEqual(bpf.element(bpf.MAP_LOOKUP_ELEM, fd, key.address, out.address), 0)
      self.assertEqual(bpf.element(bpf.MAP_LOOKUP_ELEM, fd, other.address, out.address), -errno.ENOENT)
      self.assertEqual(bpf.element(bpf.MAP_GET_NEXT_KEY, fd, 0, out.address), 0)
      self.assertEqual(bpf.element(bpf.MAP_GET_NEXT_KEY, fd, key.address, out.address), -errno.ENOENT)
      self.assertEqual(bpf.element(bpf.MAP_DELETE_ELEM, fd, key.address), 0)
      self.assertEqual(bpf.element(bpf.MAP_DELETE_ELEM, fd, key.address), -errno.ENOENT)
      return fd

    events, fd = self.record(body)
    made = self.one(events, 'bpf_map_create')
    self.assertEqual((made['type'], made['size_key'], made['size_value'], made['max_entries'], made['flags']),
                     ('HASH', 4, 8, 16, 0))
    self.assertEqual((made['ufd'], made['ret'], made['error'], made['name']), (fd, str(fd), 'none', 'counters'))
    update = self.one(events, 'bpf_map_update_elem')
    self.assertEqual((update['type'], update['ufd'], update['key'], update['val']),
                     ('HASH', fd, '06000000', '1400000000000000'))
    self.assertEqual((update['id'], update['name'], update['error']), (made['id'], 'counters', 'none'))
    found, missing = self.fields(events, 'bpf_map_lookup_elem')
    self.assertEqual((found['key'], found['val'], found['ret']), ('06000000', '1400000000000000', '0'))
    self.assertEqual((missing['key'], missing['val'], missing['ret'], missing['error']),
                     ('07000000', '', str(-errno.ENOENT), 'ENOENT'))
    first, end = self.fields(events, 'bpf_map_next_key')
    self.assertEqual((first['key_null'], first['key'], first['nxt']), (1, '', '06000000'))
    self.assertEqual((end['key_null'], end['key'], end['nxt'], end['error']), (0, '06000000', '', 'ENOENT'))
    self.assertEqual([(each['key'], each['error']) for each in self.fields(events, 'bpf_map_delete_elem')],
                     [('06000000', 'none'), ('06000000', 'ENOENT')], self.said)
    cgroup = pathlib.Path('/proc/self/cgroup').read_text().splitlines()[-1]
    if cgroup.startswith('0::') and ' cgroup2 ' in pathlib.Path('/proc/self/mounts').read_text():
      self.assertEqual(update['cgroup'], cgroup[3:])
    text = harness.correlate('script', self.trace).stdout
    self.assertIn(f'bpf:bpf_map_update_elem: map type=HASH ufd={fd} key=[06 00 00 00] '
                  f'val=[14 00 00 00 00 00 00 00] id={made["id"]} name=counters ret=0 error=none', text)
    self.assertIn('key=[NULL] next=[06 00 00 00]', text)

  def test_programs_pins_and_attachments(self):
    def pin(name):
      return harness.PINS / f'calls_test_{name}'

    self.addCleanup(lambda: [pin(name).unlink(missing_ok=True) for name in 'pm'])

    root = self.folder / 'cgroup'
    root.mkdir()
    harness.mount('none', root, 'cgroup2')  # for this test alone: its mounts are private
    folder = root / 'calls_test'
    folder.mkdir(exist_ok=True)
    self.addCleanup(harness.run, ['/usr/bin/umount', '--lazy', root])
    self.addCleanup(folder.rmdir)
    cgroup = self.keep(os.open(folder, os.O_RDONLY))

    def body():
      program = self.keep(bpf.prog_load(bpf.CGROUP_SKB, bpf.returns(1), b'pass_all'))
      self.assertEqual(bpf.prog_load(bpf.XDP, b'\xff' * 16, b'broken'), -errno.EINVAL)
      table = self.keep(bpf.map_create(bpf.ARRAY, 4, 4, 1, b'table'))
      self.assertEqual(bpf.obj(bpf.OBJ_PIN, pin('p'), program), 0)
      self.assertEqual(bpf.obj(bpf.OBJ_PIN, pin('m'), table), 0)
      self.assertEqual(bpf.obj(bpf.OBJ_PIN, pin('m'), table), -errno.EEXIST)
      again = self.keep(bpf.obj(bpf.OBJ_GET, pin('p')))
      self.keep(bpf.obj(bpf.OBJ_GET, pin('m')))
      self.assertEqual(bpf.obj(bpf.OBJ_GET, pin('none')), -errno.ENOENT)
      self.assertEqual(bpf.prog_attach(0, program, 999), -errno.EINVAL)
      self.assertEqual(bpf.prog_attach(cgroup, program, 1), 0)  # BPF_CGROUP_INET_EGRESS
      gone = bpf.prog_load(bpf.XDP, bpf.returns(1), b'gone')
      os.close(gone)
      time.sleep(0.2)  # the kernel lets go of it behind an RCU grace period
      self.assertLess(bpf.link_create(program, 0xfffffff, bpf.XDP), 0)
      return program, table, again

    events, (program, table, again) = self.record(body)
    loaded, broken, gone = self.fields(events, 'bpf_prog_load')
    self.assertEqual((loaded['type'], loaded['ufd'], loaded['name'], loaded['error']),
                     ('CGROUP_SKB', program, 'pass_all', 'none'))
    self.assertEqual((broken['type'], broken['ufd'], broken['name'], broken['error'], broken['id']),
                     ('XDP', -1, 'broken', 'EINVAL', 0))
    shown = harness.run([harness.BPFTOOL, '-j', 'prog', 'show', 'id', loaded['id']]).stdout
    self.assertIn(f'"tag":"{loaded["prog_tag"]}"', shown)
    pinned = self.one(events, 'bpf_obj_pin_prog')
    self.assertEqual((pinned['path'], pinned['ufd'], pinned['prog_tag'], pinned['id']),
                     (str(pin('p')), program, loaded['prog_tag'], loaded['id']))
    self.assertEqual([(each['path'], each['ufd'], each['type'], each['error'])
                      for each in self.fields(events, 'bpf_obj_pin_map')],
                     [(str(pin('m')), table, 'ARRAY', error) for error in ('none', 'EEXIST')])
    self.assertEqual(self.one(events, 'bpf_obj_get_prog')['ufd'], again)
    found, missing = self.fields(events, 'bpf_obj_get_map')
    self.assertEqual((found['type'], found['name'], missing['type'], missing['error']),
                     ('ARRAY', 'table', 'UNKNOWN', 'ENOENT'))
    self.assertEqual([(each['attach_type'], each['id'], each['target'], each['error'])
                      for each in self.fields(events, 'bpf_prog_attach')],
                     [(999, loaded['id'], 0, 'EINVAL'), ('CGROUP_INET_EGRESS', loaded['id'], cgroup, 'none')])
    self.assertIn((gone['id'], gone['prog_tag'], 'XDP'), {(each['fields']['id'], each['fields']['prog_tag'],
                                                           each['fields']['type']) for each in harness.script(self.trace)
                                                          if each['event'] == 'bpf:bpf_prog_put_rcu'})
    linked = self.one(events, 'bpf_link_create')
    self.assertEqual((linked['id'], linked['target'], linked['attach_type']), (loaded['id'], 0xfffffff, 'CGROUP_DEVICE'))
    self.assertEqual([each['type'] for each in self.fields(events, 'bpf_prog_get_type')], ['CGROUP_SKB'] * 3)

  def test_links_tell_what_they_attach(self):
    netns = L.Netns()
    self.addCleanup(netns.close)

    def body():
      with netns.entered():
        program = self.keep(bpf.prog_load(bpf.XDP, bpf.returns(1), b'xdp_drop'))
        return self.keep(bpf.link_create(program, 1, bpf_links.XDP, bpf_links.XDP_FLAGS_SKB_MODE))  # lo

    events, _ = self.record(body)
    linked = self.one(events, 'bpf_link_create')
    self.assertEqual((linked['attach_type'], linked['target'], linked['error']), ('XDP', 1, 'none'))
    self.keep(bpf.call(bpf.LINK_GET_FD_BY_ID, struct.pack('<II', linked['link_id'], 0)))


class Clients(Recorded):

  def test_bpftool_and_tc(self):
    lab = L.Lab()
    self.addCleanup(lab.close)
    netns = L.Netns()
    self.addCleanup(netns.close)

    def body():
      programs = lab.load()
      lab.attach_tc(netns, 'lo', 'ingress', programs / 'lab_storm')
      return {lab.program_id(pin) for pin in programs.iterdir()}, lab.program_id(programs / 'lab_storm')

    _, (loaded, attached) = self.record(body)
    events = harness.script(self.trace)
    self.assertLessEqual(loaded, {each['fields']['id'] for each in events if each['event'] == 'bpf:bpf_prog_load' and
                                  each['comm'] == 'bpftool' and each['fields']['error'] == 'none'})
    # tc opens what is pinned, and netlink does the rest.
    self.assertIn((attached, 'SCHED_CLS'), {(each['fields']['id'], each['fields']['type']) for each in events
                                            if each['event'] == 'bpf:bpf_obj_get_prog' and each['comm'] == 'tc'})


class Timeline(Recorded):

  def test_what_was_dropped_around_a_change(self):
    """An update of a map, a storm right behind it; later one without."""
    lab = L.Lab()
    self.addCleanup(lab.close)
    programs = lab.load()
    key, value = bpf.Bytes(bytes(4)), bpf.Bytes(bytes(8))

    def body():
      fd = self.keep(bpf.map_create(bpf.ARRAY, 4, 8, 1, b'policy'))
      self.assertEqual(bpf.element(bpf.MAP_UPDATE_ELEM, fd, key.address, value.address), 0)
      lab.storm(programs / 'lab_storm', 3).wait()
      time.sleep(1)
      self.assertEqual(bpf.element(bpf.MAP_UPDATE_ELEM, fd, key.address, value.address), 0)
      time.sleep(0.5)

    self.record(body, events='skb:kfree_skb,bpf:bpf_map_update_elem')
    drops = 3 * L.STORM_CLONES
    report = json.loads(harness.correlate('report', '--json', '--around', 'bpf:bpf_map_upd*', '--window', '500ms',
                                          self.trace).stdout)
    mine = [change for change in report['around']['changes'] if change['pid'] == os.getpid()]
    self.assertEqual([change['times'] for change in mine], ['1', '1'])
    # By its callchain, or sampled.
    first, second = [[(int(drop['before']), int(drop['after'])) for drop in change['drops']
                      if drop['culprit'].startswith('lab_storm #')] for change in mine]
    self.assertEqual((sum(before for before, _ in first), sum(after for _, after in first)), (0, drops))
    self.assertEqual(second, [])
    self.assertIn('name=policy', mine[0]['text'])
    text = harness.correlate('report', '--around', 'bpf:bpf_map_update_elem', '--window', '500ms', self.trace).stdout
    self.assertRegex(text, rf'\d\d:\d\d:\d\d\.\d+  {mine[0]["comm"]} {os.getpid()} .*name=policy')
    self.assertRegex(text, r'    0 -> [0-9,]+  lab_storm #')

  def test_lines_that_programs_print(self):
    def body():
      program = self.keep(bpf.prog_load(bpf.SCHED_CLS, bpf.prints('line', 42), b'printer'))
      self.assertEqual(bpf.test_run(program, 3), 0)

    events, _ = self.record(body, events='bpf_trace:bpf_trace_printk')
    self.assertEqual([event['fields']['bpf_string'] for event in events], ['line 42'] * 3)
    for event in events:
      self.assertEqual(event['attribution']['evidence'], 'stack')
      self.assertEqual([program['name'] for program in event['attribution']['programs']], ['printer'])
    self.assertIn('No BPF program is known to have dropped', harness.correlate('report', self.trace).stdout)


class Odd(Recorded):

  def test_hostile_arguments(self):
    """Addresses that lead nowhere, sizes that are none, descriptors of others: told as far as they can be read."""

    def body():
      fd = self.keep(bpf.map_create(bpf.HASH, 4, 8, 16, b'odd'))
      null = os.open('/dev/null', os.O_RDONLY)
      self.fds.append(null)
      answers = [
          bpf.call(bpf.MAP_UPDATE_ELEM, 0, 32),
          bpf.call(bpf.MAP_UPDATE_ELEM, 0xffffffff81000000, 32),
          bpf.call(bpf.MAP_UPDATE_ELEM, struct.pack('<IxxxxQQQ', fd, 0xffffffff81000000, 8, 0)),
          bpf.element(bpf.MAP_UPDATE_ELEM, null, 1, 2),
          bpf.element(bpf.MAP_UPDATE_ELEM, -1, 1, 2),
          bpf.element(bpf.MAP_UPDATE_ELEM, 0x7fffffff, 1, 2),
          bpf.call(bpf.MAP_UPDATE_ELEM, b'\0' * 128, 1 << 20),
          bpf.call(bpf.MAP_UPDATE_ELEM, b'', 0),
          bpf.call(bpf.OBJ_GET, struct.pack('<QII', 0x10, 0, 0)),
          bpf.call(4096, b''),
          bpf.call(0x7fffffff, b''),
      ]
      self.assertTrue(all(answer < 0 for answer in answers), answers)
      return answers

    events, answers = self.record(body)
    updates = self.fields(events, 'bpf_map_update_elem')
    self.assertEqual([int(each['ret']) for each in updates], answers[:8])
    self.assertEqual([each['unread'] for each in updates[:3]], [1, 1, 1])
    self.assertEqual([each['type'] for each in updates], ['UNKNOWN', 'UNKNOWN', 'HASH'] + ['UNKNOWN'] * 5)
    self.assertEqual([each['unread'] for each in self.fields(events, 'bpf_obj_get_map')], [1])

  def test_long_keys_and_values_are_cut_where_asked(self):
    key, value = bpf.Bytes(bytes(range(100))), bpf.Bytes(b'\xab' * 3000)

    def body():
      fd = self.keep(bpf.map_create(bpf.HASH, 100, 3000, 4))
      self.assertEqual(bpf.element(bpf.MAP_UPDATE_ELEM, fd, key.address, value.address), 0)

    for option, room in (((), 64), (('--value-bytes', '8'), 8), (('--value-bytes', '1024'), 1024)):
      with self.subTest(room=room):
        events, _ = self.record(body, *option)
        update = self.one(events, 'bpf_map_update_elem')
        self.assertEqual(update['key'], bytes(range(100))[:room].hex())
        self.assertEqual(update['val'], (b'\xab' * 3000)[:room].hex())
        self.assertEqual((update['key_len'], update['val_len'], update['key_trunc'], update['val_trunc']),
                         (100, 3000, int(room < 100), 1))
    self.assertIn(' ...] id=', harness.correlate('script', self.trace).stdout)

  def test_values_of_all_cpus(self):
    out = bpf.Bytes(b'', 8 * os.cpu_count() * 64)

    def body():
      fd = self.keep(bpf.map_create(bpf.PERCPU_ARRAY, 4, 4, 1))
      self.assertEqual(bpf.element(bpf.MAP_LOOKUP_ELEM, fd, bpf.Bytes(b'\0' * 4).address, out.address), 0)

    events, _ = self.record(body)
    possible = pathlib.Path('/sys/devices/system/cpu/possible').read_text().strip().split('-')
    self.assertEqual(self.one(events, 'bpf_map_lookup_elem')['val_len'], 8 * (int(possible[-1]) + 1))

  def test_a_caller_that_changes_its_memory_meanwhile(self):
    """What one thread hands over another one writes to: each event holds one of the values, and some say so."""
    value = bpf.Bytes(b'\1' * 8)
    stop = threading.Event()

    def change():
      while not stop.is_set():
        ctypes.memset(value.address, 1, 8)
        ctypes.memset(value.address, 2, 8)

    def body():
      fd = self.keep(bpf.map_create(bpf.ARRAY, 4, 8, 1))
      key = bpf.Bytes(b'\0' * 4)
      for _ in range(PATIENT):
        bpf.element(bpf.MAP_UPDATE_ELEM, fd, key.address, value.address)

    thread = threading.Thread(target=change)
    thread.start()
    try:
      events, _ = self.record(body, events='bpf:bpf_map_update_elem')
    finally:
      stop.set()
      thread.join()
    updates = self.fields(events, 'bpf_map_update_elem')
    self.assertEqual(len(updates), PATIENT)
    self.assertLessEqual({each['val'] for each in updates if not each['changed']}, {'01' * 8, '02' * 8})

  def test_what_cannot_be_made(self):
    refused = harness.correlate('record', '-e', 'bpf:bpf_map_create', '--no-enrich', '-o', self.folder / 'x.pb', '--', 'true',
                                check=False)
    self.assertNotEqual(refused.returncode, 0)
    self.assertIn('--no-enrich', refused.stderr)


class Counts(Recorded):

  CALLER = os.environ.get('BPF_CALLER', str(harness.TOP / 'tests/integration/bpf_caller'))
  MANY = 20_000 if harness.in_guest() else 1_000_000

  def updates(self, many):
    """How many succeeded, and how long one took, in microseconds."""
    succeeded, ns = harness.run([self.CALLER, many]).stdout.split()
    return int(succeeded), int(ns) / many / 1000

  def record_updates(self, *options):
    succeeded, us = self.record_only(lambda: self.updates(self.MANY), *options, events='bpf:bpf_map_update_elem')
    self.assertEqual(succeeded, self.MANY)
    info = json.loads(harness.correlate('info', '--json', self.trace).stdout)
    counts = {term: sum(int(each[term]) for each in info['counts'] if each['event'] == 'bpf:bpf_map_update_elem')
              for term in ('counted', 'written', 'lost')}
    # Somebody else may update a map meanwhile, and at times the kernel runs no program on a tracepoint.
    self.assertLess(counts['counted'] - self.MANY, 100)
    self.assertGreaterEqual(counts['counted'] + self.missed, self.MANY)
    if self.missed:
      self.assertTrue(any('calls of bpf(2) were missed' in note['text'] for note in info['notes']), info['notes'])
    self.assertEqual(counts['counted'], counts['written'] + counts['lost'])
    written = harness.correlate('script', self.trace).stdout.count('bpf:bpf_map_update_elem: ')
    self.assertEqual(counts['written'], written)
    return counts['lost'], us

  def test_many_updates_are_all_counted(self):
    """The caller's own number, what was written and what was lost; and what it cost the caller."""
    _, alone = self.updates(self.MANY)
    lost, recorded = self.record_updates()
    print(f'{self.MANY:,} updates: {alone:.2f} us each alone, {recorded:.2f} recorded; {lost:,} lost, {self.missed:,} missed')

  def test_what_finds_no_room_is_counted(self):
    lost, _ = self.record_updates('--ring-size', '4K')
    self.assertGreater(lost, 0)

  def test_nothing_is_left_of_a_killed_recording(self):
    run = harness.CommandRun(harness.CORRELATE, 'record', '-e', 'bpf:*', '-o', self.trace)
    run.process.kill()
    run.process.wait()  # the rest is HostTest's


if __name__ == '__main__':
  harness.main()
