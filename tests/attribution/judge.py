"""Compares what the recorder says of each event with what is known of its packet. Values in, values out.

An event that a program of ours caused is
  right   a program is named for certain, and it is the one, where it was attached;
  listed  several may have been it, and the one is among them;
  none    nobody is named;
  wrong   somebody else is named, or the list lacks the one.
An event that no BPF program caused is wrong if one is named for certain, else spared. So a list that stands beside such a
drop is no blame: it says that one of several on that hook did it, and a filter without BPF is there as well.
"""

import bisect
import collections

from tests.integration import harness

# Weakest first, as docs/json.md has them.
EVIDENCE = ('none', 'candidates', 'sampled', 'sole', 'stack', 'verdict', 'event')
PLACES = ('sole', 'verdict')  # evidence that also says where: nothing but the one attachment will do

# Two observers of one tracepoint run one after the other. Between them there may be an interrupt, and an emulated CPU
# takes its time to translate what runs for the first time.
MOST_APART_NS = 50_000_000 if harness.in_guest() else 2_000_000

RIGHT, LISTED, NONE, WRONG, SPARED = 'right', 'listed', 'none', 'wrong', 'spared'

# Who is to blame for a packet: `ids` of programs (a tail call has two), `place` a dict with keys of an attachment.
Culprit = collections.namedtuple('Culprit', 'ids place')
# An event and the truth about it; culprit None: no program.
Case = collections.namedtuple('Case', 'event packet culprit')
Verdict = collections.namedtuple('Verdict', 'outcome evidence why')


# ---- Which packet an event is about ----

def _key_of_event(event):
  fields = event['fields']
  if event['event'] == 'skb:kfree_skb':
    return event['event'], event['cpu'], int(fields['skbaddr'], 0), int(fields['location'], 0)
  return event['event'], event['cpu'], int(fields.get('prog_id', 0)), 0


def _key_of_seen(seen):
  return seen.event, seen.cpu, seen.subject, seen.location


def join(events, seen):
  """Pairs (event, seen) of the same moment, and what was seen and is in no event."""
  by_key = collections.defaultdict(list)
  for event in events:
    by_key[_key_of_event(event)].append((int(event['time_ns']), event))
  times = {}
  for key, entries in by_key.items():
    entries.sort(key=lambda entry: entry[0])
    times[key] = [time_ns for time_ns, _ in entries]
  pairs, unmatched, used = [], [], set()
  for one in seen:
    key = _key_of_seen(one)
    around = bisect.bisect_left(times.get(key, ()), one.time_ns)
    near = [(abs(times[key][at] - one.time_ns), at) for at in range(max(around - 2, 0), around + 2)
            if at < len(times.get(key, ())) and (key, at) not in used]
    if near and min(near)[0] <= MOST_APART_NS:
      at = min(near)[1]
      used.add((key, at))
      pairs.append((by_key[key][at][1], one))
    else:
      unmatched.append(one)
  return pairs, unmatched


# ---- Who is blamed ----

def _same_place(place, attachment):
  """In what both tell."""
  return all(str(attachment[key]) == str(value) for key, value in place.items() if key in attachment)


def _place_fault(evidence, place, attachments):
  if not attachments or place is None:
    return ''
  if not any(_same_place(place, attachment) for attachment in attachments):
    return f'named at {attachments}, but it was at {place}'
  if evidence in PLACES and not all(_same_place(place, attachment) for attachment in attachments):
    return f'named at {attachments}, of which only {place} dropped'
  return ''


def judge(case):
  attribution = case.event.get('attribution') or {}
  evidence = attribution.get('evidence', 'none')
  programs = attribution.get('programs', [])
  named = [program['id'] for program in programs]

  def verdict(outcome, why=''):
    return Verdict(outcome, evidence, why)
  shown = case.event.get('packet', {}).get('sport')
  if shown and case.event['event'] == 'skb:kfree_skb' and shown != case.packet:
    return verdict(WRONG, f'the event shows packet {shown}, but it was about packet {case.packet}')
  if evidence not in EVIDENCE:
    return verdict(WRONG, f'no such evidence: {evidence}')
  if (evidence == 'none') != (not programs):
    return verdict(WRONG, f'{evidence} with programs {named}')
  if case.culprit is None:
    if evidence in ('none', 'candidates'):
      return verdict(SPARED)
    return verdict(WRONG, f'programs {named} are named, but no BPF program dropped it')
  if evidence == 'none':
    return verdict(NONE)
  true = [program for program in programs if program['id'] in case.culprit.ids]
  if not true:
    return verdict(WRONG, f'programs {named} are named, but it was {sorted(case.culprit.ids)}')
  if evidence == 'candidates':
    faults = [_place_fault(evidence, case.culprit.place, program.get('attachments')) for program in true]
    return verdict(WRONG, faults[0]) if all(faults) else verdict(LISTED)
  if len(programs) > 1:
    return verdict(WRONG, f'{evidence} with several programs {named}')
  fault = _place_fault(evidence, case.culprit.place, true[0].get('attachments'))
  return verdict(WRONG, fault) if fault else verdict(RIGHT)


class Tally:
  """What is told of a scenario."""

  def __init__(self, cases):
    self.outcomes = collections.Counter()
    self.evidence = collections.Counter()       # of events that a program caused
    self.by_event = collections.defaultdict(collections.Counter)  # the same, for each event
    self.faults = []
    for case in cases:
      verdict = judge(case)
      self.outcomes[verdict.outcome] += 1
      if verdict.outcome == WRONG:
        self.faults.append(f'{case.event["event"]} of packet {case.packet}: {verdict.evidence}: {verdict.why}')
      if case.culprit is None:
        continue
      self.evidence[verdict.evidence] += 1
      self.by_event[case.event['event']][verdict.evidence] += 1

  @property
  def wrong(self):
    return self.outcomes[WRONG]

  @property
  def by_programs(self):
    return self.evidence.total()

  def share_of(self, event, evidence):
    """Of the events that a program caused, those with this evidence or a stronger one."""
    kinds = self.by_event[event]
    enough = EVIDENCE[EVIDENCE.index(evidence):]
    return sum(kinds[kind] for kind in enough) / kinds.total()


# ---- The judge on trial ----

def forced(cases, choose):
  """The same cases, as if the recorder had blamed whom `choose(case)` gives, (id, attachment), and had been certain."""
  lies = []
  for case in cases:
    program_id, place = choose(case)
    lie = {'evidence': 'sole', 'why': 'forced', 'programs': [{'id': program_id, 'attachments': [place] if place else []}]}
    lies.append(case._replace(event={**case.event, 'attribution': lie}))
  return lies
