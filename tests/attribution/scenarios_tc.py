"""tc (clsact) and tcx, all attached before the recording begins. See scenarios.py."""

import unittest

from tests.attribution import bpf
from tests.attribution import field as F
from tests.attribution.scenarios import scenario
from tests.integration import harness
from tests.integration import lab as L


# ---- One program ----

@scenario
def clsact_ingress(field):
  field.tc(field.far, 'far0', 'ingress', field.tc_dropper())
  field.run(field.flow(F.DROP))


@scenario
def clsact_egress(field):
  field.tc(field.near, 'near0', 'egress', field.tc_dropper())
  field.run(field.flow(F.DROP))


@scenario
def tcx_ingress(field):
  field.tcx(field.far, 'far0', 'ingress', field.tc_dropper())
  field.run(field.flow(F.DROP))


@scenario
def tcx_egress(field):
  field.tcx(field.near, 'near0', 'egress', field.tc_dropper())
  field.run(field.flow(F.DROP))


@scenario
def subprogram_decides(field):
  program = field.load('tc_subprogram', port=F.DROP, action=F.SHOT, otherwise=F.UNSPEC)
  field.tc(field.far, 'far0', 'ingress', program)
  field.run(field.flow(F.DROP))


@scenario
def ipv6(field):
  field.tc(field.far, 'far0', 'ingress', field.tc_dropper())
  field.run(field.flow(F.DROP, ipv6=True), field.flow(F.PASS, ipv6=True), field.flow(F.CLOSED, ipv6=True))


@scenario
def vlan_tagged(field):
  """Dropped on the device itself, before anybody takes the tag off."""
  field.tc(field.near, 'near0', 'egress', field.tc_dropper())
  field.tc(field.far, 'far0', 'ingress', field.tc_dropper(F.DROP_TOO))
  field.run(field.flow(F.DROP, vlan=100), field.flow(F.DROP_TOO, vlan=100), field.flow(F.CLOSED, vlan=100))


@scenario(several=True)
def vlan_device(field):
  """The packet goes another round, on the VLAN's own device."""
  with field.far.entered():
    added = harness.run([harness.IP, 'link', 'add', 'link', 'far0', 'name', 'tagged', 'type', 'vlan', 'id', 100], check=False)
  if added.returncode:
    raise unittest.SkipTest(f'no VLAN devices here: {added.stderr.strip()}')
  field.ip(field.far, 'link set tagged up')
  field.tc(field.far, 'far0', 'ingress', field.tc_passer())
  field.tc(field.far, 'tagged', 'ingress', field.tc_dropper())
  field.run(field.flow(F.DROP, vlan=100))


@scenario
def no_btf(field):
  """The kernel knows no type, no function's name and no line of it."""
  program = field.tc_dropper()
  bare = F.Program(program.loaded, program.function, program.identity, program.loaded.load_again_without_btf('tc_act'))
  field.programs[program.identity] = bare
  field.tc(field.far, 'far0', 'ingress', bare)
  field.run(field.flow(F.DROP))


# ---- Several ----

@scenario(several=True)
def two_prefs(field):
  field.tc(field.far, 'far0', 'ingress', field.tc_passer(), pref=10)
  field.tc(field.far, 'far0', 'ingress', field.tc_dropper(), pref=20)
  field.tc(field.far, 'far0', 'ingress', field.tc_passer(), pref=30)
  field.run(field.flow(F.DROP))


@scenario(several=True)
def two_prefs_egress(field):
  field.tc(field.near, 'near0', 'egress', field.tc_passer(), pref=10)
  field.tc(field.near, 'near0', 'egress', field.tc_dropper(), pref=20)
  field.tc(field.near, 'near0', 'egress', field.tc_passer(), pref=30)
  field.run(field.flow(F.DROP))


@scenario(several=True)
def two_handles(field):
  """Inside of one pref the newest runs first."""
  field.tc(field.far, 'far0', 'ingress', field.tc_passer(), handle=1)
  field.tc(field.far, 'far0', 'ingress', field.tc_dropper(), handle=2)
  field.tc(field.far, 'far0', 'ingress', field.tc_passer(), handle=3)
  field.run(field.flow(F.DROP))


@scenario(several=True)
def several_chains(field):
  """A jump to another chain, by an action that does nothing else: the device it would copy to is down."""
  field.tc(field.far, 'far0', 'ingress', field.tc_passer(), pref=10)
  field.tc(field.far, 'far0', 'ingress', field.tc_passer(), pref=10, chain=5)
  field.tc(field.far, 'far0', 'ingress', field.tc_dropper(), pref=20, chain=5)
  field.tc(field.far, 'far0', 'ingress', field.tc_passer(), pref=30, chain=5)
  field.run_in(field.far, harness.TC, 'filter', 'add', 'dev', 'far0', 'ingress', 'protocol', 'ip', 'pref', 20, 'u32', 'match',
               'u32', 0, 0, 'action', 'mirred', 'egress', 'mirror', 'dev', 'idle', 'goto', 'chain', 5)
  field.run(field.flow(F.DROP))


