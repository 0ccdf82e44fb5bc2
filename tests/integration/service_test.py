#!/usr/bin/python3
"""`alert` as a service: in a sandbox like that of the systemd unit, told of by sd_notify, its options from a file; and
whether unit, manifest and container recipe say the same.
"""

import os
import pathlib
import re
import socket
import time

import yaml

from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L
from tests.prometheus import servers

PACKAGING = harness.TOP / 'packaging'
UNIT = PACKAGING / 'systemd/bpftrace-correlate-alert.service'
ANALYZE = '/usr/bin/systemd-analyze'
# linux/capability.h
NUMBERS = {'DAC_READ_SEARCH': 2, 'SETPCAP': 8, 'NET_BROADCAST': 11, 'NET_ADMIN': 12, 'SYS_PTRACE': 19, 'SYS_ADMIN': 21,
           'SYS_RESOURCE': 24, 'SYSLOG': 34, 'PERFMON': 38, 'BPF': 39}


def unit_capabilities():
  line = re.search(r'(?m)^CapabilityBoundingSet=(.*)$', UNIT.read_text()).group(1)
  return {name.removeprefix('CAP_') for name in line.split()}


class Manager:
  """A service manager's end of sd_notify(3)."""

  def __init__(self, test, folder):
    self.path = folder / 'notify'
    self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    test.addCleanup(self.socket.close)
    self.socket.bind(str(self.path))
    self.socket.settimeout(harness.PATIENCE_S)

  def next(self):
    return self.socket.recv(4096).decode()


class Sandboxed(harness.HostTest):

  def setUp(self):
    super().setUp()
    self.manager = Manager(self, self.folder)

  def start(self, *options):
    """With the unit's capabilities, a file system that cannot be written but for the test's folder, and no new privileges."""
    capabilities = ','.join(f'+{name.lower()}' for name in sorted(unit_capabilities()))
    mounts = f'mount --bind {self.folder} {self.folder} && mount -o remount,bind,ro / && exec "$@"'
    command = [harness.UNSHARE, '--mount', '--propagation', 'slave', '/bin/sh', '-c', mounts, 'sh', harness.SETPRIV,
               f'--bounding-set=-all,{capabilities}', '--inh-caps=-all', '--no-new-privs', harness.CORRELATE, 'alert', *options]
    environment = dict(os.environ, NOTIFY_SOCKET=str(self.manager.path), WATCHDOG_USEC='1000000')
    process = harness.start(command, stdout=open(self.folder / 'alerts', 'w'), env=environment)
    self.addCleanup(process.kill)
    return process

  def test_it_works_with_no_more_than_the_unit_allows(self):
    port = servers.free_port()
    config = self.folder / 'alert.conf'
    config.write_text(f'listen = "127.0.0.1:{port}"\nmax-series = 77\n')
    process = self.start('--config', config)
    self.assertEqual(self.manager.next(), 'READY=1', process.stderr_text())
    told = time.monotonic()
    self.assertEqual([self.manager.next() for _ in range(3)], ['WATCHDOG=1'] * 3)
    self.assertLess(time.monotonic() - told, 3)
    status = pathlib.Path(f'/proc/{process.pid}/status').read_text()
    held = lambda field: int(re.search(rf'{field}:\s*([0-9a-f]+)', status).group(1), 16)
    wanted = sum(1 << NUMBERS[name] for name in unit_capabilities() - {'SETPCAP'})
    own = int(re.search(r'CapBnd:\s*([0-9a-f]+)', pathlib.Path('/proc/self/status').read_text()).group(1), 16)
    wanted &= own  # of a container root itself may not have all
    for field in ('CapEff', 'CapPrm', 'CapBnd'):
      self.assertEqual(held(field), wanted, field)
    self.assertEqual((held('CapInh'), held('NoNewPrivs')), (0, 1))
    # A namespace, a device and a program that come later are seen all the same.
    lab = L.Lab()
    self.addCleanup(lab.close)
    device = f'far{L.XDP_NATIVE}'
    program = lab.attach_xdp(lab.far, device, 'native', lab.load() / 'lab_xdp')
    time.sleep(1)
    for _ in range(9):
      lab.send(L.XDP_NATIVE, frame.udp(lab.ends(L.XDP_NATIVE), 4001, L.PORT_ABORT, b'payload'))
    alerts = self.folder / 'alerts'
    harness.wait_for(lambda: alerts.read_text().count('\n') >= 1, f'the alert: {process.stderr_text()}')
    self.assertIn(f'lab_xdp #{program}', alerts.read_text())
    self.assertIn('"mode":"native"', alerts.read_text())
    self.assertIn('bpftrace_correlate_rules 3', servers.get(f'http://127.0.0.1:{port}/metrics'))
    self.assertNotRegex(process.stderr_text(), 'CAP_|not permitted|run as root')
    process.terminate()
    self.assertEqual(process.wait(harness.PATIENCE_S), 0, process.stderr_text())
    while (state := self.manager.next()) == 'WATCHDOG=1':
      pass
    self.assertEqual(state, 'STOPPING=1')

  def test_options_from_a_file(self):
    config = self.folder / 'alert.conf'
    config.write_text('check = true\n')
    done = harness.correlate('alert', '--config', config, check=False)
    self.assertEqual((done.returncode, '3 rules, nothing wrong' in done.stderr), (0, True), done.stderr)
    config.write_text('listen = "127.0.0.1:1"\nno-such-option = 3\n')
    done = harness.correlate('alert', '--config', config, check=False)
    self.assertEqual(done.returncode, harness.EXIT_USAGE)
    self.assertIn('no-such-option', done.stderr)
    done = harness.correlate('alert', '--config', self.folder / 'none', check=False)
    self.assertNotEqual(done.returncode, 0)
    # What the command line says goes before.
    config.write_text('rules = "/nowhere"\ncheck = true\n')
    rules = self.folder / 'rules'
    rules.write_text('rule { name: "a" }')
    done = harness.correlate('alert', '--config', config, '--rules', rules, check=False)
    self.assertIn('1 rules, nothing wrong', done.stderr)
    # The one that comes with it is right, with all its lines.
    whole = re.sub(r'(?m)^# ([a-z-]+ = )', r'\1', (PACKAGING / 'alert.conf').read_text())
    config.write_text(whole.replace('/etc/bpftrace-correlate/rules.textproto', str(rules)) + 'check = true\n')
    done = harness.correlate('alert', '--config', config, check=False)
    self.assertIn('1 rules, nothing wrong', done.stderr)


