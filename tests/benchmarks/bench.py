#!/usr/bin/python3
"""bpftrace-correlate beside perf, over the same packets, in interleaved rounds. tools/bench builds and runs this.

usage: bench.py [--rounds N] [--short] [--json FILE] [--page FILE]

See docs/benchmarks.md for what is measured and how to read it.
"""

import argparse
import datetime
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

from tests.benchmarks import traffic
from tests.integration import harness
from tests.integration import lab as L

EVENT = 'skb:kfree_skb'
PERF_RECORD = [harness.PERF, 'record', '-a', '-g', '-e', EVENT]
NEVER = float('nan')
INNER = ('tests/benchmarks/pipeline_benchmark', 'collector/attachment_scanner_benchmark', 'symbolize/kernel_symbols_benchmark')


class Scale:
  """How much is sent."""

  def __init__(self, short):
    self.rounds = 1 if short else 5
    self.flood = 20_000 if short else 400_000
    self.steady_rate = 20_000 if short else 100_000
    self.steady_seconds = 0.5 if short else 4
    self.storm_runs = 50 if short else 1_000  # of L.STORM_CLONES drops, on one CPU
    self.long_storm_runs = 100 if short else 25_000  # on each CPU
    self.namespaces = 4 if short else traffic.NAMESPACES


class Recorder:
  """A way to record. `short`: how it is called in tables."""

  def __init__(self, short, command, events):
    self.short, self._command, self._events = short, command, events

  def run(self, output, body):
    """Usage of the process (rusage), what it said, the file's bytes."""
    hold = ['/bin/sh', '-c', 'echo begun; read end; exit 0']
    with open(f'{output}.err', 'w+') as errors:
      process = subprocess.Popen([*self._command, '-o', str(output), '--', *hold], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=errors)
      begun = process.stdout.readline() == b'begun\n'
      if begun:
        body(process.pid)
      process.stdin.close()
      _, status, usage = os.wait4(process.pid, 0)
      process.stdout.close()
      process.returncode = os.waitstatus_to_exitcode(status)
      errors.seek(0)
      said = errors.read()
    if not begun or process.returncode != 0:
      sys.exit(f'{self.short} failed:\n{said}')
    return Run(usage, said, output.stat().st_size if output.exists() else 0, self._events(output, said))


class Run:

  def __init__(self, usage, said, size, events):
    self.cpu = usage.ru_utime + usage.ru_stime
    self.peak_kb, self.said, self.bytes, self.events = usage.ru_maxrss, said, size, events


def our_events(_, said):
  return harness.LastLine(said).events


def perf_events(output, _):
  stats = subprocess.run([harness.PERF, 'report', '--stats', '-i', output], capture_output=True, text=True).stdout
  match = re.search(r'^\s*SAMPLE events:\s+(\d+)', stats, re.MULTILINE)
  return int(match.group(1)) if match else 0


def ours(short, *options):
  return Recorder(short, [harness.CORRELATE, 'record', '-e', EVENT, *options], our_events)


def perf(short, *options):
  return Recorder(short, [*PERF_RECORD, *options], perf_events)


DEFAULT = ours('ours')
ONLY_COUNT = ours('ours --max-rate 0', '--max-rate', '0')
ALL_STACKS = ours('ours --stacks all', '--stacks', 'all')
PERF = perf('perf -g')
PERF_Z = perf('perf -g -z', '-z')


def busy_seconds():
  """CPU time of all CPUs that was not idle."""
  ticks = [int(word) for word in pathlib.Path('/proc/stat').read_text().split('\n', 1)[0].split()[1:]]
  idle = ticks[3] + ticks[4]
  return (time.monotonic() * os.cpu_count()) - idle / os.sysconf('SC_CLK_TCK')


def seconds_busy(body):
  before = busy_seconds()
  body()
  return busy_seconds() - before


class Table:
  """Values by row, column (the traffic) and who was measured."""

  def __init__(self):
    self.values = {}

  def add(self, row, column, who, value):
    self.values.setdefault(row, {}).setdefault(column, {}).setdefault(who, []).append(value)

  def median(self, row, column, who):
    values = self.values.get(row, {}).get(column, {}).get(who)
    return statistics.median(values) if values else NEVER