@scenario(several=True)
def tcx_two(field):
  field.tcx(field.far, 'far0', 'ingress', field.tc_passer())
  field.tcx(field.far, 'far0', 'ingress', field.tc_dropper())
  field.tcx(field.far, 'far0', 'ingress', field.tc_passer())
  field.run(field.flow(F.DROP))


@scenario(several=True)
def tcx_two_egress(field):
  field.tcx(field.near, 'near0', 'egress', field.tc_passer())
  field.tcx(field.near, 'near0', 'egress', field.tc_dropper())
  field.tcx(field.near, 'near0', 'egress', field.tc_passer())
  field.run(field.flow(F.DROP))


@scenario(several=True)
def tcx_before_clsact(field):
  """Both drop, each its own."""
  field.tcx(field.far, 'far0', 'ingress', field.tc_passer())
  field.tcx(field.far, 'far0', 'ingress', field.tc_dropper(F.DROP_TOO))
  field.tc(field.far, 'far0', 'ingress', field.tc_dropper(), pref=10)
  field.tc(field.far, 'far0', 'ingress', field.tc_passer(), pref=20)
  field.run(field.flow(F.DROP), field.flow(F.DROP_TOO))


@scenario(several=True)
def program_on_two_devices(field):
  """Of two namespaces, at the same pref."""
  third = field.namespace()
  field.join(field.near, third, 2)
  program = field.tc_dropper()
  here = field.tc(field.far, 'far0', 'ingress', program)
  there = field.tc(third, 'far2', 'ingress', program)
  field.run(field.flow(F.DROP, link=0, place=here), field.flow(F.DROP, link=2, place=there))


@scenario(several=True)
def object_loaded_twice(field):
  """One tag, one name, two programs: on one hook, and each alone on another."""
  field.join(field.near, field.far, 2)
  first, second = field.tc_dropper(), field.tc_dropper(F.DROP_TOO)
  on_first = field.tc(field.far, 'far0', 'ingress', first, pref=10)
  on_second = field.tc(field.far, 'far0', 'ingress', second, pref=20)
  alone = field.tc(field.far, 'far2', 'ingress', second, pref=20)
  field.run(field.flow(F.DROP, place=on_first), field.flow(F.DROP_TOO, place=on_second),
            field.flow(F.DROP_TOO, link=2, place=alone))


@scenario(several=True)
def attached_twice(field):
  """To one hook; it drops what comes by for the second time."""
  program = field.tc_dropper(passes_first=1)
  field.tc(field.far, 'far0', 'ingress', field.tc_passer(), pref=5)
  field.tc(field.far, 'far0', 'ingress', program, pref=10)
  second = field.tc(field.far, 'far0', 'ingress', program, pref=20)
  field.tc(field.far, 'far0', 'ingress', field.tc_passer(), pref=30)
  field.run(field.flow(F.DROP, place=second))


@scenario(several=True)
def tail_call(field):
  """The entry is what is attached; what it jumps to decides. Either is a right answer."""
  program = field.load('tc_tail_entry', and_also=['tc_tail_target'], port=F.DROP, action=F.SHOT, otherwise=F.UNSPEC)
  bpf.update(program.loaded.map_fd('jumps'), 0, program.loaded.fd('tc_tail_target'))
  field.tc(field.far, 'far0', 'ingress', field.tc_passer(), pref=10)
  field.tc(field.far, 'far0', 'ingress', program, pref=20)
  field.tc(field.far, 'far0', 'ingress', field.tc_passer(), pref=30)
  field.run(field.flow(F.DROP))


# ---- Not by a verdict ----

def _clone(field):
  return field.load('tc_clone', port=F.DROP, otherwise=F.UNSPEC, ifindex=L.IFINDEX_DOWN)


@scenario(several=True)
def clone_in_subprogram(field):
  """Freed below the program's own call. The packet itself goes on, and nobody drops that."""
  field.listen(field.far, F.DROP)
  field.tc(field.far, 'far0', 'ingress', field.tc_passer(), pref=10)
  field.tc(field.far, 'far0', 'ingress', _clone(field), pref=20)
  field.tc(field.far, 'far0', 'ingress', field.tc_passer(), pref=30)
  field.run(field.flow(F.DROP))


@scenario
def clone_on_egress(field):
  field.listen(field.far, F.DROP)
  field.tcx(field.near, 'near0', 'egress', _clone(field))
  field.run(field.flow(F.DROP))


