#!/usr/bin/python3
"""What we record is what the kernel did: compared with perf event for event, and with programs whose verdicts the test
knows, while those programs are replaced again and again under the traffic.

One recording serves all cases of this file.
"""

import collections
import ipaddress
import json
import os
import pathlib
import shutil
import tempfile
import time

from tests.integration import drops
from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L
from tests.integration import oracle

ROUNDS = 300
GENERATIONS = 6  # of the programs: each is loaded, attached, met by packets, replaced and unloaded

LEAST_DROPS = 10_000
LEAST_XDP_EXCEPTIONS = 1_000
LEAST_LOCATIONS = 20
# A recorder reads the clock for itself, a moment before or after the other.
MOST_TIME_DIFFERENCE_NS = 20_000_000


class Generation:
  """One load of the lab's programs, where they are attached, and what was sent to them."""

  def __init__(self, lab):
    self._lab = lab
    self.folder = lab.load()
    self.sent = collections.Counter()  # by port
    self.ids = {
        'shot': lab.attach_tc(lab.far, f'far{L.TC}', 'ingress', self.folder / 'lab_tc_verdict'),
        'mirror': lab.attach_tc(lab.near, f'near{L.TC}', 'egress', self.folder / 'lab_tc_mirror'),
        'shot going out': lab.attach_tc(lab.near, f'near{L.XDP_GENERIC}', 'egress', self.folder / 'lab_tc_verdict'),
        'native': lab.attach_xdp(lab.far, f'far{L.XDP_NATIVE}', 'native', self.folder / 'lab_xdp'),
        'generic': lab.attach_xdp(lab.far, f'far{L.XDP_GENERIC}', 'generic', self.folder / 'lab_xdp'),
    }

  def round(self):
    """Once to each port, on each link that has a program for it."""
    for link, ports in ((L.TC, (L.PORT_SHOT, L.PORT_REDIRECT_NOWHERE, L.PORT_MIRROR)),
                        (L.XDP_NATIVE, (L.PORT_ABORT, L.PORT_UNKNOWN_ACTION)),
                        (L.XDP_GENERIC, (L.PORT_ABORT, L.PORT_UNKNOWN_ACTION, L.PORT_SHOT))):
      for port in ports:
        self._lab.send(link, frame.udp(self._lab.ends(link), 4000, port))
    self.sent['rounds'] += 1

  @staticmethod
  def settle():
    """Until no packet is on its way in a softirq that was put off."""
    time.sleep(0.05)


