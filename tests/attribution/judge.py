"""What an attribution is worth: compared with what the programs themselves wrote down."""

import collections

CERTAIN = ('event', 'verdict', 'stack', 'sole')

RANK = ('none', 'right', 'wrong')

Verdict = collections.namedtuple('Verdict', 'outcome evidence')  # right, wrong or none

Row = collections.namedtuple('Row', 'scenario dropped right wrong silent evidences')


def judge(attribution, culprit, device=None):
  """`culprit`: the id of the program that dropped the packet; None: none did. `device`: where it is attached."""
  evidence = attribution['evidence']
  named = [program['id'] for program in attribution['programs']]
  if evidence == 'none':
    return Verdict('none' if not named else 'wrong', evidence)
  if evidence not in CERTAIN:
    # One of several: right if the culprit is among them. Where no program did it, they only stood beside.
    return Verdict('right' if culprit in named else 'none' if culprit is None else 'wrong', evidence)
  if named != [culprit]:
    return Verdict('wrong', evidence)
  places = {attachment.get('ifname') for attachment in attribution['programs'][0]['attachments']} - {None}
  if device is not None and places and device not in places:
    return Verdict('wrong', evidence)
  return Verdict('right', evidence)


def row(name, arena, attribution_of=lambda event: event['attribution']):
  """Counts a scenario's events; each packet that a program dropped is counted once, by the worst of its events, where one that
  names nobody is not bad: a packet may be dropped again further on, or its clone."""
  outcomes = {}
  passed_wrong = 0
  for event, packet in arena.judged():
    if 'attribution' not in event:
      continue
    culprit = arena.truth.get(packet)
    verdict = judge(attribution_of(event), culprit, arena.places[packet])
    if culprit is None:
      passed_wrong += verdict.outcome == 'wrong'
    elif packet not in outcomes or RANK.index(verdict.outcome) > RANK.index(outcomes[packet].outcome):
      outcomes[packet] = verdict
  count = collections.Counter(verdict.outcome for verdict in outcomes.values())
  evidences = collections.Counter(verdict.evidence for verdict in outcomes.values())
  missing = len(arena.truth) - len(outcomes)
  return Row(name, len(arena.truth), count['right'], count['wrong'] + passed_wrong, count['none'] + missing, evidences)