@scenario(several=True)
def clone_dropped_by_another_program(field):
  """The clone is freed below the first program's call, and yet by the verdict of another, on the way out of the device to
  which the clone goes."""
  field.join(field.near, field.far, 2)
  field.listen(field.far, F.DROP)
  cloner = field.load('tc_clone', port=F.DROP, otherwise=F.UNSPEC, ifindex=field.ifindex(field.far, 'far2'))
  field.tc(field.far, 'far0', 'ingress', cloner)
  field.tc(field.far, 'far2', 'egress', field.tc_dropper())  # writes its name over the cloner's
  field.run(field.flow(F.DROP))


@scenario
def redirect_to_no_device(field):
  program = field.load('tc_redirect', port=F.DROP, otherwise=F.UNSPEC, ifindex=F.IFINDEX_NOWHERE)
  field.tc(field.far, 'far0', 'ingress', program)
  field.run(field.flow(F.DROP))


@scenario(several=True)
def redirect_peer(field):
  """far0 hands packets over to a device of a third namespace, in another round of the same receive; there they are dropped."""
  third = field.namespace()
  field.join(field.far, third, 3)
  field.listen(third)
  mover = field.load('tc_redirect_peer', otherwise=F.UNSPEC, ifindex=field.ifindex(field.far, 'near3'))
  field.tc(field.far, 'far0', 'ingress', mover)
  field.tc(third, 'far3', 'ingress', field.tc_dropper())
  ends = L.ends(0)._replace(source=L.ends(3).source, destination=L.ends(3).destination)
  field.run(field.flow(F.DROP, ends=ends),
            decoys=[field.flow(F.PASS, ends=ends), field.flow(F.CLOSED, ends=ends), field.flow(F.DECOY, link=1)])


# ---- Beside droppers without BPF ----

@scenario
def mirred_beside_passing_program(field):
  """The reason says TC_INGRESS; the only BPF program there let it pass."""
  field.tc(field.far, 'far0', 'ingress', field.tc_passer(), pref=10)
  field.u32_drops(field.far, 'far0', 'ingress', pref=20)
  field.run(field.flow(F.DECOY))


@scenario
def mirred_beside_passing_program_egress(field):
  field.tcx(field.near, 'near0', 'egress', field.tc_passer())
  field.u32_drops(field.near, 'near0', 'egress', pref=20)
  field.run(field.flow(F.DECOY))


@scenario(several=True)
def beside_u32(field):
  """A program and a u32 filter drop on one hook, each its own."""
  field.u32_drops(field.far, 'far0', 'ingress', pref=10)
  field.tc(field.far, 'far0', 'ingress', field.tc_passer(), pref=20)
  field.tc(field.far, 'far0', 'ingress', field.tc_dropper(), pref=30)
  field.tc(field.far, 'far0', 'ingress', field.tc_passer(), pref=40)
  field.run(field.flow(F.DROP), field.flow(F.DECOY))


def _beside(field, *matching):
  """Another classifier with the action `drop` behind the only program."""
  field.tc(field.far, 'far0', 'ingress', field.tc_dropper(), pref=10)
  refused = F.tc_refuses(field.far, 'filter', 'add', 'dev', 'far0', 'ingress', 'pref', 20, *matching, 'action', 'drop')
  if refused:
    raise unittest.SkipTest(f'no such filter here: {refused.splitlines()[0]}')


@scenario
def beside_flower(field):
  _beside(field, 'protocol', 'ip', 'flower', 'ip_proto', 'udp', 'dst_port', F.DECOY)
  field.run(field.flow(F.DROP), field.flow(F.DECOY))


@scenario
def beside_u32_gact(field):
  _beside(field, 'protocol', 'ip', 'u32', 'match', 'ip', 'dport', F.DECOY, '0xffff')
  field.run(field.flow(F.DROP), field.flow(F.DECOY))


@scenario
def beside_matchall(field):
  """All that the program leaves is dropped: nothing passes on this hook."""
  _beside(field, 'matchall')
  field.join(field.near, field.far, 2)
  field.run(field.flow(F.DROP), decoys=[field.flow(F.PASS, link=2), field.flow(F.CLOSED)])


@scenario
def shared_block(field):
  """One filter for two devices."""
  field.join(field.near, field.far, 2)
  for device in ('far0', 'far2'):
    field.run_in(field.far, harness.TC, 'qdisc', 'add', 'dev', device, 'ingress_block', 22, 'clsact')
  program = field.tc_dropper()
  field.run_in(field.far, harness.TC, 'filter', 'add', 'block', 22, 'pref', 10, 'handle', 1, 'bpf', 'direct-action',
               'object-pinned', program.pinned())
  places = [{'hook': 'tc', 'direction': 'ingress', **field.at(field.far, device), 'pref': 10, 'handle': '0x1'}
            for device in ('far0', 'far2')]
  program.places += places
  field.run(field.flow(F.DROP, place=places[0]), field.flow(F.DROP, link=2, place=places[1]))
