"""Ethernet frames from their parts, valid as built; a kind of drop breaks one on purpose.

`Ends` says from whom to whom; the addresses' family decides the frame's.
"""

import collections
import socket
import struct

Ends = collections.namedtuple('Ends', 'source_mac destination_mac source destination')

ETH_IPV4, ETH_ARP, ETH_VLAN, ETH_IPV6 = 0x0800, 0x0806, 0x8100, 0x86dd
ETHERNET_BYTES, IPV4_BYTES, IPV6_BYTES = 14, 20, 40
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def mac(text):
  return bytes.fromhex(text.replace(':', ''))


def is_ipv6(ends):
  return ':' in ends.source


def address(text):
  return socket.inet_pton(socket.AF_INET6 if ':' in text else socket.AF_INET, text)


def checksum(data):
  """RFC 1071."""
  if len(data) % 2:
    data += b'\0'
  total = sum(struct.unpack(f'!{len(data) // 2}H', data))
  while total >> 16:
    total = (total & 0xffff) + (total >> 16)
  return ~total & 0xffff


def ethernet(ends, ethertype, payload=b''):
  return mac(ends.destination_mac) + mac(ends.source_mac) + struct.pack('!H', ethertype) + payload


def tagged(untagged, vlan):
  """A frame as it is on the wire of a VLAN."""
  at = 12  # after the addresses
  return untagged[:at] + struct.pack('!HH', ETH_VLAN, vlan) + untagged[at:]


def ip(ends, protocol, payload=b'', ttl=64, fragment=0, ident=1, options=b'', bad_checksum=False, total_bytes=None):
  """`fragment` is IPv4's field of flags and offset; `protocol` is IPv6's next header."""
  source, destination = address(ends.source), address(ends.destination)
  if is_ipv6(ends):
    header = struct.pack('!IHBB', 6 << 28, len(payload), protocol, ttl) + source + destination
    return ethernet(ends, ETH_IPV6, header + payload)
  header_bytes = IPV4_BYTES + len(options)

  def header(check):
    return struct.pack('!BBHHHBBH', 4 << 4 | header_bytes // 4, 0, total_bytes or header_bytes + len(payload), ident,
                       fragment, ttl, protocol, check) + source + destination + options
  check = checksum(header(0)) ^ (0x5555 if bad_checksum else 0)
  return ethernet(ends, ETH_IPV4, header(check) + payload)


def _with_checksum(ends, protocol, at, segment, bad):
  pseudo = address(ends.source) + address(ends.destination) + struct.pack('!II', len(segment), protocol)
  check = checksum(pseudo + segment) ^ (0x5555 if bad else 0)
  return segment[:at] + struct.pack('!H', check or 0xffff) + segment[at + 2:]


def udp_segment(ends, source_port, port, data=b'', bad_checksum=False, length=None):
  segment = struct.pack('!HHHH', source_port, port, length or 8 + len(data), 0) + data
  return _with_checksum(ends, socket.IPPROTO_UDP, 6, segment, bad_checksum)


def udp(ends, source_port, port, data=b'payload', **broken):
  return ip(ends, socket.IPPROTO_UDP, udp_segment(ends, source_port, port, data, **broken))


def tcp(ends, source_port, port, flags, sequence=1, acknowledged=0, data=b'', bad_checksum=False):
  segment = struct.pack('!HHIIBBHHH', source_port, port, sequence & 0xffffffff, acknowledged & 0xffffffff, 5 << 4,
                        flags, 65535, 0, 0) + data
  return ip(ends, socket.IPPROTO_TCP, _with_checksum(ends, socket.IPPROTO_TCP, 16, segment, bad_checksum))


def icmp(ends, kind, code=0, data=b'\0' * 8, bad_checksum=False):
  message = struct.pack('!BBHI', kind, code, 0, 0) + data
  if is_ipv6(ends):
    return ip(ends, socket.IPPROTO_ICMPV6, _with_checksum(ends, socket.IPPROTO_ICMPV6, 2, message, bad_checksum),
              ttl=255)
  check = checksum(message) ^ (0x5555 if bad_checksum else 0)
  return ip(ends, socket.IPPROTO_ICMP, message[:2] + struct.pack('!H', check) + message[4:])


def arp(ends, operation=1, hardware_bytes=6):
  """`hardware_bytes` other than 6 is no ARP for Ethernet."""
  body = struct.pack('!HHBBH', 1, ETH_IPV4, hardware_bytes, 4, operation)
  body += mac(ends.source_mac) + address(ends.source) + mac(ends.destination_mac) + address(ends.destination)
  return ethernet(ends, ETH_ARP, body)


def parse_tcp(frame):
  """(destination port, sequence, flags) of an IPv4 TCP frame, or None."""
  if len(frame) < ETHERNET_BYTES + IPV4_BYTES + 20 or frame[12:14] != b'\x08\0' or frame[23] != socket.IPPROTO_TCP:
    return None
  at = ETHERNET_BYTES + (frame[14] & 15) * 4
  _, port, sequence, _, _, flags = struct.unpack_from('!HHIIBB', frame, at)
  return port, sequence, flags