class Row:

  def __init__(self, name, unit, who, against, goal, at_most=True, beside=None):
    """`beside`: the row in which `against` stands, if not in this one."""
    self.name, self.unit, self.who, self.against, self.goal, self.at_most = name, unit, who, against, goal, at_most
    self.beside = beside or name


ROWS = (
    Row('cost in all', 'µs an event', 'ours', 'perf -g', 0.20),
    Row('cost in all, only counting', 'µs an event', 'ours --max-rate 0', 'perf -g', 0.05, beside='cost in all'),
    Row('cost in all, every stack', 'µs an event', 'ours --stacks all', 'perf -g', 0.95, beside='cost in all'),
    Row('written whole in a storm', 'events a second', 'ours', 'perf -g', 4, at_most=False),
    Row('lost in that storm', '%', 'ours', 'perf -g', None),
    Row('CPU of the recorder, steady', 'µs an event', 'ours', 'perf -g', 0.2),
    Row('bytes on disk', 'bytes an event', 'ours', 'perf -g -z', 0.5),
    Row('script', 'events a second', 'ours', 'perf -g', 20, at_most=False),
    Row('report', 'events a second', 'ours', 'perf -g', 10, at_most=False),
    Row('XDP exceptions, cost in all', 'µs an event', 'ours', 'perf -g', None),
    Row('start until events are recorded', 's', 'ours', 'perf -g', None),
)


