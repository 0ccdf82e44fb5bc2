#!/usr/bin/python3
"""`record --snaplen`: the bytes of dropped packets, compared with the frames that were sent, as tshark reads them."""

import json
import struct
import subprocess

from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L

SNAPLEN = 96
TIMES = 20
TSHARK = '/usr/bin/tshark'
FIELDS = ('frame.interface_name', 'frame.interface_description', 'frame.len', 'frame.cap_len', 'frame.comment', 'vlan.id',
          'udp.dstport', 'ipv6.dst', 'frame.time_epoch')


def tshark(*options):
  return subprocess.run([TSHARK, '-n', *map(str, options)], capture_output=True, text=True, timeout=60, check=True).stdout


def packets_of_pcap(path):
  """(bytes on the wire, bytes kept) of each packet."""
  data = path.read_bytes()
  at = 24
  while at < len(data):
    kept, wire = struct.unpack_from('=II', data, at + 8)
    yield wire, data[at + 16:at + 16 + kept]
    at += 16 + kept


class PacketBytes(harness.HostTest):

  def setUp(self):
    super().setUp()
    self.lab = L.Lab()
    self.addCleanup(self.lab.close)
    self.capture = self.folder / 'drops.pcapng'

  def record(self, *options, send):
    run = harness.CommandRun(harness.CORRELATE, 'record', '-o', self.trace, '-e', 'skb:kfree_skb', *options)
    for data in send:
      for _ in range(TIMES):
        self.lab.send(L.TC, data)
    status, said = run.stop()
    self.assertEqual(status, 0, said)
    return harness.LastLine(said)

  def export(self):
    done = harness.correlate('export', self.trace, '--format', 'pcapng', '-o', self.capture)
    return done.stderr

  def read(self, which):
    lines = tshark('-r', self.capture, '-Y', which, '-T', 'fields', '-E', 'separator=|', *(
        part for field in FIELDS for part in ('-e', field))).splitlines()
    return [dict(zip(FIELDS, line.split('|'))) for line in lines]

  def bytes_of(self, which):
    path = self.folder / 'some.pcap'
    tshark('-r', self.capture, '-Y', which, '-F', 'pcap', '-w', path)
    return list(packets_of_pcap(path))

  def test_what_was_sent_is_what_was_kept(self):
    pins = self.lab.load()
    program = self.lab.attach_tc(self.lab.far, f'far{L.TC}', 'ingress', pins / 'lab_tc_verdict')
    ends, ends6 = self.lab.ends(L.TC), self.lab.ends(L.TC, ipv6=True)
    shot = frame.udp(ends, 4001, L.PORT_SHOT, b'x' * 400)
    closed6 = frame.udp(ends6, 4002, L.PORT_CLOSED, b'six')
    tagged = frame.tagged(frame.udp(ends, 4003, L.PORT_SHOT), 42)
    self.record('--snaplen', SNAPLEN, send=[shot, closed6, tagged])
    self.export()

    seen = self.read('udp.srcport==4001')
    self.assertEqual(len(seen), TIMES)
    for packet in seen:
      self.assertEqual(packet['frame.interface_name'], f'far{L.TC}')
      self.assertEqual((int(packet['frame.len']), int(packet['frame.cap_len'])), (len(shot), SNAPLEN))
      self.assertIn('skb:kfree_skb TC_INGRESS in ', packet['frame.comment'])
      self.assertIn(f'program {program} lab_tc_verdict', packet['frame.comment'])
    self.assertEqual(self.bytes_of('udp.srcport==4001'), [(len(shot), shot[:SNAPLEN])] * TIMES)

    # What nobody's program dropped; here the kernel keeps the Ethernet header in front.
    self.assertEqual(self.bytes_of('udp.srcport==4002'), [(len(closed6), closed6)] * TIMES)
    self.assertEqual({packet['ipv6.dst'] for packet in self.read('udp.srcport==4002')}, {f'fd78:{L.TC}::2'})

    # A tag that the kernel keeps beside the packet is back where it was.
    self.assertEqual(self.bytes_of('vlan.id==42'), [(len(tagged), tagged)] * TIMES)

  def test_times_and_events_are_those_of_script(self):
    data = frame.udp(self.lab.ends(L.TC), 4001, L.PORT_CLOSED)
    self.record('--snaplen', SNAPLEN, send=[data])
    self.export()
    events = [event for event in harness.script(self.trace) if event.get('packet', {}).get('dport') == L.PORT_CLOSED]
    self.assertEqual(len(events), TIMES)
    for event, packet in zip(events, self.read(f'udp.dstport=={L.PORT_CLOSED}')):
      whole, _, fraction = packet['frame.time_epoch'].partition('.')
      self.assertEqual(event['time'].rstrip('Z')[-9:], fraction)
      self.assertEqual(int(harness.seconds_of(event['time'])), int(whole))

  def test_many_sizes(self):
    """Of what lies in fragments elsewhere nothing is kept, and the length is told all the same."""
    sent = [frame.udp(self.lab.ends(L.TC), 5000 + size, L.PORT_CLOSED, b'z' * size) for size in (0, 1, 53, 54, 55, 1400)]
    self.record('--snaplen', 4096, send=sent)
    self.export()
    for data in sent:
      port = struct.unpack_from('>H', data, 34)[0]
      self.assertEqual(self.bytes_of(f'udp.srcport=={port}'), [(len(data), data)] * TIMES)

  def test_without_bytes_it_says_what_to_do(self):
    self.record(send=[frame.udp(self.lab.ends(L.TC), 4001, L.PORT_CLOSED)])
    self.assertIn('record with --snaplen BYTES', self.export())
    self.assertEqual(self.read('frame'), [])
    self.assertNotIn('snaplen', json.loads(harness.correlate('info', '--json', self.trace).stdout))

  def test_redaction_takes_them_away(self):
    self.record('--snaplen', SNAPLEN, send=[frame.udp(self.lab.ends(L.TC), 4001, L.PORT_CLOSED, b'secret' * 3)])
    self.assertIn(b'secret', self.uncompressed(self.trace))
    shared = self.folder / 'shared.pb'
    harness.correlate('export', self.trace, '--format', 'trace', '--redact', 'keys', '-o', shared)
    self.assertNotIn(b'secret', self.uncompressed(shared))

  def uncompressed(self, trace):
    capture = self.folder / 'any.pcapng'
    harness.correlate('export', trace, '--format', 'pcapng', '-o', capture)
    return capture.read_bytes()

  def test_what_cannot_be(self):
    for options, word in ((('--no-enrich',), '--no-enrich'), (('-e', 'sched:sched_switch'), 'skb:kfree_skb')):
      with self.subTest(options=options):
        done = harness.correlate('record', '--snaplen', '64', '-o', self.trace, *options, '--duration', '1', check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(word, done.stderr)
    done = harness.correlate('record', '--snaplen', '100000', '-o', self.trace, '--', '/bin/true', check=False)
    self.assertEqual(done.returncode, 2, done.stderr)


if __name__ == '__main__':
  harness.main()
