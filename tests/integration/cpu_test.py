#!/usr/bin/python3
"""A CPU goes offline under a recording and comes back. Not beside other tests: they want to run on that CPU."""

import os
import pathlib
import subprocess
import time

from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L

CPU = 1  # the one that is taken offline
CPU_ONLINE = pathlib.Path(f'/sys/devices/system/cpu/cpu{CPU}/online')


class CpuHotplug(harness.HostTest):

  def setUp(self):
    super().setUp()
    if not os.access(CPU_ONLINE, os.W_OK):
      self.skipTest(f'{CPU_ONLINE} is not writable')
    self.lab = L.Lab()
    self.addCleanup(self.lab.close)
    # Brings the CPU back even if this test is killed.
    self.guard = subprocess.Popen(['/bin/sh', '-c', f'read end; echo 1 > {CPU_ONLINE}'], stdin=subprocess.PIPE)
    self.addCleanup(self.guard.wait)
    self.addCleanup(self.guard.stdin.close)
    try:
      self.online(False)
      self.online(True)
    except OSError as error:
      self.skipTest(f'CPU {CPU} cannot be taken offline: {error}')

  def online(self, value):
    CPU_ONLINE.write_text('1' if value else '0')

  def drop_on_the_cpu(self, count):
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {CPU})
    for _ in range(count):
      self.lab.send(L.PLAIN, self.packet)
    os.sched_setaffinity(0, usual)

  def record_with_the_cpu_away_for(self, seconds):
    """(events of the CPU before it went, and after it came back; stderr)"""
    ethertype = L.random_ethertype()
    self.packet = frame.ethernet(self.lab.ends(L.PLAIN), ethertype, b'\0' * 46)
    recorder = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace)
    self.drop_on_the_cpu(100)
    self.online(False)
    gone_ns = time.monotonic_ns()
    time.sleep(seconds)
    self.online(True)
    time.sleep(2)  # the recorder looks once a second
    self.drop_on_the_cpu(100)
    status, said = recorder.stop()
    self.assertEqual(status, 0, said)
    times = [int(event['time_ns']) for event in harness.script(self.trace)
             if event['cpu'] == CPU and event['fields'].get('protocol') == ethertype]
    return sum(t < gone_ns for t in times), sum(t >= gone_ns for t in times), said

  def test_cpu_that_is_away_for_long(self):
    before, after, said = self.record_with_the_cpu_away_for(2)
    self.assertEqual((before, after), (100, 100), said)
    self.assertIn(f'CPU {CPU} went offline', said)
    self.assertIn(f'CPU {CPU} came online', said)

  def test_cpu_that_is_back_before_anybody_looks(self):
    before, after, said = self.record_with_the_cpu_away_for(0)
    self.assertEqual((before, after), (100, 100), said)


if __name__ == '__main__':
  harness.main()
