"""What is attached, loaded, named or there at all changes while it is recorded. See scenarios.py."""

import threading
import time
import unittest

from tests.attribution import bpf
from tests.attribution import field as F
from tests.attribution.scenarios import scenario
from tests.integration import harness
from tests.integration import lab as L

SWAP_EVERY_S = 0.005
MOST_TRIES = 400  # until the kernel uses an address or a number again
PHASE = 60  # rounds between two changes


# ---- Programs and attachments ----

@scenario(several=True)
def program_replaced(field):
  """At the same pref and handle: the same place has two culprits, one after the other."""
  first, second = field.tc_dropper(), field.tc_dropper()
  field.tc(field.far, 'far0', 'ingress', first)
  with field.recording():
    field.traffic(field.flow(F.DROP), rounds=PHASE)
    field.tc(field.far, 'far0', 'ingress', second)
    field.traffic(field.flow(F.DROP), rounds=PHASE)


@scenario(several=True)
def program_detached_and_attached_again(field):
  """In between its packets pass; then it stands at another pref."""
  field.listen(field.far, F.DROP)
  program = field.tc_dropper()
  with field.recording():
    before = field.tc(field.far, 'far0', 'ingress', program, pref=10)
    field.traffic(field.flow(F.DROP, place=before), rounds=PHASE)
    field.no_tc(field.far, 'far0', 'ingress', pref=10)
    field.traffic(field.flow(F.DROP), rounds=PHASE)
    field.tc(field.far, 'far0', 'ingress', field.tc_passer(), pref=15)
    after = field.tc(field.far, 'far0', 'ingress', program, pref=20)
    field.tc(field.far, 'far0', 'ingress', field.tc_passer(), pref=30)
    field.traffic(field.flow(F.DROP, place=after), rounds=PHASE)


