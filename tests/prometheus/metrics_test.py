#!/usr/bin/python3
"""`alert --listen`: what Prometheus sees of drops and exceptions on a real kernel, whoever else looks at it meanwhile."""

import contextlib
import json
import os
import re
import resource
import socket
import threading
import time

from tests.integration import bpf_calls
from tests.integration import bpf_links
from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L
from tests.prometheus import servers

XDP_ABORTED = 0
CHURN = int(os.environ.get('CHURNING_PROGRAMS', '100'))  # docs/alerts.md has the figures of 1,000
HOSTILE_CONNECTIONS = 10_000
STORM_EXCEPTIONS = int(os.environ.get('STORM_EXCEPTIONS', '5000000'))

SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def unescape(text):
  return re.sub(r'\\(.)', lambda match: '\n' if match.group(1) == 'n' else match.group(1), text)


def parse(text):
  """Samples of the text format: (name, labels, value)."""
  for line in text.splitlines():
    if line.startswith('#') or not line:
      continue
    name, labels, value = SAMPLE.match(line).groups()
    yield name, {key: unescape(value) for key, value in LABEL.findall(labels or '')}, float(value)


def cpu_seconds(pid):
  with open(f'/proc/{pid}/stat') as stat:
    fields = stat.read().rsplit(')', 1)[1].split()
  return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


class MetricsTest(harness.HostTest):

  def setUp(self):
    super().setUp()
    self.lab = L.Lab()
    self.addCleanup(self.lab.close)
    self.far_device = f'far{L.XDP_NATIVE}'

  def start(self, *options):
    self.port = servers.free_port()
    self.url = f'http://127.0.0.1:{self.port}'
    process = harness.start([harness.CORRELATE, 'alert', '--listen', f'127.0.0.1:{self.port}', *options],
                            stdout=open(self.folder / 'alerts', 'w'))
    self.addCleanup(process.kill)
    harness.wait_for(lambda: servers.answers(f'{self.url}/readyz') or process.poll() is not None, 'alert to begin')
    self.assertIsNone(process.poll(), process.stderr_text())
    return process

  def stop(self, process):
    process.terminate()
    self.assertEqual(process.wait(harness.PATIENCE_S), 0, process.stderr_text())

  def samples(self, name, **labels):
    """Those of a metric whose labels have these values."""
    return [(found, value) for metric, found, value in parse(servers.get(f'{self.url}/metrics', timeout=20))
            if metric == f'bpftrace_correlate_{name}' and all(found.get(key) == want for key, want in labels.items())]

  def sum(self, name, **labels):
    return sum(value for _, value in self.samples(name, **labels))

  def own(self, name):
    """The value of a metric without labels."""
    return next(value for metric, _, value in parse(servers.get(f'{self.url}/metrics', timeout=20)) if metric == name)

  def wait_for_the_kernels_count(self, event, at_least):
    """Until as many events are told, whoever they are laid to, as the tracepoint was hit."""
    told = hits = 0

    def same():
      nonlocal told, hits
      samples = list(parse(servers.get(f'{self.url}/metrics', timeout=20)))
      told, hits = (sum(value for name, labels, value in samples
                        if name == f'bpftrace_correlate_{metric}' and labels['event'] == event)
                    for metric in ('events_total', 'hits_total'))
      return told == hits >= at_least
    try:
      harness.wait_for(same, f'all of {event}')
    except AssertionError as error:
      raise AssertionError(f'{error}: told {told}, hit {hits}') from None

  def wait_for_sum(self, wanted, name, **labels):
    harness.wait_for(lambda: self.sum(name, **labels) >= wanted, f'{wanted} of {name} {labels}')
    self.assertEqual(self.sum(name, **labels), wanted, self.samples(name, **labels))

  def send(self, port, times, link=L.XDP_NATIVE):
    for _ in range(times):
      self.lab.send(link, frame.udp(self.lab.ends(link), 4001, port, b'payload'))

  def sent(self):
    """Packets that the other end's XDP program saw, by the driver's own count (drivers/net/veth.c)."""
    with self.lab.near.entered():
      link, = json.loads(harness.run([harness.IP, '-j', '-s', 'link', 'show', 'dev', f'near{L.XDP_NATIVE}']).stdout)
    return link['stats64']['tx']['packets']

  def promtool_check(self):
    done = harness.run([servers.PROMTOOL, 'check', 'metrics'], check=False, input=servers.get(f'{self.url}/metrics'))
    self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ''))


