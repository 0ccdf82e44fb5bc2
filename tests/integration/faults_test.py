#!/usr/bin/python3
"""What goes wrong on a host, on purpose: kills at any moment, a recorder that is stopped in a storm, system calls of its start
that fail (strace's fault injection), a disk that fails or stalls, notifications that the kernel throws away, things that vanish
under a scan, too few descriptors, too little memory that may be locked. After each the trace reads or says why not, the exit
status and stderr tell, and nothing is left on the host.

FAULTS=all tries up to 20 places of each call, each place of those that make a kernel object, and 1,000 kills; otherwise a sample of
them.
"""

import collections
import ipaddress
import json
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

from tests.integration import bpf_calls
from tests.integration import bpf_links
from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L

STRACE = '/usr/bin/strace'
ALL = os.environ.get('FAULTS') == 'all'
KILLS = 1000 if ALL else 15
NUMBERED_KILLS = 40 if ALL else 2
NUMBERED_CPUS, NUMBERS = 8, 1 << 24  # as in lab.bpf.c
MOST_BEHIND_S = 2  # a chunk is written when it is a quarter of a second old; a busy machine takes its time
STOPPED_S = 10 if ALL else 3
MOST_PLACES = 20 if ALL else 2  # of one call, evenly from the first to the last

# Each of these makes something in the kernel, or may.
OBJECTS = ('bpf', 'perf_event_open', 'socket', 'epoll_create1', 'eventfd2', 'signalfd4', 'pipe2', 'memfd_create', 'clone', 'clone3',
           'pidfd_open', 'inotify_init1')

# How each call may fail on a host, by its manual page.
ERRORS = {
    'openat': ('EMFILE', 'EACCES'), 'bpf': ('ENOMEM', 'EPERM'), 'perf_event_open': ('EMFILE', 'ENOMEM', 'EACCES'), 'mmap': ('ENOMEM',),
    'ioctl': ('ENOMEM',), 'socket': ('EMFILE', 'EPERM'), 'recvmsg': ('ENOBUFS',), 'recvfrom': ('ENOBUFS',), 'sendto': ('ENOBUFS',), 'read': ('EIO',),
    'getdents64': ('EIO',), 'write': ('EIO', 'ENOSPC', 'EROFS'), 'epoll_create1': ('EMFILE',), 'epoll_ctl': ('ENOMEM',),
    'eventfd2': ('EMFILE',), 'signalfd4': ('EMFILE',), 'pipe2': ('EMFILE',), 'memfd_create': ('ENOMEM',), 'clone': ('EAGAIN',),
    'clone3': ('EAGAIN',), 'poll': ('ENOMEM',), 'epoll_wait': ('EBADF',), 'setsockopt': ('EPERM',), 'getsockopt': ('ENOBUFS',), 'bind': ('EADDRINUSE',),
    'setns': ('EPERM',), 'fcntl': ('EINVAL',), 'newfstatat': ('ENOENT',), 'pidfd_open': ('EMFILE',), 'inotify_init1': ('EMFILE',),
    'inotify_add_watch': ('ENOSPC',), 'fchmod': ('EPERM',), 'lseek': ('ESPIPE',), 'capget': ('EPERM',), 'prctl': ('EPERM',), 'uname': ('EFAULT',)}


class FaultsTest(harness.HostTest):

  def assert_told(self, done, what):
    """It ended by itself, and said why where it failed; what there is of a trace reads."""
    self.assertFalse(done.returncode < 0 or done.returncode >= 128, f'{what}: exit status {done.returncode}\n{done.stderr}')
    self.assertNotIn('terminate called', done.stderr, what)
    if done.returncode != 0:
      self.assertRegex(done.stderr, r'bpftrace-correlate', f'{what}: exit status {done.returncode} without a reason')
    self.assert_reads_or_says_why(what, whole=done.returncode == 0)

  def assert_reads_or_says_why(self, what, whole=False):
    if not self.trace.exists():
      self.assertFalse(whole, f'{what}: no trace')
      return
    read = harness.correlate('report', '--json', self.trace, check=False)  # all of it, and faster than `script`
    allowed = (0,) if whole else (0, harness.EXIT_DAMAGED, harness.EXIT_FAILURE)
    self.assertIn(read.returncode, allowed, f'{what}: report: {read.stderr}')
    if read.returncode != 0:
      self.assertIn(str(self.trace), read.stderr, what)


