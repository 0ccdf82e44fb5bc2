"""`tools/soak`: `record` with rotation and `alert` beside each other for hours, while programs, devices and namespaces come
and go, storms of every kind pass, and an Alertmanager goes and comes back. What both say is compared with what perf counts,
and what they hold at the end with what they held when all of it had happened a few times.
"""

import collections
import json
import os
import pathlib
import socket
import sys
import time

from tests.integration import bpf_calls
from tests.integration import bpf_links
from tests.integration import drops
from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L
from tests.prometheus import metrics_test
from tests.prometheus import servers

MINUTES = float(sys.argv.pop(1)) if __name__ == '__main__' else 0
DROPS, EXCEPTIONS = 'skb:kfree_skb', 'xdp:xdp_exception'
NAMES = 300           # of programs that come and go
STORM_RUNS = 300      # on each CPU, each of STORM_CLONES drops
STORM_FRAMES = 300_000
ROTATE_SIZE, ROTATE_TIME, FILES = '16M', '2m', 12
# Nothing may grow from the first third of the time on but by so much.
GROWTH, GROWTH_MIB = 1.10, 8

Use = collections.namedtuple('Use', 'mib descriptors bpf_objects cpu_s')


def use_of(pid):
  """What a process holds."""
  status = pathlib.Path(f'/proc/{pid}/status').read_text()
  resident_kib = int(status.split('VmRSS:')[1].split()[0])
  links = []
  for fd in pathlib.Path(f'/proc/{pid}/fd').iterdir():
    try:
      links.append(os.readlink(fd))
    except FileNotFoundError:
      pass
  return Use(resident_kib / 1024, len(links), sum('bpf' in link for link in links), metrics_test.cpu_seconds(pid))


class Ring:
  """The files of a recording, each read once it is whole."""

  def __init__(self, trace):
    self.trace = trace
    self.read = {}  # by file: counts by (event, outcome)

  def files(self):
    return sorted(self.trace.parent.glob(f'{self.trace.name}.*'))

  def take(self, all_of_them=False):
    files = self.files()
    for file in files if all_of_them else files[:-1]:
      if file in self.read:
        continue
      info = json.loads(harness.correlate('info', '--json', file).stdout)
      assert 'end' in info, file
      counts = collections.Counter()
      for cpu in info['counts']:
        for outcome in ('counted', 'written', 'only_counted', 'lost', 'missed', 'filtered'):
          counts[cpu['event'], outcome] += int(cpu[outcome])
      self.read[file] = counts

  def sum(self, event, outcome):
    return sum(counts[event, outcome] for counts in self.read.values())