class Counted(MetricsTest):

  def test_exceptions_and_drops_by_who_and_where(self):
    process = self.start()
    self.lab.attach_xdp(self.lab.far, self.far_device, 'native', self.lab.load() / 'lab_xdp')
    time.sleep(0.5)
    self.send(L.PORT_ABORT, 20)
    self.send(L.PORT_UNKNOWN_ACTION, 7)
    who = {'program': 'lab_xdp', 'device': self.far_device, 'netns': 'unnamed', 'hook': 'xdp', 'evidence': 'event'}
    self.wait_for_sum(20, 'events_total', event='xdp:xdp_exception', reason='XDP_ABORTED', **who)
    self.wait_for_sum(7, 'events_total', event='xdp:xdp_exception', reason='XDP action 42', **who)
    (labels, _), = self.samples('events_total', reason='XDP_ABORTED', program='lab_xdp')
    self.assertRegex(labels['tag'], '^[0-9a-f]{16}$')
    self.send(L.PORT_CLOSED, 30, link=L.PLAIN)
    self.wait_for_sum(30, 'events_total', event='skb:kfree_skb', reason='NO_SOCKET', device=f'far{L.PLAIN}', program='',
                      evidence='none')
    # A reload is the same series: the counter goes on, and never back.
    self.lab.attach_xdp(self.lab.far, self.far_device, 'native', self.lab.load() / 'lab_xdp')
    time.sleep(0.5)
    self.send(L.PORT_ABORT, 5)
    self.wait_for_sum(25, 'events_total', event='xdp:xdp_exception', reason='XDP_ABORTED', **who)
    self.assertEqual(len(self.samples('events_total', reason='XDP_ABORTED', program='lab_xdp')), 1)
    self.assertGreaterEqual(self.sum('programs', type='xdp'), 2)
    self.assertGreaterEqual(self.sum('attachments', hook='xdp'), 1)
    self.assertGreaterEqual(self.sum('changes_total', change='attached'), 2)
    # Exact by event as well: written whole, only counted, lost and missed are all hits.
    for event in ('skb:kfree_skb', 'xdp:xdp_exception'):
      hits = {labels['outcome']: value for labels, value in self.samples('hits_total', event=event)}
      self.assertEqual(hits['lost'] + hits['missed'] + hits['filtered'], 0, hits)
    self.promtool_check()
    own = dict((name, value) for name, _, value in parse(servers.get(f'{self.url}/metrics')))
    for name in ('process_cpu_seconds_total', 'process_resident_memory_bytes', 'process_open_fds', 'process_start_time_seconds'):
      self.assertGreater(own[name], 0, name)
    self.stop(process)

  def test_a_storm_is_counted_exactly_and_scraped_meanwhile(self):
    """On one CPU, as fast as it goes; few of them are looked at whole."""
    with self.lab.far.entered():
      ifindex = socket.if_nametoindex(self.far_device)
      program = bpf_calls.prog_load(bpf_calls.XDP, bpf_calls.returns(XDP_ABORTED), b'abort_all')
      link = bpf_calls.link_create(program, ifindex, bpf_links.XDP, bpf_links.XDP_FLAGS_DRV_MODE)
    self.addCleanup(os.close, program)
    self.addCleanup(os.close, link)
    process = self.start()
    used = cpu_seconds(process.pid)
    sent = self.sent()
    began = time.monotonic()
    with self.lab.near.entered():
      storm = harness.start(['/usr/bin/python3', '-m', 'tests.prometheus.xdp_storm', f'near{L.XDP_NATIVE}', STORM_EXCEPTIONS])
    longest = most_bytes = 0
    while storm.poll() is None:
      asked = time.monotonic()
      most_bytes = max(most_bytes, self.own('process_resident_memory_bytes'))
      longest = max(longest, time.monotonic() - asked)
      time.sleep(0.2)
    took = time.monotonic() - began
    used = cpu_seconds(process.pid) - used
    self.assertEqual(storm.returncode, 0, storm.stderr_text())
    sent = self.sent() - sent
    self.assertGreater(sent, STORM_EXCEPTIONS * 0.9)
    self.wait_for_sum(sent, 'events_total', event='xdp:xdp_exception', device=self.far_device, program='abort_all')
    print(f'{sent} exceptions in {took:.1f} s: {sent / took / 1e6:.2f} M/s, {used / took:.0%} of a CPU, '
          f'{most_bytes / 2**20:.0f} MiB, a scrape took {longest * 1000:.0f} ms at most')
    self.assertLess(longest, 10, 'Prometheus waits ten seconds')
    self.assertLess(most_bytes, 200 << 20)
    self.stop(process)


