"""Debian's Prometheus and Alertmanager on loopback, for tests: as tools/setup unpacks them; and what answers webhooks."""

import http.server
import json
import os
import pathlib
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from tests.integration import harness

BIN = pathlib.Path('/usr/local/lib/bpftrace-correlate/unpacked/usr/bin')
PROMTOOL = BIN / 'promtool'

# What the environment says of proxies is not about loopback.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port():
  with socket.socket() as probe:
    probe.bind(('127.0.0.1', 0))
    return probe.getsockname()[1]


def get(url, timeout=10):
  with _direct.open(url, timeout=timeout) as answer:
    return answer.read().decode()


def answers(url):
  try:
    get(url, timeout=2)
    return True
  except (OSError, urllib.error.URLError):
    return False


def dashboard_queries(dashboard):
  """The queries of a Grafana dashboard, with its variables filled in as Grafana does."""
  def panels(of):
    for panel in of.get('panels', []):
      yield panel
      yield from panels(panel)
  for panel in panels(dashboard):
    for target in panel.get('targets', []):
      query = target['expr']
      for name, value in {'$__rate_interval': '1m', '$__range': '1h', '$instance': '.*', '$program': '.*'}.items():
        query = query.replace(name, value)
      yield query


class Server:
  """A process on a port of loopback, gone with the test."""

  def __init__(self, test, command, port, ready):
    self.port = port
    self.url = f'http://127.0.0.1:{port}'
    self.process = harness.start(command, stdout=subprocess.DEVNULL)
    test.addCleanup(self.stop)
    harness.wait_for(lambda: answers(self.url + ready) or self.process.poll() is not None, f'{command[0]} to answer')
    test.assertIsNone(self.process.poll(), self.process.stderr_text())

  def stop(self):
    if self.process.poll() is None:
      self.process.terminate()
    self.process.wait(30)


class Prometheus(Server):

  def __init__(self, test, folder, targets, rules=None, alertmanager=None, interval='1s'):
    folder.mkdir(exist_ok=True)
    config = {
        'global': {'scrape_interval': interval, 'evaluation_interval': interval},
        'scrape_configs': [{'job_name': 'bpftrace-correlate', 'static_configs': [{'targets': targets}]}],
    }
    if rules:
      config['rule_files'] = [str(rules)]
    if alertmanager:
      config['alerting'] = {'alertmanagers': [{'static_configs': [{'targets': [f'127.0.0.1:{alertmanager.port}']}]}]}
    (folder / 'prometheus.yml').write_text(json.dumps(config))
    port = free_port()
    super().__init__(test, [BIN / 'prometheus', f'--config.file={folder}/prometheus.yml', f'--storage.tsdb.path={folder}/data',
                            f'--web.listen-address=127.0.0.1:{port}'], port, '/-/ready')

  def query(self, expression):
    """The samples of an instant query: (labels, value)."""
    answer = json.loads(get(f'{self.url}/api/v1/query?{urllib.parse.urlencode({"query": expression})}'))
    assert answer['status'] == 'success', answer
    return [(sample['metric'], float(sample['value'][1])) for sample in answer['data']['result']]

  def firing(self):
    alerts = json.loads(get(f'{self.url}/api/v1/alerts'))['data']['alerts']
    return [alert for alert in alerts if alert['state'] == 'firing']


class Alertmanager(Server):

  def __init__(self, test, folder, webhook=None, port=None):
    folder.mkdir(exist_ok=True)
    receiver = {'name': 'test'}
    if webhook:
      receiver['webhook_configs'] = [{'url': webhook, 'send_resolved': True}]
    (folder / 'alertmanager.yml').write_text(json.dumps({
        'route': {'receiver': 'test', 'group_wait': '0s', 'group_interval': '1s', 'group_by': ['...']},
        'receivers': [receiver]}))
    port = port or free_port()
    # Debian's wants its templates where the package would have put them: there, for itself alone.
    share = BIN.with_name('share') / 'prometheus'
    mounts = (f'mount -t tmpfs none /usr/share && mkdir /usr/share/prometheus && mount --bind {share} /usr/share/prometheus '
              '&& exec "$@"')
    super().__init__(test, [harness.UNSHARE, '--mount', '/bin/sh', '-c', mounts, 'sh', BIN / 'prometheus-alertmanager', f'--config.file={folder}/alertmanager.yml',
                            f'--storage.path={folder}/data', f'--web.listen-address=127.0.0.1:{port}',
                            '--cluster.listen-address='], port, '/-/ready')

  def alerts(self):
    return json.loads(get(f'{self.url}/api/v2/alerts'))


class Receiver:
  """An HTTP server that keeps what is posted to it: (time, path, headers, body), and answers as `answer` says: a status,
  or a function of the number of the request that gives one (None: it hangs up)."""

  def __init__(self, test, answer=200, port=0, delay_s=0, context=None):
    self.got = []
    self.answer = answer
    self.delay_s = delay_s
    receiver = self

    class Handler(http.server.BaseHTTPRequestHandler):

      def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        number = len(receiver.got)
        receiver.got.append((time.time(), self.path, dict(self.headers), json.loads(body)))
        time.sleep(receiver.delay_s)
        status = receiver.answer(number) if callable(receiver.answer) else receiver.answer
        if status is None:
          self.close_connection = True
          return
        self.send_response(status)
        self.send_header('Content-Length', '0')
        self.end_headers()

      def log_message(self, *args):
        pass

    self.server = http.server.ThreadingHTTPServer(('127.0.0.1', port), Handler)
    self.server.daemon_threads = True
    scheme = 'http'
    if context:
      self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
      scheme = 'https'
    self.port = self.server.server_address[1]
    self.url = f'{scheme}://127.0.0.1:{self.port}'
    threading.Thread(target=self.server.serve_forever, daemon=True).start()
    test.addCleanup(self.stop)

  def stop(self):
    self.server.shutdown()
    self.server.server_close()

  def bodies(self):
    return [body for _, _, _, body in self.got]


def make_certificate(folder):
  """A key and a certificate for 127.0.0.1 that nobody signed: (certificate, key, context of a server)."""
  certificate, key = folder / 'cert.pem', folder / 'key.pem'
  harness.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1', '-addext',
               'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate])
  context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
  context.load_cert_chain(certificate, key)
  return certificate, key, context
