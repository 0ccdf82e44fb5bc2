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

# Weakest first, as docs/json.md has them.
EVIDENCE = ('none', 'candidates', 'sampled', 'sole', 'stack', 'verdict', 'event')
PLACES = ('sole', 'verdict')  # evidence that also says where: nothing but the one attachment will do

# Two observers of one tracepoint run one after the other. Between them there may be an interrupt, the host of a virtual
# machine may take the CPU away, and an emulated CPU takes its time to translate what runs for the first time.
MOST_APART_NS = 50_000_000
# What is left over on both sides then belongs together all the same: a busy host takes a CPU away for longer.
MOST_APART_WHEN_BUSY_NS = 2_000_000_000

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
  for entries in by_key.values():
    entries.sort(key=lambda entry: entry[0])
  pairs, unmatched = [], seen
  for apart_ns in (MOST_APART_NS, MOST_APART_WHEN_BUSY_NS):
    unmatched = _join_near(by_key, unmatched, apart_ns, pairs)
  return pairs, unmatched


def _join_near(by_key, seen, apart_ns, pairs):
  """Adds to `pairs`, and takes out of `by_key`, what is no further apart. What of `seen` is left."""
  left = []
  for one in seen:
    entries = by_key.get(_key_of_seen(one), [])
    around = bisect.bisect_left(entries, one.time_ns, key=lambda entry: entry[0])
    near = [(abs(entries[at][0] - one.time_ns), at) for at in range(max(around - 1, 0), min(around + 1, len(entries)))]
    if near and min(near)[0] <= apart_ns:
      pairs.append((entries.pop(min(near)[1])[1], one))
    else:
      left.append(one)
  return left


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