class Bounded(MetricsTest):

  def churn(self, number):
    """Loads a program of another name, which breaks one packet, and goes."""
    program = bpf_calls.prog_load(bpf_calls.XDP, bpf_calls.returns(XDP_ABORTED), f'churn_{number}'.encode())
    with self.lab.far.entered():
      link = bpf_calls.link_create(program, self.ifindex, bpf_links.XDP, bpf_links.XDP_FLAGS_DRV_MODE)
    self.send(L.PORT_ABORT, 1)
    os.close(link)
    os.close(program)

  def test_programs_that_come_and_go_do_not_pile_up(self):
    most = 50
    process = self.start('--max-series', str(most))
    with self.lab.far.entered():
      self.ifindex = socket.if_nametoindex(self.far_device)
    before = {}
    for number in range(CHURN):
      self.churn(number)
      if number % 20 == 0:
        now = {tuple(sorted(labels.items())): value for labels, value in self.samples('events_total')}
        for labels, value in before.items():
          self.assertGreaterEqual(now.get(labels, -1), value, f'{labels} went back')
        before = now
    self.wait_for_the_kernels_count('xdp:xdp_exception', at_least=CHURN)
    events = len(self.samples('hits_total', outcome='written'))
    self.assertLessEqual(len(self.samples('events_total')), most + events)
    self.assertGreaterEqual(self.sum('events_without_series_total'), CHURN - most)
    self.assertEqual(self.sum('series'), len(self.samples('events_total')))
    self.assertGreater(self.sum('events_total', event='xdp:xdp_exception', program='other'), 0)
    text = servers.get(f'{self.url}/metrics')
    print(f'{CHURN} programs: {len(text)} bytes')
    self.promtool_check()
    self.stop(process)

  def test_labels_that_are_hostile(self):
    """Names of devices and namespaces are bytes that anybody with a container chooses."""
    path = b'/run/netns/q"uote\\\n\xff\xfe'
    os.close(os.open(path, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o600))
    fd_path = f'/proc/{os.getpid()}/fd/{self.lab.far.fd}'
    harness.syscall_ok(harness._libc.mount(fd_path.encode(), path, b'none', 0x1000, b''), 'mount')
    self.addCleanup(lambda: harness._libc.umount2(path, 2))
    device = b'd"\\\xff'
    with self.lab.far.entered():
      L.ip_commands(f'link set {self.far_device} down')
      harness.run([harness.IP, 'link', 'set', 'dev', self.far_device, 'name', os.fsdecode(device)])
      harness.run([harness.IP, 'link', 'set', 'dev', os.fsdecode(device), 'up'])
    process = self.start()
    with self.lab.far.entered():
      self.ifindex = next(number for number, name in interfaces() if name == device)
    self.churn(1)
    self.wait_for_sum(1, 'events_total', event='xdp:xdp_exception', program='churn_1')
    (labels, _), = self.samples('events_total', event='xdp:xdp_exception', program='churn_1')
    self.assertEqual((labels['device'], labels['netns']), ('d"\\\ufffd', 'q"uote\\\n\ufffd\ufffd'))
    self.promtool_check()
    self.stop(process)


