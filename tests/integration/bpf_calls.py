"""bpf(2) called by hand, good and wrong: what no library lets one do. Layouts: union bpf_attr of linux/bpf.h."""

import ctypes
import os
import struct

_SYS_BPF = {'x86_64': 321, 'aarch64': 280}[os.uname().machine]
(MAP_CREATE, MAP_LOOKUP_ELEM, MAP_UPDATE_ELEM, MAP_DELETE_ELEM, MAP_GET_NEXT_KEY, PROG_LOAD, OBJ_PIN, OBJ_GET,
 PROG_ATTACH) = range(9)
PROG_TEST_RUN, LINK_CREATE, LINK_GET_FD_BY_ID = 10, 28, 30
HASH, ARRAY, PERCPU_ARRAY = 1, 2, 6
SOCKET_FILTER, SCHED_CLS, XDP, CGROUP_SKB = 1, 3, 6, 8
_RETURN = {n: struct.pack('<BBhi', 0xb7, 0, 0, n) + struct.pack('<BBhi', 0x95, 0, 0, 0) for n in (0, 1, 3)}  # r0 = n; exit

_libc = ctypes.CDLL(None, use_errno=True)


def call(command, attributes, size=None):
  """What the call returns: a number from 0 on, or an error below 0. `attributes`: bytes, or an address."""
  if isinstance(attributes, bytes):
    attributes = ctypes.create_string_buffer(attributes, max(len(attributes), size or 0, 128))
    size = size or len(attributes)
  result = _libc.syscall(_SYS_BPF, command, attributes, size)
  return result if result >= 0 else -ctypes.get_errno()


class Bytes:
  """Memory with an address that stays."""

  def __init__(self, data, size=0):
    self.buffer = ctypes.create_string_buffer(data, max(len(data), size))
    self.address = ctypes.addressof(self.buffer)


def map_create(kind, key_size, value_size, entries, name=b'', flags=0):
  return call(MAP_CREATE, struct.pack('<IIIIIII16s', kind, key_size, value_size, entries, flags, 0, 0, name))


def element(command, fd, key, value=0, flags=0):
  return call(command, struct.pack('<IxxxxQQQ', fd & 0xffffffff, key, value, flags))


def prog_load(kind, instructions, name=b'', expected_attach_type=0):
  code, licence = Bytes(instructions), Bytes(b'GPL\0')
  return call(PROG_LOAD, struct.pack('<IIQQIIQII16sII', kind, len(instructions) // 8, code.address, licence.address, 0, 0,
                                     0, 0, 0, name, 0, expected_attach_type))


def returns(number):
  """A program that returns 0, 1 or 3: XDP_ABORTED, XDP_DROP or XDP_TX."""
  return _RETURN[number]


def _instruction(code, to=0, source=0, offset=0, number=0):
  return struct.pack('<BBhi', code, to | source << 4, offset, number)


def prints(word, number):
  """A program that calls bpf_trace_printk("WORD %d", NUMBER) and returns 0. WORD: four letters."""
  text = (word + ' %d').encode().ljust(8, b'\0')
  load = _instruction(0x18, 1, number=struct.unpack('<i', text[:4])[0]) + _instruction(0, number=struct.unpack('<i', text[4:])[0])
  return (load + _instruction(0x7b, 10, 1, -8) +            # *(u64 *)(r10 - 8) = r1
          _instruction(0xbf, 1, 10) + _instruction(0x07, 1, number=-8) + _instruction(0xb7, 2, number=8) +
          _instruction(0xb7, 3, number=number) + _instruction(0x85, number=6) +  # call bpf_trace_printk
          _instruction(0xb7, 0) + _instruction(0x95))


def test_run(program, repeat=1):
  """A packet of 64 bytes through a program of tc."""
  data = Bytes(bytes(64))
  return call(PROG_TEST_RUN, struct.pack('<IIIIQQII', program, 0, 64, 0, data.address, 0, repeat, 0))


def live_frames(program, ifindex, frame, times):
  """Has a program of XDP see a frame so often as if it came in at a device of the caller's network namespace, 64 in a row
  (BPF_F_TEST_XDP_LIVE_FRAMES); what it sends back leaves through that device."""
  data = Bytes(frame)
  context = Bytes(struct.pack('<IIIIII', 0, len(frame), 0, ifindex, 0, 0))  # struct xdp_md
  return call(PROG_TEST_RUN, struct.pack('<IIIIQQIIIIQQIII', program, 0, len(frame), 0, data.address, 0, times, 0, 24, 0,
                                         context.address, 0, 2, 0, 0))


def obj(command, path, fd=0):
  name = Bytes(os.fsencode(path) + b'\0')
  return call(command, struct.pack('<QII', name.address, fd & 0xffffffff, 0))


def prog_attach(target, program, attach_type, flags=0):
  return call(PROG_ATTACH, struct.pack('<IIII', target, program, attach_type, flags))


def link_create(program, target, attach_type, flags=0):
  return call(LINK_CREATE, struct.pack('<IIII', program, target, attach_type, flags))