@scenario
def loaded_and_unloaded(field):
  """Each of several loads is gone before the recording ends; no two at a time."""
  with field.recording():
    for _ in range(6):
      program = field.tc_dropper()
      field.tc(field.far, 'far0', 'ingress', program)
      field.traffic(field.flow(F.DROP), rounds=PHASE // 2)
      field.no_tc(field.far, 'far0', 'ingress', pref=10)
      program.unload()


@scenario(several=True)
def tcx_swapped_under_load(field):
  """The link's program is another one every 5 ms. Both drop everything, so that each packet has one culprit."""
  programs = field.tc_dropper(), field.tc_dropper()
  link = field.tcx(field.far, 'far0', 'ingress', programs[0])
  programs[1].places.append(programs[0].places[0])
  done = threading.Event()
  failures = []

  def swap():
    try:
      turn = 0
      while not done.wait(SWAP_EVERY_S):
        turn += 1
        link.replace(programs[turn % 2].fd)
    except Exception as error:  # pylint: disable=broad-except
      failures.append(error)

  swapper = threading.Thread(target=swap)
  with field.recording():
    swapper.start()
    try:
      field.traffic(field.flow(F.DROP), rounds=700, decoys=[field.flow(F.PASS), field.flow(F.DECOY, link=1)],
                    between=lambda: time.sleep(0.001))
    finally:
      done.set()
      swapper.join()
  if failures:
    raise failures[0]


@scenario(several=True)
def replaced_while_two_cpus_send(field):
  """Several programs on one hook, each CPU in the midst of its own packet while one of them is replaced."""
  field.tc(field.far, 'far0', 'ingress', field.tc_passer(), pref=10)
  field.tcx(field.far, 'far0', 'ingress', field.tc_dropper(F.DROP_TOO))
  programs = field.tc_dropper(), field.tc_dropper()
  place = field.tc(field.far, 'far0', 'ingress', programs[0], pref=20)
  field.tc(field.far, 'far0', 'ingress', field.tc_passer(), pref=30)
  programs[1].places.append(place)
  with field.recording():
    with field.sending_on_all_cpus(F.DROP, F.DROP_TOO, F.PASS, F.CLOSED) as sending:
      turn = 0
      while sending():
        turn += 1
        field.run_in(field.far, harness.TC, 'filter', 'replace', 'dev', 'far0', 'ingress', 'pref', 20, 'handle', 1, 'bpf',
                     'direct-action', 'object-pinned', programs[turn % 2].pinned())
        field.drain()


@scenario(several=True)
def address_reused(field):
  """A later program stands where an earlier one stood: an address is nobody's name. Both free clones below their own calls."""
  field.listen(field.far, F.DROP)

  def load():
    return field.load('tc_clone', port=F.DROP, otherwise=F.UNSPEC, ifindex=L.IFINDEX_DOWN)
  with field.recording():
    first = [load() for _ in range(5)]  # others on the host load programs as well, and may take an address away
    addresses = {bpf.addresses(program.fd)[0] for program in first}
    for program in first:
      field.tc(field.far, 'far0', 'ingress', program)
      field.traffic(field.flow(F.DROP), rounds=PHASE // 5)
      field.no_tc(field.far, 'far0', 'ingress', pref=10)
    for program in first:
      program.unload()
    for _ in range(MOST_TRIES):
      time.sleep(0.002)  # an unloaded program's memory is free a moment later
      second = load()
      if bpf.addresses(second.fd)[0] in addresses:
        break
      second.unload()
    else:
      told = f'no program of {MOST_TRIES} came to stand where an earlier one stood'
      raise unittest.SkipTest(told) if harness.in_guest() else AssertionError(told)
    field.tc(field.far, 'far0', 'ingress', second)
    field.traffic(field.flow(F.DROP), rounds=PHASE)


# ---- Namespaces and devices ----

def _namespace_with_dropper(field, name, link):
  """And its place."""
  namespace = field.namespace(name)
  field.join(field.near, namespace, link)
  return namespace, field.tc(namespace, f'far{link}', 'ingress', field.tc_dropper())


@scenario
def namespace_created(field):
  """Comes, loses packets and goes within the recording."""
  with field.recording():
    namespace, _ = _namespace_with_dropper(field, 'brief', 2)
    field.traffic(field.flow(F.DROP, link=2))
    field.remove_namespace(namespace)


@scenario(several=True)
def namespace_number_reused(field):
  """Another namespace with the inode number, the ifindex and the device's name of one that is gone."""
  inode = None
  with field.recording():
    for _ in range(MOST_TRIES):
      namespace = field.namespace('again')
      if namespace.inode == inode:
        break
      if inode is None:
        inode = namespace.inode
        field.join(field.near, namespace, 2)
        field.tc(namespace, 'far2', 'ingress', field.tc_dropper())
        field.traffic(field.flow(F.DROP, link=2), rounds=PHASE)
      field.remove_namespace(namespace)
      time.sleep(0.005)  # it is torn down by a worker
    else:
      raise AssertionError(f'none of {MOST_TRIES} namespaces got number {inode} again')
    field.join(field.near, namespace, 2)
    field.tc(namespace, 'far2', 'ingress', field.tc_dropper())
    field.traffic(field.flow(F.DROP, link=2), rounds=PHASE)


@scenario(several=True)
def device_created_renamed_moved(field):
  with field.recording():
    field.join(field.near, field.far, 2)
    program = field.tc_dropper()
    here = field.tc(field.far, 'far2', 'ingress', program)
    field.traffic(field.flow(F.DROP, link=2, place={**here, 'ifname': 'far2'}), rounds=PHASE)
    field.ip(field.far, 'link set far2 down\nlink set far2 name renamed\nlink set renamed up')
    field.traffic(field.flow(F.DROP, link=2, place={**here, 'ifname': 'renamed'}), rounds=PHASE)
    # Its filters do not go with it.
    third = field.namespace('third')
    field.ip(field.far, 'link set renamed netns third')
    field.ip(third, 'link set renamed up')
    there = field.tc(third, 'renamed', 'ingress', program, pref=20)
    field.traffic(field.flow(F.DROP, link=2, place={**there, 'ifname': 'renamed'}), rounds=PHASE)


@scenario(several=True)
def xdp_device_moved(field):
  """XDP goes along into the other namespace."""
  field.join(field.near, field.far, 2)
  program = field.xdp_dropper(F.XDP_ABORTED)
  here = field.xdp(field.far, 'far2', 'native', program)
  with field.recording():
    field.traffic(field.flow(F.DROP, link=2, place=here), rounds=PHASE)
    third = field.namespace('third')
    field.ip(field.far, 'link set far2 netns third')
    field.ip(third, 'link set far2 up')
    there = {**here, **field.at(third, 'far2')}
    program.places.append(there)
    field.traffic(field.flow(F.DROP, link=2, place=there), rounds=PHASE)
