"""XDP, native and generic, attached before the recording begins. See scenarios.py.

Of an exception there are two events a packet: the exception itself, which names its program, and where an skb is freed for it
(generic XDP, veth) a drop.
"""

from tests.attribution import field as F
from tests.attribution.scenarios import scenario


def _exception(field, mode, action):
  # A program on tc behind it, which sees only what passed.
  field.tc(field.far, 'far0', 'ingress', field.tc_passer())
  field.xdp(field.far, 'far0', mode, field.xdp_dropper(action))
  field.run(field.flow(F.DROP))


@scenario
def xdp_native_aborted(field):
  _exception(field, 'native', F.XDP_ABORTED)


@scenario
def xdp_native_unknown_action(field):
  _exception(field, 'native', F.XDP_UNKNOWN)


@scenario
def xdp_native_drop(field):
  _exception(field, 'native', F.XDP_DROP)


@scenario
def xdp_generic_aborted(field):
  _exception(field, 'generic', F.XDP_ABORTED)


@scenario
def xdp_generic_unknown_action(field):
  _exception(field, 'generic', F.XDP_UNKNOWN)


@scenario
def xdp_generic_drop(field):
  _exception(field, 'generic', F.XDP_DROP)


def _redirect_error(field, mode):
  field.tc(field.far, 'far0', 'ingress', field.tc_passer())
  field.xdp(field.far, 'far0', mode, field.load('xdp_redirect', port=F.DROP, ifindex=F.IFINDEX_NOWHERE))
  field.run(field.flow(F.DROP))


@scenario
def xdp_native_redirect_error(field):
  """No skb is freed: the tracepoint of the error is all there is."""
  _redirect_error(field, 'native')


@scenario
def xdp_generic_redirect_error(field):
  _redirect_error(field, 'generic')


@scenario
def xdp_tx_without_peer(field):
  """The other end of the veth pair takes no XDP frames. The event names the device alone."""
  field.xdp(field.far, 'far0', 'native', field.xdp_dropper(F.XDP_TX))
  field.run(field.flow(F.DROP))


@scenario
def xdp_redirect_to_no_xdp(field):
  """To a veth device whose other end takes no XDP frames."""
  field.join(field.near, field.far, 2)
  program = field.load('xdp_redirect', port=F.DROP, ifindex=field.ifindex(field.far, 'far2'))
  field.xdp(field.far, 'far0', 'native', program)
  field.run(field.flow(F.DROP))


@scenario
def xdp_redirect_too_long(field):
  """For the other end of a veth pair, which only the driver finds out. The event names the two devices alone."""
  field.join(field.near, field.far, 2)
  field.ip(field.near, 'link set near2 mtu 600')
  field.xdp(field.near, 'near2', 'native', field.load('xdp_act'))
  program = field.load('xdp_redirect', port=F.DROP, ifindex=field.ifindex(field.far, 'far2'))
  field.xdp(field.far, 'far0', 'native', program)
  field.run(field.flow(F.DROP, padding=1000))


@scenario(several=True)
def xdp_on_two_devices(field):
  """Both abort: as many programs, and one of them dropped."""
  field.join(field.near, field.far, 2)
  field.xdp(field.far, 'far0', 'native', field.xdp_dropper(F.XDP_ABORTED))
  field.xdp(field.far, 'far2', 'generic', field.xdp_dropper(F.XDP_ABORTED))
  field.run(field.flow(F.DROP), field.flow(F.DROP, link=2))


@scenario(several=True)
def xdp_and_tc(field):
  """On one device, each its own."""
  field.xdp(field.far, 'far0', 'generic', field.xdp_dropper(F.XDP_DROP, F.DROP_TOO))
  field.tc(field.far, 'far0', 'ingress', field.tc_dropper())
  field.run(field.flow(F.DROP), field.flow(F.DROP_TOO))