class Recipes(harness.Test):

  def test_all_name_the_same_capabilities(self):
    documents = list(yaml.safe_load_all((PACKAGING / 'kubernetes/daemonset.yaml').read_text()))
    (daemonset,) = [document for document in documents if document['kind'] == 'DaemonSet']
    (container,) = daemonset['spec']['template']['spec']['containers']
    self.assertEqual(set(container['securityContext']['capabilities']['add']), unit_capabilities())
    recipe = (PACKAGING / 'container/Containerfile').read_text()
    self.assertEqual(set(re.search(r'--cap-add (\S+)', recipe).group(1).split(',')), unit_capabilities())
    (config_map,) = [document for document in documents if document['kind'] == 'ConfigMap']
    rules = pathlib.Path(self.enterContext(harness.tempfile.TemporaryDirectory())) / 'rules'
    rules.write_text(config_map['data']['rules.textproto'])
    done = harness.correlate('alert', '--check', '--rules', rules, check=False)
    self.assertEqual(done.returncode, 0, done.stderr)

  def test_the_unit_is_one(self):
    if not os.path.exists(ANALYZE):
      self.skipTest('no systemd-analyze here')
    folder = pathlib.Path(self.enterContext(harness.tempfile.TemporaryDirectory()))
    unit = folder / UNIT.name
    unit.write_text(UNIT.read_text().replace('/usr/bin/bpftrace-correlate', '/bin/true'))
    done = harness.run([ANALYZE, 'verify', '--man=no', unit], check=False)
    self.assertEqual((done.returncode, done.stderr), (0, ''))


if __name__ == '__main__':
  harness.main()
