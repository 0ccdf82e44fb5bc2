"""bpf_links by bpf(2), which bpftool 7.5 can only list: made, updated, detached. A link lives as long as its descriptor.
"""

import ctypes
import os
import struct

_SYS_BPF = {'x86_64': 321, 'aarch64': 280}[os.uname().machine]
_BPF_OBJ_GET, _BPF_PROG_GET_FD_BY_ID, _BPF_OBJ_GET_INFO_BY_FD = 7, 13, 15
_NR_JITED_KSYMS, _JITED_KSYMS = 104, 112  # offsets in struct bpf_prog_info (linux/bpf.h)
_BPF_LINK_CREATE, _BPF_LINK_UPDATE, _BPF_LINK_DETACH = 28, 29, 34
XDP, CGROUP_INET_EGRESS, TCX_INGRESS, TCX_EGRESS = 37, 1, 46, 47  # enum bpf_attach_type
XDP_FLAGS_SKB_MODE, XDP_FLAGS_DRV_MODE = 2, 4

_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command, attributes):
  buffer = ctypes.create_string_buffer(attributes, 128)
  result = _libc.syscall(_SYS_BPF, command, buffer, len(buffer))
  if result < 0:
    error = ctypes.get_errno()
    raise OSError(error, f'bpf command {command}: {os.strerror(error)}')
  return result


def open_pinned(path):
  """A descriptor of a pinned object."""
  name = ctypes.create_string_buffer(os.fsencode(path))
  return _bpf(_BPF_OBJ_GET, struct.pack('QII', ctypes.addressof(name), 0, 0))


def program_exists(number):
  """Whether a program of that id is loaded."""
  try:
    os.close(_bpf(_BPF_PROG_GET_FD_BY_ID, struct.pack('III', number, 0, 0)))
  except FileNotFoundError:
    return False
  return True


def jited_address(pin):
  """Where a pinned program's main function stands: bpf_prog_info.jited_ksyms."""
  program = open_pinned(pin)
  try:
    ksyms = ctypes.create_string_buffer(8)
    info = bytearray(256)
    struct.pack_into('<I', info, _NR_JITED_KSYMS, 1)
    struct.pack_into('<Q', info, _JITED_KSYMS, ctypes.addressof(ksyms))
    buffer = ctypes.create_string_buffer(bytes(info), len(info))
    _bpf(_BPF_OBJ_GET_INFO_BY_FD, struct.pack('IIQ', program, len(info), ctypes.addressof(buffer)))
    return struct.unpack('<Q', ksyms.raw)[0]
  finally:
    os.close(program)


class Link:
  """`target`: a device's number in the caller's network namespace, or the descriptor of a cgroup."""

  def __init__(self, pin, target, attach_type, flags=0):
    program = open_pinned(pin)
    try:
      self.fd = _bpf(_BPF_LINK_CREATE, struct.pack('IIII', program, target, attach_type, flags))
    finally:
      os.close(program)
    with open(f'/proc/self/fdinfo/{self.fd}') as info:
      self.id = int(next(line.split()[1] for line in info if line.startswith('link_id:')))

  def update(self, pin):
    program = open_pinned(pin)
    try:
      _bpf(_BPF_LINK_UPDATE, struct.pack('IIII', self.fd, program, 0, 0))
    finally:
      os.close(program)

  def detach(self):
    """The link stays, and holds the program no more where it was."""
    _bpf(_BPF_LINK_DETACH, struct.pack('I', self.fd))

  def close(self):
    if self.fd >= 0:
      os.close(self.fd)
    self.fd = -1