class Recorded:
  """The cases of both ways of recording; see the classes below."""

  OPTIONS = ('--stacks', 'all')

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder_of_all = pathlib.Path(tempfile.mkdtemp(prefix='correlate-test-'))
    cls.addClassCleanup(shutil.rmtree, cls.folder_of_all, ignore_errors=True)
    cls.lab = L.Lab()
    cls.addClassCleanup(cls.lab.close)
    cls.markers = oracle.Markers(cls.lab)
    traffic = drops.Traffic(cls.lab)
    cls.generations = [Generation(cls.lab)]  # one that is there before
    begun = time.monotonic()
    with oracle.both_recording(cls.folder_of_all, cls.markers, *cls.OPTIONS) as sides:
      cls._traffic_under_changing_programs(traffic)
    cls.ours, cls.perf = sides['ours'], sides['perf']
    cls.trace_of_all = cls.folder_of_all / 'trace.pb'
    cls.events = harness.script(cls.trace_of_all)
    print(f'{len(cls.events)} events recorded and read in {time.monotonic() - begun:.1f} s', flush=True)

  @classmethod
  def _traffic_under_changing_programs(cls, traffic):
    cpus = sorted(os.sched_getaffinity(0))
    for number in range(ROUNDS):
      os.sched_setaffinity(0, {cpus[number % len(cpus)]})
      traffic.round(number)
      cls.generations[-1].round()
      if (number + 1) % (ROUNDS // GENERATIONS) == 0 and number + 1 < ROUNDS:
        old = cls.generations[-1]
        old.settle()
        cls.generations.append(Generation(cls.lab))
        cls.lab.unload(old.folder)
    os.sched_setaffinity(0, cpus)
    cls.generations[-1].settle()

  # ---- Beside perf ----

  def test_same_events_as_perf(self):
    both = oracle.Comparison(self.ours, self.perf, self.markers)
    print(f'{len(both.matched)} events equal; outside of the markers: ours {both.ours_outside}, perf\'s '
          f'{both.perf_outside}; times differ by {both.largest_time_difference_ns} ns at most; lost: ours {self.ours.lost}, '
          f'perf\'s {self.perf.lost}; missed: {self.ours.missed}', flush=True)
    self.assertEqual(both.cpus[0], sorted(os.sched_getaffinity(0)), 'markers were not seen on every CPU')
    self.assertEqual(both.cpus[0], both.cpus[1])
    self.assert_differences_are_explained(both)
    self.assertLess(both.largest_time_difference_ns, MOST_TIME_DIFFERENCE_NS)
    drops_seen = [seen for seen in both.matched if seen.same.event == oracle.EVENTS[0]]
    self.assertGreaterEqual(len(drops_seen), LEAST_DROPS)
    self.assertGreaterEqual(len(both.matched) - len(drops_seen), LEAST_XDP_EXCEPTIONS)
    locations = {seen.same.location for seen in drops_seen}
    print(f'{len(drops_seen)} drops at {len(locations)} locations, {len(both.matched) - len(drops_seen)} XDP exceptions',
          flush=True)
    self.assertGreaterEqual(len(locations), LEAST_LOCATIONS)
    contexts = collections.Counter(seen.context for seen in drops_seen)
    self.assertGreaterEqual(contexts['task'], 1000, contexts)
    self.assertGreaterEqual(contexts['softirq'], 1000, contexts)
    reasons = {number: name for name, number in oracle.numbers_of_names(oracle.EVENTS[0]).items()}
    names = {reasons.get(seen.same.verdict) for seen in drops_seen}
    self.assertLessEqual({'TCP_OFOMERGE', 'TCP_OFO_DROP', 'TC_INGRESS', 'TC_EGRESS'}, names)
    self.assertTrue(all(seen.same.callchain for seen in both.matched), 'an event without a callchain')

  def test_udp_closes_are_among_them(self):
    # The kernel frees what was queued after a grace period, in whatever softirq ends it; some of these interrupt a
    # thread from which perf takes no sample, and are counted as missed by either recorder.
    closes = [event for event in self.events
              if any(entry['symbol'] == 'udp_destruct_common' for entry in event.get('stack', ()))]
    self.assertGreaterEqual(len(closes), ROUNDS)

  def test_times_never_go_back(self):
    times = [int(event['time_ns']) for event in self.events]
    self.assertEqual(times, sorted(times))

  # ---- The programs ----

  def _blamed(self, evidence, event_name):
    """How often each of our programs was blamed: {(id, function, verdict): count}."""
    ours = {identity for generation in self.generations for identity in generation.ids.values()}
    count = collections.Counter()
    for event in self.events:
      attribution = event.get('attribution', {})
      if event['event'] != event_name or attribution.get('evidence') != evidence:
        continue
      self.assertEqual(len(attribution['programs']), 1)
      program = attribution['programs'][0]
      if program['id'] in ours:  # not that of a test beside this one
        count[program['id'], program.get('function', ''), attribution.get('verdict', '')] += 1
    return count

  def test_xdp_exceptions_name_their_programs(self):
    expected = collections.Counter()
    for generation in self.generations:
      for mode in ('native', 'generic'):
        for verdict in ('XDP_ABORTED', '42'):
          expected[generation.ids[mode], verdict] += generation.sent['rounds']
    seen = collections.Counter()
    for (identity, _, verdict), count in self._blamed('event', 'xdp:xdp_exception').items():
      seen[identity, '42' if '42' in verdict else verdict] += count
    self.assertEqual(seen, expected)

  def test_clones_freed_in_a_helper_name_the_subprogram(self):
    expected = {(generation.ids['mirror'], 'lab_clone_to'): generation.sent['rounds'] for generation in self.generations}
    seen = {(identity, function): count
            for (identity, function, _), count in self._blamed('stack', 'skb:kfree_skb').items()}
    self.assertEqual(seen, expected)

  def test_bpf_frames_carry_program_function_and_line(self):
    mirrors = {generation.ids['mirror'] for generation in self.generations}
    functions = collections.Counter()
    for event in self.events:
      for entry in event.get('stack', ()):
        if entry.get('program_id') in mirrors:
          functions[entry['function']] += 1
          self.assertEqual(entry['kind'], 'bpf')
          self.assertEqual(entry['file'], 'tests/integration/lab.bpf.c')
          self.assertGreater(entry['line'], 0)
    self.assertEqual(set(functions), {'lab_clone_to', 'lab_tc_mirror'})

  def test_loads_and_unloads_are_events(self):
    seen = {(event['event'], event['fields']['id']) for event in self.events if event['event'].startswith('bpf:')}
    for generation in self.generations[1:]:
      for identity in generation.ids.values():
        self.assertIn(('bpf:bpf_prog_load', identity), seen)
    for generation in self.generations[:-1]:
      for identity in generation.ids.values():
        self.assertIn(('bpf:bpf_prog_put_rcu', identity), seen)

  def test_attachments_name_device_and_namespace(self):
    """Of the programs that a look found: those of the first and of the last generation."""
    programs = json.loads(harness.correlate('programs', '--json', self.trace_of_all).stdout)
    programs = {program['id']: program for program in programs['programs']}
    near, far = self.lab.near, self.lab.far
    expected = {
        'shot': ('tc', 'ingress', f'far{L.TC}', far),
        'mirror': ('tc', 'egress', f'near{L.TC}', near),
        'shot going out': ('tc', 'egress', f'near{L.XDP_GENERIC}', near),
        'native': ('xdp', 'native', f'far{L.XDP_NATIVE}', far),
        'generic': ('xdp', 'generic', f'far{L.XDP_GENERIC}', far),
    }
    for generation in (self.generations[0], self.generations[-1]):
      for role, (hook, way, device, namespace) in expected.items():
        with self.subTest(role=role, generation=self.generations.index(generation)):
          places = [(at['hook'], at.get('direction') or at.get('mode'), at['ifname'], at['netns'], at.get('netns_name', ''))
                    for at in programs[generation.ids[role]]['attachments']]
          self.assertIn((hook, way, device, str(namespace.inode), namespace.name), places)

  def test_blamed_programs_carry_their_attachments(self):
    """An exception of the last generation says where its program was attached."""
    native = self.generations[0].ids['native']
    for event in self.events:
      if event['event'] == 'xdp:xdp_exception' and event['fields']['prog_id'] == native:
        attachments = event['attribution']['programs'][0]['attachments']
        self.assertTrue(any(at['netns'] == str(self.lab.far.inode) and at['ifindex'] == event['fields']['ifindex']
                            for at in attachments), attachments)
        return
    self.fail('no exception')


class Enriched(Recorded, harness.RootTest):
  """With the companion programs, as is the default."""

  def assert_differences_are_explained(self, both):
    # A program does not run where it is running already on that CPU: counted as missed.
    self.assertLessEqual(len(both.only_perf), self.ours.lost + self.ours.missed, f'perf alone has {both.only_perf[:3]}')
    self.assertLessEqual(self.ours.lost + self.ours.missed, len(both.matched) / 100)
    # perf takes no sample from softirqs that interrupt some threads, though it counts them. The kernel's own count vouches
    # for each of these.
    self.assertLessEqual({seen.context for seen in both.only_ours}, {'softirq'}, f'we alone have {both.only_ours[:3]}')
    info = json.loads(harness.correlate('info', '--json', self.trace_of_all).stdout)
    counted = collections.Counter()
    for counts in info['counts']:  # one a CPU
      counted[counts['event']] += int(counts['counted'])
    recorded = collections.Counter(event['event'] for event in self.events)
    self.assertEqual(sum(counted[event] for event in oracle.EVENTS),
                     sum(recorded[event] for event in oracle.EVENTS) + self.ours.lost + self.ours.missed)

  def test_verdicts_of_tc_name_their_program(self):
    """The lab knows who drops on which device: the program of the generation that is attached at that time."""
    roles = {f'far{L.TC}': 'shot', f'near{L.XDP_GENERIC}': 'shot going out'}
    count = collections.Counter()
    for event in self.events:
      device = event.get('packet', {}).get('ifname')
      if event['fields'].get('reason') not in ('TC_INGRESS', 'TC_EGRESS') or device not in roles:
        continue
      ours = [generation.ids[roles[device]] for generation in self.generations]
      attribution = event['attribution']
      named = [program['id'] for program in attribution['programs']]
      self.assertTrue(set(named) <= set(ours), attribution)
      # Where the lists have just changed, those of before may be named beside it: that is no blame.
      most = {'none': 0, 'candidates': len(ours)}.get(attribution['evidence'], 1)
      self.assertTrue(bool(most) <= len(named) <= most, attribution)
      count[named[0] if named else None, device, attribution['evidence']] += 1
    for device, role in roles.items():
      with self.subTest(role=role):
        # A packet that meets the hook at the moment of a change: nobody is named rather than the wrong one.
        unnamed = count[None, device, 'none']
        self.assertLessEqual(unnamed, 2 * len(self.generations))
        named = 0
        for generation in self.generations:
          identity = generation.ids[role]
          sole = count[identity, device, 'sole']
          self.assertGreater(sole, generation.sent['rounds'] / 2)
          named += sole + count[identity, device, 'candidates']
        self.assertEqual(named + unnamed, sum(generation.sent['rounds'] for generation in self.generations))

  def test_drops_after_an_exception_are_that_packet_s(self):
    exceptions = sum(event['event'] == 'xdp:xdp_exception' for event in self.events)
    verdicts = collections.Counter(
        event['attribution']['verdict'] for event in self.events if event.get('attribution', {}).get('evidence') == 'verdict')
    self.assertEqual(sum(verdicts.values()), exceptions, verdicts)
    self.assertIn('XDP_ABORTED', verdicts)

  def test_packets_are_named(self):
    """UDP to a closed port of the far end, over IPv4 and IPv6."""
    ends = collections.Counter()
    for event in self.events:
      packet = event.get('packet', {})
      if packet.get('dport') == L.PORT_CLOSED and packet.get('ifname') == f'far{L.PLAIN}':
        self.assertEqual((packet['sport'], packet['netns']), (4000, str(self.lab.far.inode)))
        ends[packet['src'], packet['dst']] += packet['l4'] == 'udp'
    for ipv6 in (False, True):
      ends_of_link = self.lab.ends(L.PLAIN, ipv6=ipv6)
      pair = tuple(str(ipaddress.ip_address(end)) for end in (ends_of_link.source, ends_of_link.destination))
      self.assertGreaterEqual(ends[pair], ROUNDS, pair)

  def test_a_device_is_never_made_up(self):
    """What stands in skb->dev is not always a device."""
    known = {'brief', 'brief-peer'}  # come and go with a kind of drop
    for namespace in (self.lab.near, self.lab.far):
      with namespace.entered():
        known |= {device['ifname'] for device in json.loads(harness.run([harness.IP, '-j', 'link']).stdout)}
    netns = {str(self.lab.near.inode), str(self.lab.far.inode)}
    names = {event['packet']['ifname'] for event in self.events
             if event.get('packet', {}).get('netns') in netns and 'ifname' in event['packet']}
    self.assertGreater(len(names), len(known) / 2)
    self.assertLessEqual(names, known)


class Plain(Recorded, harness.RootTest):
  """With tracepoints alone."""

  OPTIONS = ('--no-enrich', '--stacks', 'all')

  def test_blamed_programs_carry_their_attachments(self):
    """An ifindex without its namespace is no place: the program is certain, and where it was seen is told in words."""
    native = self.generations[0].ids['native']
    exceptions = [event for event in self.events
                  if event['event'] == 'xdp:xdp_exception' and event['fields']['prog_id'] == native]
    self.assertTrue(exceptions)
    for event in exceptions:
      self.assertEqual(event['attribution']['evidence'], 'event')
      self.assertEqual(event['attribution']['programs'][0]['attachments'], [])
      self.assertIn(f'ifindex {event["fields"]["ifindex"]} alone', event['attribution']['why'])

  def assert_differences_are_explained(self, both):
    self.assertEqual(len(both.only_perf), self.ours.lost, f'perf alone has {both.only_perf[:3]}')
    self.assertEqual(len(both.only_ours), self.perf.lost, f'we alone have {both.only_ours[:3]}')

  def test_verdicts_of_tc_are_never_blamed(self):
    count = collections.Counter()
    for event in self.events:
      reason = event['fields'].get('reason')
      if reason in ('TC_INGRESS', 'TC_EGRESS'):
        count[reason] += 1
        self.assertEqual(event['attribution']['evidence'], 'none')
        self.assertEqual(event['attribution']['programs'], [])
        self.assertTrue(event['attribution']['why'])
    self.assertGreaterEqual(count['TC_INGRESS'], ROUNDS)
    self.assertGreaterEqual(count['TC_EGRESS'], ROUNDS)


if __name__ == '__main__':
  harness.main()