class Bench:

  def __init__(self, scale, folder):
    self.scale, self.table, self.folder = scale, Table(), pathlib.Path(folder)
    self.output = self.folder / 'recording'
    self.facts = {}

  # ---- One round over one column ----

  def round(self, column, world, backwards):
    order = reversed if backwards else list
    self.costs(column, world, order([DEFAULT, ONLY_COUNT, ALL_STACKS, PERF]))
    self.steady(column, world, order([DEFAULT, PERF, PERF_Z]))
    self.storm(column, world, order([DEFAULT, PERF]))

  def costs(self, column, world, recorders, rows=None, event=EVENT):
    """What recording costs the whole host: busy time with it, less that of the flood alone and of a recording of nothing."""
    rows = rows or {'ours': 'cost in all', 'ours --max-rate 0': 'cost in all, only counting',
                    'ours --stacks all': 'cost in all, every stack', 'perf -g': 'cost in all'}
    flood = lambda *_: world.flood(self.scale.flood)
    drops = traffic.counted(flood, event)
    alone = seconds_busy(flood)
    self.table.add('a packet without a recorder', column, 'flood', alone / self.scale.flood * 1e6)
    for recorder in recorders:
      nothing = seconds_busy(lambda: recorder.run(self.output, lambda _: None))
      busy = seconds_busy(lambda: recorder.run(self.output, flood))
      self.table.add(rows[recorder.short], column, recorder.short, (busy - nothing - alone) / drops * 1e6)

  def steady(self, column, world, recorders):
    """The recorder's own process, bytes, and what readers make of the file."""
    packets = int(self.scale.steady_rate * self.scale.steady_seconds)
    for recorder in recorders:
      nothing = recorder.run(self.output, lambda _: None)
      run = recorder.run(self.output, lambda _: world.flood(packets, self.scale.steady_rate))
      self.table.add('CPU of the recorder, steady', column, recorder.short, (run.cpu - nothing.cpu) / max(run.events, 1) * 1e6)
      self.table.add('bytes on disk', column, recorder.short, (run.bytes - nothing.bytes) / max(run.events, 1))
      if recorder in (DEFAULT, PERF):
        self.readers(column, recorder, run.events)

  def readers(self, column, recorder, events):
    if recorder is PERF:
      commands = {'script': [harness.PERF, 'script', '-i', self.output], 'report': [harness.PERF, 'report', '--stdio', '-i', self.output]}
    else:
      commands = {name: [harness.CORRELATE, name, self.output] for name in ('script', 'report')}
    for name, command in commands.items():
      begin = time.monotonic()
      subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
      self.table.add(name, column, recorder.short, events / (time.monotonic() - begin))

  def storm(self, column, world, recorders):
    """As fast as one CPU can; of one kind by BPF_PROG_TEST_RUN, else by a flood."""
    cpu = min(os.sched_getaffinity(0))
    for recorder in recorders:
      times = {}

      def body(_):
        begin = time.monotonic()
        if world.frames_of_one_kind:
          times['drops'] = self.storm_on([cpu], self.scale.storm_runs)
        else:
          world.flood(self.scale.flood, cpus=[cpu])
        times['s'] = time.monotonic() - begin
      run = recorder.run(self.output, body)
      self.table.add('written whole in a storm', column, recorder.short, run.events / times['s'])
      if recorder is DEFAULT:
        lost = harness.LastLine(run.said).lost
      else:
        lost = max(0, times.get('drops', run.events) - run.events)
      self.table.add('lost in that storm', column, recorder.short, 100 * lost / max(run.events + lost, 1))

  def storm_on(self, cpus, runs):
    storms = []
    for cpu in cpus:
      storm = self.lab.storm(self.programs / 'lab_storm', runs)
      os.sched_setaffinity(storm.pid, [cpu])
      storms.append(storm)
    for storm in storms:
      if storm.wait() != 0:
        sys.exit(f'the storm failed: {storm.stderr_text()}')
    return len(storms) * runs * L.STORM_CLONES

  def start(self):
    for name, command in (('ours', [harness.CORRELATE, 'record', '-e', EVENT]), ('perf -g', PERF_RECORD)):
      begin = time.monotonic()
      process = subprocess.Popen([*command, '-o', self.output, '--', '/bin/sh', '-c', 'echo begun'], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL)
      process.stdout.readline()
      self.table.add('start until events are recorded', 'one kind', name, time.monotonic() - begin)
      process.stdout.close()
      process.wait()

  # ---- Once ----

  def long_storm(self):
    """Totals against the generator's number, and memory: of the recorder, then of a reader of what it wrote."""
    made, peak = {}, {}

    def body(pid):
      begin = time.monotonic()
      made['drops'] = self.storm_on(sorted(os.sched_getaffinity(0)), self.scale.long_storm_runs)
      made['s'] = time.monotonic() - begin
      status = pathlib.Path(f'/proc/{pid}/status').read_text()
      peak['all'] = int(re.search(r'VmHWM:\s+(\d+)', status).group(1))
      peak['rings'] = rss_of_rings(pid)
    run = DEFAULT.run(self.output, body)
    report = json.loads(harness.correlate('report', '--json', self.output).stdout)
    counted = sum(int(row['events']) for row in report['culprits']
                  if [program['name'] for program in row['programs']] == ['lab_storm'])
    line = harness.LastLine(run.said)
    reading = subprocess.Popen([harness.CORRELATE, 'report', str(self.output)], stdout=subprocess.DEVNULL)
    begin = time.monotonic()
    _, _, usage = os.wait4(reading.pid, 0)
    self.facts['long storm'] = {
        'made': made['drops'], 'counted': counted, 'equal': counted == made['drops'], 'seconds': made['s'],
        'drops a second': made['drops'] / made['s'], 'written whole': line.events, 'lost': line.lost, 'missed': line.missed,
        'peak of record, rings apart, MiB': (peak['all'] - peak['rings']) / 1024, 'rings that count as its memory, MiB': peak['rings'] / 1024,
        'peak of report, MiB': usage.ru_maxrss / 1024, 'report, s': time.monotonic() - begin,
        'trace, bytes': run.bytes}

  def run(self):
    self.lab = L.Lab()
    try:
      self.programs = self.lab.load()
      for name, namespaces in (('one kind', 1), ('many kinds', self.scale.namespaces)):
        world = traffic.Traffic(namespaces)
        try:
          for number in range(self.scale.rounds):
            self.round(name, world, backwards=number % 2)
            if namespaces == 1:
              self.start()
            print(f'bench: {name}, round {number + 1} of {self.scale.rounds}', file=sys.stderr, flush=True)
          self.count_kinds(name, world)
          if namespaces == 1:
            self.exceptions(world)
        finally:
          world.close()
      self.long_storm()
      self.inner()
    finally:
      self.lab.close()

  def exceptions(self, world):
    world.attach_xdp()
    event = 'xdp:xdp_exception'
    us = Recorder('ours', [harness.CORRELATE, 'record', '-e', event], our_events)
    them = Recorder('perf -g', [harness.PERF, 'record', '-a', '-g', '-e', event], perf_events)
    row = 'XDP exceptions, cost in all'
    for _ in range(self.scale.rounds):
      self.costs('one kind', world, [us, them], rows={'ours': row, 'perf -g': row}, event=event)
    world.detach_xdp()

  def count_kinds(self, column, world):
    """How mixed it is, as a recording with every stack tells."""
    ALL_STACKS.run(self.output, lambda _: world.flood(self.scale.flood // 10, self.scale.steady_rate // 4))
    kinds, stacks, places = set(), set(), set()
    with subprocess.Popen([harness.CORRELATE, 'script', '--json', str(self.output)], stdout=subprocess.PIPE) as script:
      for line in script.stdout:
        event = json.loads(line)
        if event.get('event') != EVENT:
          continue
        packet = event.get('packet', {})
        kinds.add((event['fields']['location'], event['fields']['reason'], packet.get('netns_cookie'), packet.get('ifindex')))
        stacks.add(tuple(frame['address'] for frame in event.get('stack', ())))
        places.add(packet.get('netns_cookie'))
    self.facts[column] = {'kinds': len(kinds), 'stacks': len(stacks), 'namespaces': len(places)}

  def inner(self):
    """Parts of our own process, by Google Benchmark: nanoseconds of CPU by name."""
    for program in INNER:
      done = subprocess.run([str(harness.TOP / program), '--benchmark_format=json',
                             f'--benchmark_min_time={0.01 if self.scale.rounds == 1 else 1}'], check=True,
                            capture_output=True, text=True)
      units = {'ns': 1, 'us': 1e3, 'ms': 1e6, 's': 1e9}
      for measured in json.loads(done.stdout)['benchmarks']:
        nanoseconds = measured['cpu_time'] * units[measured['time_unit']]
        if 'items_per_second' in measured:
          nanoseconds = 1e9 / measured['items_per_second']
        self.facts.setdefault('inner parts, ns', {})[measured['name']] = nanoseconds

  # ---- What it comes to ----

  def lines(self):
    """(row, column, value of ours, of perf, ratio, goal, whether it is reached)."""
    for row in ROWS:
      for column in ('one kind', 'many kinds'):
        mine = self.table.median(row.name, column, row.who)
        theirs = self.table.median(row.beside, column, row.against)
        if mine != mine:
          continue
        ratio = mine / theirs if theirs and theirs == theirs else NEVER
        reached = None
        if row.goal is not None and ratio == ratio:
          reached = ratio <= row.goal if row.at_most else ratio >= row.goal
        yield row, column, mine, theirs, ratio, reached

  def text(self):
    text = [f'{"median of " + str(self.scale.rounds):34}{"":12}{"ours":>14}{"perf":>14}{"ours / perf":>13}{"goal":>8}']
    for row, column, mine, theirs, ratio, reached in self.lines():
      goal = '' if row.goal is None else ('<= ' if row.at_most else '>= ') + f'{row.goal:g}'
      mark = '' if reached is None else ('' if reached else '  not reached')
      text.append(f'{row.name:34}{column:12}{number(mine):>14}{number(theirs):>14}{number(ratio):>13}{goal:>8}{mark}   {row.unit}')
    for name, facts in self.facts.items():
      text.append(f'{name}: ' + ', '.join(f'{key} {number(value)}' for key, value in facts.items()))
    return '\n'.join(text)

  def page(self):
    """The table as Markdown."""
    about = machine()
    lines = [
        '# Benchmark results', '',
        f'Measured on {about["date"]} with `sudo tools/bench --rounds {self.scale.rounds} --page FILE`; [benchmarks.md](benchmarks.md) says how, and what to make of it.',
        '', f'{about["cpus"]} CPUs ({about["model"]}), {about["memory_gib"]} GiB, Linux {about["kernel"]}, {about["perf"]}. '
        f'Medians of {self.scale.rounds} interleaved rounds; in brackets the lowest and the highest value.', '',
        '| measure | traffic | ours | perf | ours / perf | goal | |', '| --- | --- | --- | --- | --- | --- | --- |']
    for row, column, mine, theirs, ratio, reached in self.lines():
      goal = '' if row.goal is None else ('≤ ' if row.at_most else '≥ ') + f'{row.goal:g}'
      lines.append(f'| {row.name}, {row.unit} | {column} | {number(mine)} {self.spread(row.name, column, row.who)} | '
                   f'{number(theirs)} {self.spread(row.beside, column, row.against)} | {number(ratio)} | {goal} | '
                   f'{"" if reached is None else "reached" if reached else "not reached"} |')
    for name, facts in self.facts.items():
      lines += ['', f'## {name}', '', '| what | |', '| --- | --- |']
      lines += [f'| {key} | {number(value)} |' for key, value in facts.items()]
    return '\n'.join(lines) + '\n'

  def spread(self, row, column, who):
    values = self.table.values.get(row, {}).get(column, {}).get(who)
    return f'({number(min(values))} to {number(max(values))})' if values else ''

  def to_json(self):
    return {
        'machine': machine(),
        'rows': [{'name': row.name, 'unit': row.unit, 'traffic': column, 'ours': mine, 'against': row.against,
                  'theirs': None if theirs != theirs else theirs, 'ratio': None if ratio != ratio else ratio,
                  'goal': row.goal, 'goal_is': 'at most' if row.at_most else 'at least', 'reached': reached}
                 for row, column, mine, theirs, ratio, reached in self.lines()],
        'values': self.table.values, 'facts': self.facts}


def number(value):
  if isinstance(value, bool):
    return 'yes' if value else 'NO'
  if value != value:
    return '-'
  return f'{value:,.0f}' if abs(value) >= 1000 else f'{value:.3g}'


def rss_of_rings(pid):
  """KiB of perf's and BPF's rings that count as this process's memory."""
  rings, total = False, 0
  for line in pathlib.Path(f'/proc/{pid}/smaps').read_text().splitlines():
    if re.match(r'^[0-9a-f]+-[0-9a-f]+ ', line):
      rings = 'perf_event' in line or 'bpf-map' in line
    elif rings and line.startswith('Rss:'):
      total += int(line.split()[1])
  return total


def machine():
  model = re.search(r'model name\s*: (.*)', pathlib.Path('/proc/cpuinfo').read_text())
  version = subprocess.run([harness.PERF, '--version'], capture_output=True, text=True).stdout.strip()
  memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
  return {'cpus': os.cpu_count(), 'model': model.group(1) if model else 'unknown', 'memory_gib': round(memory / 2**30, 1),
          'kernel': os.uname().release, 'perf': version, 'date': datetime.date.today().isoformat()}


def main(args=None):
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--rounds', type=int, help='how often everything is measured (default 5)')
  parser.add_argument('--short', action='store_true', help='one small round, to see that it works')
  parser.add_argument('--json', metavar='FILE', help='the table as JSON, with every value')
  parser.add_argument('--page', metavar='FILE', help='the table as Markdown')
  options = parser.parse_args(args)
  if os.geteuid() != 0:
    sys.exit('bench: needs root')
  os.environ['LC_ALL'] = 'C'
  scale = Scale(options.short)
  scale.rounds = options.rounds or scale.rounds
  with tempfile.TemporaryDirectory(prefix='bench.') as folder:
    bench = Bench(scale, folder)
    bench.run()
  print(bench.text(), flush=True)
  if options.json:
    pathlib.Path(options.json).write_text(json.dumps(bench.to_json(), indent=1) + '\n')
  if options.page:
    pathlib.Path(options.page).write_text(bench.page())
  return bench


if __name__ == '__main__':
  harness.enter_private_mounts()
  main()