def interfaces():
  """Numbers and names as bytes, of the namespace that the thread is in."""
  for line in harness.run([harness.IP, '-o', 'link'], text=False).stdout.splitlines():
    number, name = line.split(b': ')[:2]
    yield int(number), name.split(b'@')[0]


class Served(MetricsTest):

  def ask(self, request):
    with socket.create_connection(('127.0.0.1', self.port), timeout=20) as connection:
      connection.sendall(request)
      answer = b''
      while more := connection.recv(65536):
        answer += more
    return answer.decode()

  def test_paths_and_methods(self):
    process = self.start()
    for path in ('healthz', 'readyz'):
      self.assertIn(servers.get(f'{self.url}/{path}').strip(), ('ok', 'ready'))
    head = self.ask(b'HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n')
    self.assertRegex(head, r'^HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n')
    self.assertTrue(head.endswith('\r\n\r\n'), head)
    self.assertRegex(self.ask(b'POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'), r'^HTTP/1.1 405 ')
    self.assertRegex(self.ask(b'GET /etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n'), r'^HTTP/1.1 404 ')
    self.assertRegex(self.ask(b'GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n'), r'^HTTP/1.1 40')
    self.assertNotIn('root:', self.ask(b'GET //etc/passwd HTTP/1.0\r\n\r\n'))
    done = harness.correlate('alert', '--listen', f'127.0.0.1:{self.port}', check=False)
    self.assertEqual(done.returncode, harness.EXIT_FAILURE)
    self.assertIn('cannot listen on', done.stderr)
    done = harness.correlate('alert', '--listen', 'somewhere', check=False)
    self.assertEqual(done.returncode, harness.EXIT_USAGE)
    self.stop(process)

  def test_hostile_clients_stop_nothing(self):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, HOSTILE_CONNECTIONS + 1000), hard))
    self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
    self.lab.attach_xdp(self.lab.far, self.far_device, 'native', self.lab.load() / 'lab_xdp')
    process = self.start()
    opened = []
    self.addCleanup(lambda: [connection.close() for connection in opened])

    def connect(beginning):
      connection = socket.socket()
      connection.setblocking(False)
      opened.append(connection)
      connection.connect_ex(('127.0.0.1', self.port))
      with contextlib.suppress(OSError):
        connection.send(beginning)

    begun = threading.Event()

    def attack():
      for number in range(min(HOSTILE_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100)):
        # Some say nothing, some never end, some never read.
        connect((b'', b'GET /metrics HTTP/1.1\r\nX: ', b'GET /metrics HTTP/1.1\r\n\r\n')[number % 3])
        if number == 100:
          begun.set()
    attacker = threading.Thread(target=attack)
    attacker.start()
    begun.wait(10)
    self.send(L.PORT_ABORT, 50)
    with contextlib.suppress(OSError):
      self.ask(b'GET /metrics HTTP/1.1\r\nX: ' + b'x' * (4 << 20) + b'\r\n\r\n')
    attacker.join()
    self.send(L.PORT_ABORT, 50)
    self.assertIsNone(process.poll(), process.stderr_text())
    for connection in opened:
      connection.close()
    opened.clear()
    harness.wait_for(lambda: servers.answers(f'{self.url}/healthz'), 'an answer after all that')
    self.wait_for_sum(100, 'events_total', event='xdp:xdp_exception', program='lab_xdp', device=self.far_device)
    self.assertEqual(self.sum('hits_total', event='xdp:xdp_exception', outcome='lost'), 0)
    self.stop(process)


if __name__ == '__main__':
  harness.main()
