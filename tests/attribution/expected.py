"""The weakest evidence that a scenario has to reach, by event: what is reached as of today, and what is to be reached, with
the defaults of `record`, with `--attribution verdict`, and with that where the kernel allows trampolines (None: the same). Data
alone; a figure here may only ever be raised.

`share` of the events have to reach it: less than all where something changes meanwhile, as whatever is in doubt has to be
called so. Only events that a program of the scenario caused count. An empty entry: no program drops anything there, and nobody is to be
blamed.
"""

import collections

Levels = collections.namedtuple('Levels', 'today goal verdict share trampoline', defaults=[1.0, None])

DROP, EXCEPTION, REDIRECT = 'skb:kfree_skb', 'xdp:xdp_exception', 'xdp:xdp_redirect_err'
TX, XMIT = 'xdp:xdp_bulk_tx', 'xdp:xdp_devmap_xmit'


def _drop(*levels, **options):
  return {DROP: Levels(*levels, **options)}


_ALONE = _drop('sole', 'sole', 'sole')
_SEVERAL_INGRESS = _drop('candidates', 'candidates', 'verdict')
# What run counts do not tell: they are read where a packet comes in, and prove nothing of programs that run elsewhere too or
# that stand beside something else.
_UNCOUNTED = _drop('candidates', 'candidates', 'candidates', trampoline='verdict')
_CLONE = _drop('stack', 'stack', 'stack')
_SEVERAL_INGRESS_CHANGING = _drop('candidates', 'candidates', 'verdict', 0.4)
_CHANGING = _drop('sole', 'sole', 'sole', 0.8)
_OTHER_HOOK = _drop('candidates', 'candidates', 'candidates', trampoline='verdict')
_NAMED = Levels('event', 'event', 'event')
_XDP_EXCEPTION = {EXCEPTION: _NAMED, DROP: Levels('sole', 'sole', 'sole')}
_NOBODY = {}

EXPECTED = {
    # tc and tcx, one program
    'clsact_ingress': _ALONE,
    'clsact_egress': _ALONE,
    'tcx_ingress': _ALONE,
    'tcx_egress': _ALONE,
    'subprogram_decides': _ALONE,
    'ipv6': _ALONE,
    'vlan_tagged': _ALONE,
    'vlan_device': _ALONE,
    'no_btf': _ALONE,
    # several
    'two_prefs': _SEVERAL_INGRESS,
    'two_prefs_egress': _UNCOUNTED,
    'two_handles': _SEVERAL_INGRESS,
    'several_chains': _UNCOUNTED,  # a jump
    'tcx_two': _SEVERAL_INGRESS,
    'tcx_two_egress': _UNCOUNTED,
    'tcx_before_clsact': _SEVERAL_INGRESS,
    'program_on_two_devices': _ALONE,
    'object_loaded_twice': _UNCOUNTED,  # each on two devices
    'attached_twice': _SEVERAL_INGRESS,
    'tail_call': _SEVERAL_INGRESS,
    # not by a verdict
    'clone_in_subprogram': _CLONE,
    'clone_on_egress': _CLONE,
    'clone_dropped_by_another_program': _drop('sole', 'sole', 'sole'),
    'redirect_to_no_device': _ALONE,
    'redirect_peer': _drop('sole', 'sole', 'sole'),
    # beside droppers without BPF
    'mirred_beside_passing_program': _NOBODY,
    'mirred_beside_passing_program_egress': _NOBODY,
    'beside_u32': _UNCOUNTED,
    'beside_flower': _UNCOUNTED,
    'beside_u32_gact': _UNCOUNTED,
    'beside_matchall': _UNCOUNTED,
    'shared_block': _UNCOUNTED,
    # XDP
    'xdp_native_aborted': _XDP_EXCEPTION,
    'xdp_native_unknown_action': _XDP_EXCEPTION,
    'xdp_native_drop': _drop('sole', 'sole', 'sole'),
    'xdp_generic_aborted': _XDP_EXCEPTION,
    'xdp_generic_unknown_action': _XDP_EXCEPTION,
    'xdp_generic_drop': _drop('sole', 'sole', 'sole'),
    'xdp_native_redirect_error': {REDIRECT: _NAMED},
    'xdp_generic_redirect_error': {REDIRECT: _NAMED, DROP: Levels('sole', 'sole', 'sole')},
    # These events name neither program nor namespace: whatever stands at that ifindex.
    'xdp_tx_without_peer': {TX: Levels('candidates', 'candidates', 'candidates')},
    'xdp_redirect_to_no_xdp': {REDIRECT: _NAMED},
    'xdp_redirect_too_long': {XMIT: Levels('candidates', 'candidates', 'candidates')},
    'xdp_on_two_devices': _XDP_EXCEPTION,
    'xdp_and_tc': _drop('sole', 'sole', 'sole'),
    # changes
    'program_replaced': _CHANGING,
    'program_detached_and_attached_again': _SEVERAL_INGRESS_CHANGING,
    'loaded_and_unloaded': _CHANGING,
    'tcx_swapped_under_load': _drop('sole', 'sole', 'sole', 0.5),
    'replaced_while_two_cpus_send': _drop('candidates', 'candidates', 'candidates', 0.3, trampoline='verdict'),
    'address_reused': _CLONE,
    'namespace_created': _CHANGING,
    'namespace_number_reused': _CHANGING,
    'device_created_renamed_moved': _CHANGING,
    'xdp_device_moved': _XDP_EXCEPTION,
    # other hooks
    'cgroup_egress': _OTHER_HOOK,
    'cgroup_ingress': _OTHER_HOOK,
    'socket_filter': _drop('candidates', 'candidates', 'candidates'),
    'netfilter_link': _drop('candidates', 'candidates', 'candidates', trampoline='verdict'),
    'netkit': _drop('sole', 'sole', 'sole', 0.9),  # no table bears out the first look
    'tap_filter': _drop('sole', 'sole', 'sole', 0.9),  # likewise
    # no program
    'no_socket': _NOBODY,
    'nft_drop': _NOBODY,
    'full_queue': _NOBODY,
    'observers_alone': _NOBODY,
    'observers_and_droppers': _drop('sole', 'sole', 'sole'),
}

# Blame that is false today, and why. Such a scenario is skipped with that reason, never passed; and not once the goal is demanded.
KNOWN_FAULTS = {}
