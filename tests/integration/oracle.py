"""`perf record` beside `bpftrace-correlate record`, and their events compared one for one.

perf is told to lose nothing and to use our clock; `perf data convert --to-json` prints its events in raw numbers. What
one recorder has and the other has not is cut by markers: frames of an ethertype that nobody else has, dropped on each
CPU once both recorders are attached and again before either goes. Between them, on each CPU, both must have the same.
"""

import collections
import contextlib
import json
import os
import re

from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L

EVENTS = ('skb:kfree_skb', 'xdp:xdp_exception')

# What must be equal. `subject` is the packet's address, or the program's id; `verdict` the reason or the action.
Same = collections.namedtuple('Same', 'event cpu subject location protocol verdict callchain')
Seen = collections.namedtuple('Seen', 'same time_ns context')


class Markers:
  """Drops that tell when, on each CPU."""

  def __init__(self, lab):
    self._lab = lab
    self.begin, self.end = L.random_ethertype(), L.random_ethertype()
    while self.end == self.begin:
      self.end = L.random_ethertype()

  def mark(self, ethertype):
    usual = os.sched_getaffinity(0)
    for cpu in usual:
      os.sched_setaffinity(0, {cpu})
      self._lab.send(L.PLAIN, frame.ethernet(self._lab.ends(L.PLAIN), ethertype, b'\0' * 46))
    os.sched_setaffinity(0, usual)


class Side:
  """Events of one recorder, and what it says it lost."""

  def __init__(self, name, events, lost, missed=0):
    self.name, self.events, self.lost, self.missed = name, events, lost, missed

  def windows(self, markers):
    """By CPU, the events strictly between the markers; the number of events outside of them."""
    by_cpu = collections.defaultdict(list)
    for seen in self.events:
      by_cpu[seen.same.cpu].append(seen)
    inside = {}
    for cpu, events in by_cpu.items():
      protocols = [seen.same.protocol for seen in events]
      if markers.begin in protocols and markers.end in protocols:
        inside[cpu] = events[protocols.index(markers.begin) + 1:protocols.index(markers.end)]
    return inside, len(self.events) - sum(map(len, inside.values()))


@contextlib.contextmanager
def both_recording(folder, markers, *options):
  """Records with both while the body runs, ours with these options. Yields a dict that has 'perf' and 'ours' (Sides) afterwards."""
  sides = {}
  perf_data, trace = folder / 'perf.data', folder / 'trace.pb'
  events = [part for event in EVENTS for part in ('-e', event)]
  perf = harness.CommandRun(harness.PERF, 'record', '-a', '-g', '--kernel-callchains', '-k', 'CLOCK_MONOTONIC', '-m', '32M',
                            *events, '-o', perf_data)
  ours = harness.CommandRun(harness.CORRELATE, 'record', '--max-stack', 127, '--ring-size', '32M', '-o', trace, *options)
  markers.mark(markers.begin)
  yield sides
  markers.mark(markers.end)
  for recorder in (ours, perf):
    status, recorder.said = recorder.stop()
    if status != 0:
      raise AssertionError(f'exit status {status}: {recorder.said}')
  sides['perf'] = _read_perf(perf_data)
  sides['ours'] = _read_ours(trace, harness.LastLine(ours.said))


def tracer_functions():
  """Where the kernel calls one tracepoint's several users from: with our companion program beside it, perf's chains
  begin there. [begin, end) of each."""
  addresses = sorted({(int(line.split()[0], 16), line.split()[2]) for line in open('/proc/kallsyms')})
  return [(address, addresses[at + 1][0]) for at, (address, name) in enumerate(addresses[:-1])
          if name in [f'__traceiter_{event.split(":")[1]}' for event in EVENTS]]


def _read_perf(path):
  tracers = tracer_functions()
  converted = path.with_suffix('.json')
  harness.run([harness.PERF, 'data', 'convert', '--force', '--to-json', converted, '-i', path])
  events = []
  for sample in json.loads(converted.read_bytes().decode(errors='replace'))['samples']:
    chain = tuple(int(entry['ip'], 16) for entry in sample.get('callchain', ()))
    if chain and any(begin < chain[0] <= end for begin, end in tracers):
      chain = chain[1:]
    if 'prog_id' in sample:
      same = Same(EVENTS[1], sample['cpu'], int(sample['prog_id']), None, None, int(sample['act']), chain)
    else:
      same = Same(EVENTS[0], sample['cpu'], int(sample['skbaddr'], 16), int(sample['location'], 16),
                  int(sample['protocol']), int(sample['reason']), chain)
    events.append(Seen(same, sample['timestamp'], None))
  stats = harness.run([harness.PERF, 'report', '--stats', '--force', '-i', path]).stdout
  lost = 0
  if re.search(r'LOST(_SAMPLES)? events', stats):
    text = harness.run([harness.PERF, 'script', '--force', '--show-lost-events', '-i', path]).stdout
    lost = sum(map(int, re.findall(r'PERF_RECORD_LOST(?:_SAMPLES)? lost (\d+)', text)))
  return Side('perf', events, lost)


def _read_ours(trace, last_line):
  names = {event: numbers_of_names(event) for event in EVENTS}

  def number(event, text):
    return text if isinstance(text, int) else names[event].get(text) if text in names[event] else int(text, 0)

  events = []
  for event in harness.script(trace):
    name, fields = event['event'], event['fields']
    chain = tuple(int(entry['address'], 16) for entry in event.get('stack', ()))
    if name == EVENTS[0]:
      same = Same(name, event['cpu'], int(fields['skbaddr'], 16), int(fields['location'], 16), fields['protocol'],
                  number(name, fields['reason']), chain)
    elif name == EVENTS[1]:
      same = Same(name, event['cpu'], fields['prog_id'], None, None, number(name, fields['act']), chain)
    else:
      continue
    events.append(Seen(same, int(event['time_ns']), event['context']))
  return Side('bpftrace-correlate', events, last_line.lost, last_line.missed)


def numbers_of_names(event):
  """The host's own table of a tracepoint's enumeration."""
  text = harness.TRACING.joinpath('events', *event.split(':'), 'format').read_text()
  return {name: int(number) for number, name in re.findall(r'\{ *(\d+), *"(\w+)" *\}', text)}


class Comparison:
  """What both have, and what only one has, between the markers."""

  def __init__(self, ours, perf, markers):
    our_windows, self.ours_outside = ours.windows(markers)
    perf_windows, self.perf_outside = perf.windows(markers)
    self.cpus = (sorted(our_windows), sorted(perf_windows))
    self.matched, self.only_ours, self.only_perf = [], [], []
    self.largest_time_difference_ns = 0
    for cpu in our_windows.keys() | perf_windows.keys():
      self._compare(_by_content(our_windows.get(cpu, [])), _by_content(perf_windows.get(cpu, [])))

  def _compare(self, ours, perf):
    for same in ours.keys() | perf.keys():
      mine, theirs = ours.get(same, []), perf.get(same, [])
      pairs = min(len(mine), len(theirs))
      for a, b in zip(mine, theirs):
        self.largest_time_difference_ns = max(self.largest_time_difference_ns, abs(a.time_ns - b.time_ns))
      self.matched += mine[:pairs]
      self.only_ours += mine[pairs:]
      self.only_perf += theirs[pairs:]


def _by_content(events):
  groups = collections.defaultdict(list)
  for seen in events:
    groups[seen.same].append(seen)
  return groups