class Soak(metrics_test.MetricsTest):

  # ---- What happens ----

  def churn_program(self, number):
    """A program of one of many names breaks a packet, and goes."""
    program = bpf_calls.prog_load(bpf_calls.XDP, bpf_calls.returns(0), f'churn_{number % NAMES}'.encode())
    with self.lab.far.entered():
      link = bpf_calls.link_create(program, self.ifindex, bpf_links.XDP, bpf_links.XDP_FLAGS_DRV_MODE)
    self.send(L.PORT_ABORT, 1)
    os.close(link)
    os.close(program)

  def churn_namespace(self, number):
    """One with a device of its own, on which a packet is dropped."""
    namespace = L.Netns(f'soak{number}')
    try:
      with namespace.entered():
        L.ip_commands(f'''link add name v{number} type veth peer name w{number}
                          link set v{number} up
                          link set w{number} up''')
        with L.packet_socket(namespace, f'v{number}') as sender:
          sender.send(frame.udp(self.lab.ends(L.PLAIN), 4001, L.PORT_CLOSED, b'payload'))
    finally:
      namespace.close()

  def storm_of_drops(self):
    storms = [self.lab.storm(self.storm_program, STORM_RUNS) for _ in os.sched_getaffinity(0)]
    for storm, cpu in zip(storms, sorted(os.sched_getaffinity(0))):
      os.sched_setaffinity(storm.pid, [cpu])
    for storm in storms:
      self.assertEqual(storm.wait(harness.PATIENCE_S), 0, storm.stderr_text())
    self.made[DROPS] += len(storms) * STORM_RUNS * L.STORM_CLONES

  def storm_of_exceptions(self):
    program = bpf_calls.prog_load(bpf_calls.XDP, bpf_calls.returns(0), b'abort_all')
    with self.lab.far.entered():
      link = bpf_calls.link_create(program, self.ifindex, bpf_links.XDP, bpf_links.XDP_FLAGS_DRV_MODE)
    before = self.sent()
    with self.lab.near.entered():
      storm = harness.start(['/usr/bin/python3', '-m', 'tests.prometheus.xdp_storm', f'near{L.XDP_NATIVE}', STORM_FRAMES])
    self.assertEqual(storm.wait(harness.PATIENCE_S), 0, storm.stderr_text())
    self.made[EXCEPTIONS] += self.sent() - before
    os.close(link)
    os.close(program)

  def storm_of_loads(self):
    for program in [bpf_calls.prog_load(bpf_calls.XDP, bpf_calls.returns(1), f'load_{i}'.encode()) for i in range(200)]:
      os.close(program)

  def storm_of_namespaces(self):
    for i in range(20):
      self.churn_namespace(9000 + i)

  def restart_alertmanager(self):
    """Gone for a while in which programs break packets; then it knows of them."""
    port = self.alertmanager.port
    self.alertmanager.stop()
    end = time.monotonic() + 15
    while time.monotonic() < end:
      self.happen()
    self.alertmanager = servers.Alertmanager(self, self.folder / 'alertmanager', port=port)
    harness.wait_for(lambda: self.alertmanager.alerts() or self.happen(), 'alerts at the Alertmanager that came back')
    self.restarts += 1

  def happen(self):
    """The next of what comes and goes."""
    self.number += 1
    self.churn_program(self.number)
    if self.number % 10 == 0:
      self.churn_namespace(self.number)
    if self.number % 50 == 0:
      self.traffic.round(self.number // 50)
    time.sleep(0.05)

  def storm(self):
    kinds = (self.storm_of_drops, self.storm_of_exceptions, self.storm_of_loads, self.storm_of_namespaces)
    kinds[self.storms % len(kinds)]()
    self.storms += 1

  # ---- What is looked at ----

  def look(self):
    self.ring.take()
    self.own('bpftrace_correlate_series')  # what scrapes take is there from the first one on
    uses = {name: use_of(process.pid) for name, process in self.processes.items()}
    self.uses.append(uses)
    told = '; '.join(f'{name} {use.mib:.1f} MiB, {use.descriptors} descriptors, {use.cpu_s:.0f} s of CPU'
                     for name, use in uses.items())
    print(f'{(time.monotonic() - self.began) / 60:.0f} min: {self.number} programs, {self.number // 10} namespaces, '
          f'{self.storms} storms, {self.restarts} restarts of the Alertmanager, {len(self.ring.read)} files; {told}', flush=True)

  def assert_nothing_grew(self):
    first = self.uses[:max(1, len(self.uses) // 3)]
    for name in self.processes:
      for what, more in (('mib', GROWTH_MIB), ('descriptors', 2), ('bpf_objects', 2)):
        settled = max(getattr(uses[name], what) for uses in first)
        last = getattr(self.uses[-1][name], what)
        self.assertLessEqual(last, settled * GROWTH + more, f'{what} of {name}: at most {settled} in the first third')

  def assert_counts(self, perf):
    for event in (DROPS, EXCEPTIONS):
      recorded = self.ring.sum(event, 'counted')
      parts = {outcome: self.ring.sum(event, outcome) for outcome in ('written', 'only_counted', 'lost', 'missed', 'filtered')}
      print(f'{event}: {self.made[event]} of storms, perf counted {perf[event]}, record {recorded} {parts}, '
            f'alert {self.alerted[event]:.0f}', flush=True)
      self.assertEqual(recorded, sum(parts.values()))
      for counted in (recorded, self.alerted[event]):
        self.assertLessEqual(counted, perf[event])
        self.assertLess(perf[event] - counted, 2000, 'no more than happened while they were started and ended')
      self.assertGreater(perf[event], self.made[event])

  def test_soak(self):
    os.environ['no_proxy'] = '127.0.0.1'
    self.made, self.uses = collections.Counter(), []
    self.number = self.storms = self.restarts = 0
    called = servers.Receiver(self, answer=lambda number: 500 if number % 7 == 0 else 200)
    self.alertmanager = servers.Alertmanager(self, self.folder / 'alertmanager')
    rules = self.folder / 'rules'
    rules.write_text(f'''
      rule {{
        name: "exceptions" filter: "event == {EXCEPTIONS}" by: "program" by: "device" window: "5s"
        action {{ webhook {{ url: "{called.url}/" }} }} action {{ alertmanager {{ url: "{self.alertmanager.url}" resend: "5s" }} }}
      }}''')
    with self.lab.far.entered():
      self.ifindex = socket.if_nametoindex(self.far_device)
    self.storm_program = self.lab.load() / 'lab_storm'
    self.traffic = drops.Traffic(self.lab)
    counter = harness.CommandRun(harness.PERF, 'stat', '-a', '-x', ';', '-e', f'{DROPS},{EXCEPTIONS}')
    recorder = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace, '--rotate-size', ROTATE_SIZE,
                                  '--rotate-time', ROTATE_TIME, '--max-files', FILES)
    self.ring = Ring(self.trace)
    alert = self.start('--rules', rules)
    self.processes = {'record': recorder.process, 'alert': alert}
    self.began = looked = stormed = restarted = time.monotonic()
    minute = 60 if MINUTES >= 20 else MINUTES * 60 / 20
    self.look()
    while time.monotonic() < self.began + MINUTES * 60:
      self.happen()
      if time.monotonic() > stormed + minute / 4:
        self.storm()
        stormed = time.monotonic()
      if time.monotonic() > restarted + 10 * minute:
        self.restart_alertmanager()
        restarted = time.monotonic()
      if time.monotonic() > looked + minute:
        self.look()
        looked = time.monotonic()
    for event in (DROPS, EXCEPTIONS):
      self.wait_for_the_kernels_count(event, self.made[event])
    self.alerted = {event: self.sum('hits_total', event=event) for event in (DROPS, EXCEPTIONS)}
    self.look()
    series = self.own('bpftrace_correlate_series')
    self.stop(alert)
    status, said = recorder.stop()
    self.assertEqual(status, 0, said)
    perf = {line.split(';')[2]: int(line.split(';')[0]) for line in counter.stop()[1].splitlines() if line.count(';') > 2}
    self.ring.take(all_of_them=True)
    print(f'{len(called.got)} posts to the webhook, {series:.0f} series, {len(self.ring.read)} files, {len(self.ring.files())} of '
          f'them kept\n{said.splitlines()[-1]}', flush=True)
    self.assert_counts(perf)
    self.assertLessEqual(len(self.ring.files()), FILES)
    for file in self.ring.files():
      harness.correlate('report', file)
    line = harness.LastLine(said)
    for outcome in ('lost', 'missed', 'only_counted'):
      self.assertEqual(sum(self.ring.sum(event, outcome) for event in (DROPS, EXCEPTIONS)), getattr(line, outcome), outcome)
    self.assertGreater(self.restarts, 0)
    self.assertGreater(len(called.got), self.restarts)
    self.assert_nothing_grew()


if __name__ == '__main__':
  harness.main()