class Killed(FaultsTest):

  def test_at_any_moment(self):
    lab = L.Lab()
    self.addCleanup(lab.close)
    storm = lab.storm(lab.load() / 'lab_storm', 100_000_000)
    self.addCleanup(storm.wait)
    self.addCleanup(storm.kill)
    ended = collections.Counter()
    for number in range(KILLS):
      recorder = harness.start([harness.CORRELATE, 'record', '-o', self.trace])
      if number % 2:  # while it records; else perhaps before
        harness.wait_for(lambda: self.trace.exists() and self.trace.stat().st_size > 0, 'a trace')
      time.sleep(random.uniform(0, 0.5))
      recorder.kill()
      self.assertEqual(recorder.wait(), -signal.SIGKILL)
      self.assert_reads_or_says_why('killed')
      ended[self.trace.exists()] += 1
      self.trace.unlink(missing_ok=True)
    print(f'{KILLS} kills, {ended[True]} left a trace', flush=True)
    self.assertGreaterEqual(ended[True], KILLS // 2)

  def numbers_of(self, pin):
    """Of the last packet that the program made, by CPU."""
    maps = json.loads(harness.run([harness.BPFTOOL, '-j', 'prog', 'show', 'pinned', pin]).stdout)['map_ids']
    for number in maps:
      found = json.loads(harness.run([harness.BPFTOOL, '-j', 'map', 'dump', 'id', number]).stdout)
      for entry in found:
        for section in entry.get('formatted', {}).get('value', {}).values():
          for variable in section:
            if 'lab_numbers' in variable:
              return variable['lab_numbers']
    raise AssertionError(f'no numbers of packets in maps {maps}')

  def test_what_is_lost_of_numbered_packets(self):
    """Killed in a storm, the trace lacks what was made in the last moment, and nothing before it."""
    lab = L.Lab()
    self.addCleanup(lab.close)
    pin = lab.load() / 'lab_numbered'
    cpus = sorted(os.sched_getaffinity(0))[:NUMBERED_CPUS if ALL else 1]  # else the recorder has a CPU of its own
    ages_s = []
    for _ in range(NUMBERED_KILLS):
      storms = [lab.storm(pin, 100_000_000) for _ in cpus]
      for storm, cpu in zip(storms, cpus):
        self.addCleanup(storm.kill)
        os.sched_setaffinity(storm.pid, [cpu])
      recorder = harness.start([harness.CORRELATE, 'record', '-e', 'skb:kfree_skb', '-o', self.trace, '--ring-size', '64M'])
      harness.wait_for(lambda: self.trace.exists() and self.trace.stat().st_size > 0, 'a trace')
      began, first = time.monotonic(), self.numbers_of(pin)
      time.sleep(random.uniform(0.5, 1.5) if ALL else 0.3)
      recorder.kill()
      recorder.wait()
      took, last = time.monotonic() - began, self.numbers_of(pin)
      for storm in storms:
        storm.kill()
        storm.wait()
      made = sum((end - begin) % NUMBERS for begin, end in zip(first, last))
      read = harness.correlate('script', '--json', self.trace, check=False)
      self.assertIn(read.returncode, (0, harness.EXIT_DAMAGED), read.stderr)
      events = [json.loads(line) for line in read.stdout.splitlines()]
      lost = sum(int(event['lost']) for event in events if 'event' not in event)
      by_cpu = collections.defaultdict(list)
      for event in events:
        if event.get('packet', {}).get('dport') == L.PORT_CLOSED:
          cpu, number = divmod(int(ipaddress.ip_address(event['packet']['src'])), NUMBERS)
          if cpu < NUMBERED_CPUS:  # real ones begin with 10
            by_cpu[cpu].append(number)
      self.assertEqual(sorted(by_cpu), cpus)
      steps = [(after - before) % NUMBERS for numbers in by_cpu.values() for before, after in zip(numbers, numbers[1:])]
      self.assertTrue(all(0 < step < NUMBERS // 2 for step in steps), 'out of order, or twice')
      missing = sum(steps) - len(steps)
      behind = sum((last[cpu] - numbers[-1]) % NUMBERS for cpu, numbers in by_cpu.items())
      ages_s.append(behind / made * took)
      print(f'{made / took:,.0f}/s: {sum(map(len, by_cpu.values()))} read, {missing} missing among them, {lost} told to be '
            f'lost; the last ones are {ages_s[-1] * 1000:.0f} ms old', flush=True)
      self.assertLessEqual(missing, lost)
      self.trace.unlink()
    self.assertLess(max(ages_s), MOST_BEHIND_S)


class Stopped(FaultsTest):

  def test_in_a_storm_every_drop_is_accounted_for(self):
    lab = L.Lab()
    self.addCleanup(lab.close)
    runs = 2000
    pin = lab.load() / 'lab_storm'
    counter = harness.CommandRun(harness.PERF, 'stat', '-a', '-x', ';', '-e', 'skb:kfree_skb')
    recorder = harness.CommandRun(harness.CORRELATE, 'record', '-e', 'skb:kfree_skb', '-o', self.trace)
    storm = lab.storm(pin, runs)
    recorder.process.send_signal(signal.SIGSTOP)
    time.sleep(STOPPED_S)
    recorder.process.send_signal(signal.SIGCONT)
    self.assertEqual(storm.wait(harness.PATIENCE_S), 0, storm.stderr_text())
    status, said = recorder.stop()
    self.assertEqual(status, 0, said)
    counted = int(counter.stop()[1].split(';')[0])
    line = harness.LastLine(said)
    told = line.events + line.only_counted + line.lost + line.missed
    print(f'{line.events} written, {line.only_counted} only counted, {line.lost} lost, {line.missed} missed; '
          f'{runs * L.STORM_CLONES} made, perf counted {counted}', flush=True)
    self.assertGreaterEqual(told, runs * L.STORM_CLONES)
    self.assertLessEqual(told, counted)
    harness.script_lines(self.trace)


@unittest.skipUnless(os.path.exists(STRACE), 'no strace here')
class SystemCallsFail(FaultsTest):
  """Of the main thread, one at a time."""

  RECORD = [harness.CORRELATE, 'record', '-o']

  def traced(self, *options):
    return harness.run([STRACE, '-o', self.folder / 'calls', *options, *self.RECORD, self.trace, '--', '/bin/true'],
                       check=False)

  def calls(self):
    """How often each is made, by name: by the dynamic linker, which ends as it likes, and in all."""
    done = self.traced()
    self.assertEqual(done.returncode, 0, done.stderr)
    lines = (self.folder / 'calls').read_text().splitlines()
    linked = max((number for number, line in enumerate(lines) if re.match(r'openat\(.*/lib.*\.so', line)), default=-1)
    while 0 <= linked < len(lines) - 1 and not lines[linked].startswith('munmap('):
      linked += 1

    def count(some):
      return collections.Counter(match[1] for match in map(re.compile(r'([a-z0-9_]+)\(').match, some) if match)
    return count(lines[:linked + 1]), count(lines)

  def test_each_once(self):
    linker, calls = self.calls()
    print(dict(calls), flush=True)
    tried = failed = 0
    problems = []
    for name, errors in ERRORS.items():
      times = calls[name]
      first = linker[name] + 1
      places = list(range(first, times + 1))
      if len(places) > MOST_PLACES and not (ALL and name in OBJECTS):
        places = sorted({first + i * (times - first) // (MOST_PLACES - 1) for i in range(MOST_PLACES)})
      for error in errors if ALL else errors[:1]:
        for place in places:
          what = f'{name} number {place} of {times} fails with {error}'
          self.trace.unlink(missing_ok=True)
          try:
            done = self.traced('-e', f'inject={name}:error={error}:when={place}')
            tried += 1
            failed += done.returncode != 0
            self.assert_told(done, what)
          except (AssertionError, subprocess.TimeoutExpired) as problem:
            problems.append(f'{what}: {str(problem)[-600:]}')
    print(f'{tried} faults, {failed} ended the recording', flush=True)
    self.assertFalse(problems, '\n\n'.join(problems))
    self.assertGreater(failed, 10)


@unittest.skipUnless(os.path.exists(STRACE), 'no strace here')
class TheDisk(FaultsTest):
  """What is asked of the trace's file alone fails, or takes its time."""

  def setUp(self):
    super().setUp()
    self.lab = L.Lab()
    self.addCleanup(self.lab.close)
    self.pin = self.lab.load() / 'lab_storm'

  def record(self, injected):
    """(Exit status, what stderr said, drops made, drops that perf counted) of a recording with storms."""
    runs, made = 300, 0
    counter = harness.CommandRun(harness.PERF, 'stat', '-a', '-x', ';', '-e', 'skb:kfree_skb')
    recorder = harness.CommandRun(STRACE, '-f', '-qq', '-o', '/dev/null', '-P', self.trace, '-e', f'inject=write,writev,pwrite64:{injected}',
                                  harness.CORRELATE, 'record', '-e', 'skb:kfree_skb', '-o', self.trace)
    end = time.monotonic() + 5
    while time.monotonic() < end and recorder.process.poll() is None:
      storm = self.lab.storm(self.pin, runs)
      self.assertEqual(storm.wait(harness.PATIENCE_S), 0, storm.stderr_text())
      made += runs * L.STORM_CLONES
      time.sleep(0.3)
    status, said = recorder.stop()
    return status, said, made, int(counter.stop()[1].split(';')[0])

  def test_stalls_for_seconds(self):
    status, said, made, counted = self.record('delay_enter=2s:when=3+5')
    self.assertEqual(status, 0, said)
    line = harness.LastLine(said)
    told = line.events + line.only_counted + line.lost + line.missed
    print(f'{made} made, {line.events} written, {line.lost} lost, {line.missed} missed; perf counted {counted}', flush=True)
    self.assertGreaterEqual(told, made)
    self.assertLessEqual(told, counted)
    self.assert_reads_or_says_why('stalled', whole=True)

  def test_fails(self):
    for error, reason in (('EIO', 'Input/output error'), ('EROFS', 'Read-only file system'), ('ENOSPC', 'No space left')):
      with self.subTest(error):
        self.trace.unlink(missing_ok=True)
        status, said, _, _ = self.record(f'error={error}:when=4+')
        self.assertEqual(status, harness.EXIT_RECORD_FAILURE, said)
        self.assertRegex(said, f'{re.escape(str(self.trace))}.*{reason}|{reason}.*{re.escape(str(self.trace))}')
        self.assert_reads_or_says_why(error)
        self.assertGreater(len(harness.script_lines(self.trace, exit_status=harness.EXIT_DAMAGED)), 0)


class Overrun(FaultsTest):

  def test_notifications_are_lost(self):
    """More of them than the kernel keeps for a recorder that stands still: what changed meanwhile is seen by looking again."""
    lab = L.Lab()
    self.addCleanup(lab.close)
    harness.run([harness.IP, 'netns', 'set', 'near', 'auto'])  # a number, so that it is heard of; gone with the namespace
    recorder = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace)
    time.sleep(0.5)
    recorder.process.send_signal(signal.SIGSTOP)
    with lab.near.entered():
      for _ in range(10):
        L.ip_commands('\n'.join(f'link set dev near{L.PLAIN} mtu {1400 + i % 100}' for i in range(3000)))
    program = lab.attach_tc(lab.near, f'near{L.TC}', 'egress', lab.load() / 'lab_tc_verdict')
    recorder.process.send_signal(signal.SIGCONT)
    time.sleep(1)
    for _ in range(50):
      lab.send(L.TC, frame.udp(lab.ends(L.TC), 4000, L.PORT_SHOT))
    time.sleep(0.5)
    status, said = recorder.stop()
    self.assertEqual(status, 0, said)
    info = json.loads(harness.correlate('info', '--json', self.trace).stdout)
    self.assertTrue(any('notifications of network changes were lost' in note for note in info['notes']), info['notes'])
    ours = [event for event in harness.script(self.trace)
            if event.get('packet', {}).get('dport') == L.PORT_SHOT and event['fields'].get('reason') == 'TC_EGRESS']
    self.assertEqual(len(ours), 50)
    for event in ours:
      self.assertEqual((event['attribution']['evidence'], [found['id'] for found in event['attribution']['programs']]),
                       ('sole', [program]), event['attribution'])


@unittest.skipUnless(os.path.exists(STRACE), 'no strace here')
class Vanishing(FaultsTest):
  """Programs, links, devices, namespaces and cgroups live shorter than a scan takes from one call to the next."""

  CALLS = 'bpf,sendto,sendmsg,recvmsg,setns,openat,getdents64,read'

  def come_and_go(self, cgroups, stop, rounds):
    while not stop.is_set():
      rounds.append(len(rounds))
      name = f'brief{len(rounds)}'
      namespace = L.Netns(name)
      cgroup = cgroups / f'bpftrace-correlate-{os.getpid()}-{name}'
      cgroup.mkdir()
      try:
        with namespace.entered():
          L.ip_commands(f'link add name v{len(rounds)} type veth peer name w{len(rounds)}')
          index = socket.if_nametoindex(f'v{len(rounds)}')
          program = bpf_calls.prog_load(bpf_calls.XDP, bpf_calls.returns(1), name.encode())
          link = bpf_calls.link_create(program, index, bpf_links.XDP, bpf_links.XDP_FLAGS_DRV_MODE)
        os.close(program)
        filters = bpf_calls.prog_load(bpf_calls.CGROUP_SKB, bpf_calls.returns(1), name.encode())
        folder = os.open(cgroup, os.O_RDONLY)
        links = [link, bpf_calls.link_create(filters, folder, bpf_links.CGROUP_INET_EGRESS)]
        self.assertGreaterEqual(min(links), 0)
        os.close(filters)
        os.close(folder)
        time.sleep(random.uniform(0, 0.01))
        # Links end before what they are attached to, or after it.
        if len(rounds) % 2:
          while links:
            os.close(links.pop())
        cgroup.rmdir()
        with namespace.entered():
          L.ip_commands(f'link del dev v{len(rounds)}')
        while links:
          os.close(links.pop())
      finally:
        namespace.close()
        if cgroup.exists():
          cgroup.rmdir()

  def test_between_two_calls_of_a_scan(self):
    stop, rounds = threading.Event(), []
    churn = threading.Thread(target=self.come_and_go, args=(harness.cgroup_root(), stop, rounds))
    churn.start()
    try:
      for _ in range(10 if ALL else 1):
        for command in ('programs', '--json'), ('programs', '--maps'), ('record', '-o', self.trace, '--duration', '1s'):
          done = harness.run([STRACE, '-f', '-qq', '-o', '/dev/null', '-e',
                              f'inject={self.CALLS}:delay_enter={random.choice((300, 1000, 3000))}', harness.CORRELATE, *command],
                             check=False)
          self.assertEqual(done.returncode, 0, f'{command}: {done.stderr}')
          if command[1] == '--json':
            json.loads(done.stdout)
        self.assert_reads_or_says_why('vanishing', whole=True)
    finally:
      stop.set()
      churn.join()
    print(f'{len(rounds)} came and went', flush=True)
    self.assertGreater(len(rounds), 20)


class TooLittle(FaultsTest):

  def limited(self, limit):
    return harness.run(['/usr/bin/prlimit', limit, harness.CORRELATE, 'record', '-o', self.trace, '--', '/bin/true'], check=False)

  def test_descriptors(self):
    ended = collections.Counter()
    for most in range(3, 140, 1 if ALL else 8):
      self.trace.unlink(missing_ok=True)
      done = self.limited(f'--nofile={most}')
      if 'error while loading shared libraries' not in done.stderr:
        self.assert_told(done, f'{most} descriptors')
        ended[done.returncode] += 1
    print(dict(ended), flush=True)
    self.assertGreater(ended[0], 0)
    self.assertGreater(sum(ended.values()), ended[0])

  def test_memory_that_may_be_locked(self):
    for most in (0, 4096, 65536):
      self.trace.unlink(missing_ok=True)
      self.assert_told(self.limited(f'--memlock={most}'), f'{most} bytes')


class AClockStep(FaultsTest):

  def test_times_stay_in_order(self):
    if not harness.in_guest():
      self.skipTest('the clock is set in a guest of tools/vm alone')
    recorder = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace)
    self.addCleanup(time.clock_settime, time.CLOCK_REALTIME, time.time())
    time.sleep(0.3)
    time.clock_settime(time.CLOCK_REALTIME, time.time() + 3600)
    time.sleep(0.3)
    time.clock_settime(time.CLOCK_REALTIME, time.time() - 7200)
    time.sleep(0.3)
    status, said = recorder.stop()
    self.assertEqual(status, 0, said)
    times = [int(event['time_ns']) for event in harness.script(self.trace)]
    self.assertEqual(times, sorted(times))


if __name__ == '__main__':
  harness.main()
