"""Loads and attaches BPF programs within the test's own process, through Debian's libbpf: quickly enough to swap a link
every few milliseconds, with constants set before the load, and without leaving a pin that nobody needs.

Whoever holds a Loaded or a Link holds it in the kernel; close() lets go. Not for several threads at once.
"""

import ctypes
import errno
import mmap
import os
import struct

_libbpf = ctypes.CDLL('libbpf.so.1', use_errno=True)
for _name in ('bpf_object__open_file', 'bpf_object__next_map', 'bpf_object__next_program', 'bpf_object__find_map_by_name',
              'bpf_map__initial_value', 'bpf_program__attach', 'bpf_program__insns'):
  getattr(_libbpf, _name).restype = ctypes.c_void_p
for _name in ('bpf_map__name', 'bpf_program__name'):
  getattr(_libbpf, _name).restype = ctypes.c_char_p
_libbpf.bpf_program__insn_cnt.restype = ctypes.c_size_t

TCX_INGRESS, TCX_EGRESS = 46, 47  # enum bpf_attach_type
CGROUP_INGRESS, CGROUP_EGRESS = 0, 1
NETFILTER, NETKIT_PRIMARY, NETKIT_PEER = 45, 54, 55
ANY = 0  # BPF_ANY

# Offsets in struct bpf_prog_info and bpf_link_info (linux/bpf.h).
_PROG_INFO_BYTES, _LINK_INFO_BYTES = 232, 128
_ID_AT, _NR_JITED_KSYMS_AT, _JITED_KSYMS_AT = 4, 104, 112


class BpfError(OSError):
  pass


def _quiet():
  """libbpf's own words go to stderr only where a load fails."""
  lines = []
  log = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
  vsnprintf = ctypes.CDLL(None).vsnprintf
  vsnprintf.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_void_p]

  def keep(_level, text, arguments):
    buffer = ctypes.create_string_buffer(4096)
    vsnprintf(buffer, len(buffer), text, arguments)
    lines.append(buffer.value.decode(errors='replace'))
    del lines[:-60]
    return 0
  function = log(keep)
  _libbpf.libbpf_set_print(function)
  return function, lines


_log_function, _log = _quiet()  # the function must live as long as libbpf may call it


def _checked(result, what):
  """libbpf 1: -1 and errno, or -errno."""
  if result < 0:
    error = ctypes.get_errno() if result == -1 else -result
    raise BpfError(error, f'{what}: {os.strerror(error)}\n{"".join(_log)}')
  return result


def _pointer(value, what):
  if not value:
    error = ctypes.get_errno()
    raise BpfError(error, f'{what}: {os.strerror(error)}')
  return ctypes.c_void_p(value)


def _each(next_of, bpf_object):
  item = next_of(bpf_object, None)
  while item:
    yield ctypes.c_void_p(item)
    item = next_of(bpf_object, ctypes.c_void_p(item))


def info_of(fd, size, fill=b''):
  buffer = ctypes.create_string_buffer(fill.ljust(size, b'\0'), size)
  length = ctypes.c_uint32(size)
  _checked(_libbpf.bpf_obj_get_info_by_fd(fd, buffer, ctypes.byref(length)), 'info of a BPF object')
  return buffer.raw


def id_of(fd):
  return struct.unpack_from('I', info_of(fd, _PROG_INFO_BYTES), _ID_AT)[0]


def exists(program_id):
  fd = _libbpf.bpf_prog_get_fd_by_id(program_id)
  if fd < 0:
    return ctypes.get_errno() != errno.ENOENT
  os.close(fd)
  return True


class Loaded:
  """Some programs of an object file, loaded."""

  def __init__(self, path, functions, constants=None, shared_maps=None):
    """`constants`: {name: (offset, bytes)} of .rodata; `shared_maps`: fds by name, used in place of maps of its own."""
    del _log[:]
    self._object = _pointer(_libbpf.bpf_object__open_file(os.fsencode(path), None), f'open {path}')
    self._extra_fds = []
    try:
      self._load(functions, constants or {}, shared_maps or {})
    except BaseException:
      self.close()
      raise

  def _load(self, functions, constants, shared_maps):
    self._programs = {}
    for program in _each(_libbpf.bpf_object__next_program, self._object):
      name = _libbpf.bpf_program__name(program).decode()
      self._programs[name] = program
      _libbpf.bpf_program__set_autoload(program, ctypes.c_bool(name in functions))
    missing = set(functions) - set(self._programs)
    if missing:
      raise KeyError(f'no such programs: {missing}')
    for bpf_map in _each(_libbpf.bpf_object__next_map, self._object):
      name = _libbpf.bpf_map__name(bpf_map).decode()
      if name in shared_maps:
        _checked(_libbpf.bpf_map__reuse_fd(bpf_map, shared_maps[name]), f'reuse map {name}')
      elif name.endswith('.rodata'):
        length = ctypes.c_size_t()
        start = _libbpf.bpf_map__initial_value(bpf_map, ctypes.byref(length))
        for at, value in constants.values():
          assert at + len(value) <= length.value
          ctypes.memmove(start + at, value, len(value))
    _checked(_libbpf.bpf_object__load(self._object), f'load {"and ".join(functions)}')

  def fd(self, function):
    return _libbpf.bpf_program__fd(self._programs[function])

  def map_fd(self, name):
    return _libbpf.bpf_map__fd(_pointer(_libbpf.bpf_object__find_map_by_name(self._object, name.encode()), name))

  def load_again_without_btf(self, function):
    """The instructions of a loaded program as another program, of which nobody has told the kernel any type; its fd."""
    program = self._programs[function]
    fd = _checked(_libbpf.bpf_prog_load(
        _libbpf.bpf_program__type(program), function.encode()[:15], b'Dual BSD/GPL', ctypes.c_void_p(
            _libbpf.bpf_program__insns(program)), ctypes.c_size_t(_libbpf.bpf_program__insn_cnt(program)), None),
                  f'load {function} without BTF')
    self._extra_fds.append(fd)
    return fd

  def attach(self, function):
    """Where the program's section says."""
    return _LibbpfLink(_pointer(_libbpf.bpf_program__attach(self._programs[function]), f'attach {function}'))

  def close(self):
    for fd in self._extra_fds:
      os.close(fd)
    self._extra_fds = []
    if self._object:
      _libbpf.bpf_object__close(self._object)
      self._object = None


class _LibbpfLink:

  def __init__(self, pointer):
    self._pointer = pointer

  def close(self):
    if self._pointer:
      _libbpf.bpf_link__destroy(self._pointer)
      self._pointer = None


def constants_of(path):
  """Offset and size in .rodata of an object's constants, by name: what its symbol table says."""
  data = open(path, 'rb').read()
  assert data[:6] == b'\x7fELF\x02\x01', 'an ELF file of 64 bits, little-endian'
  table, = struct.unpack_from('<Q', data, 40)
  entry_bytes, entries, names = struct.unpack_from('<HHH', data, 58)
  sections = [struct.unpack_from('<IIQQQQIIQQ', data, table + i * entry_bytes) for i in range(entries)]

  def string(section, at):
    start = sections[section][4] + at
    return data[start:data.index(b'\0', start)].decode()
  rodata = next(i for i, section in enumerate(sections) if string(names, section[0]) == '.rodata')
  found = {}
  for section in sections:
    if section[1] != 2:  # SHT_SYMTAB
      continue
    for at in range(section[4], section[4] + section[5], 24):
      name, _, _, index, value, size = struct.unpack_from('<IBBHQQ', data, at)
      if index == rodata and size:
        found[string(section[6], name)] = value, size
  return found


def update(map_fd, key, value):
  """Of 32 bits each."""
  key, value = ctypes.c_uint32(key), ctypes.c_uint32(value)
  _checked(_libbpf.bpf_map_update_elem(map_fd, ctypes.byref(key), ctypes.byref(value), ctypes.c_uint64(ANY)), 'map update')


def map_memory(map_fd, size):
  """The values of an array with BPF_F_MMAPABLE."""
  return mmap.mmap(map_fd, -(-size // mmap.PAGESIZE) * mmap.PAGESIZE)


def addresses(program_fd):
  """Where the functions of a program begin."""
  count, = struct.unpack_from('I', info_of(program_fd, _PROG_INFO_BYTES), _NR_JITED_KSYMS_AT)
  found = (ctypes.c_uint64 * count)()
  ask = bytearray(_PROG_INFO_BYTES)
  struct.pack_into('I', ask, _NR_JITED_KSYMS_AT, count)
  struct.pack_into('Q', ask, _JITED_KSYMS_AT, ctypes.addressof(found))
  info_of(program_fd, _PROG_INFO_BYTES, bytes(ask))
  return list(found)


def pin(fd, path):
  _checked(_libbpf.bpf_obj_pin(fd, os.fsencode(path)), f'pin {path}')


class Link:
  """A bpf_link: it holds the attachment, and goes with us."""

  def __init__(self, fd):
    self.fd = fd
    self.id = struct.unpack_from('I', info_of(fd, _LINK_INFO_BYTES), _ID_AT)[0]

  @classmethod
  def attach(cls, program_fd, target, kind):
    """`target`: an ifindex of the thread's namespace, or the fd of a cgroup."""
    return cls(_checked(_libbpf.bpf_link_create(program_fd, target, kind, None), 'link'))

  @classmethod
  def netfilter(cls, program_fd, family, hook, priority):
    """In the thread's namespace."""
    options = struct.pack('=QIIQIIIIiI', 48, 0, 0, 0, 0, 0, family, hook, priority, 0)  # struct bpf_link_create_opts
    return cls(_checked(_libbpf.bpf_link_create(program_fd, 0, NETFILTER, options), 'netfilter link'))

  @classmethod
  def raw_tracepoint(cls, program_fd, name=None):
    """Without a name: where the program's BTF says."""
    return cls(_checked(_libbpf.bpf_raw_tracepoint_open(name and name.encode(), program_fd), f'raw tracepoint {name or ""}'))

  def replace(self, program_fd):
    _checked(_libbpf.bpf_link_update(self.fd, program_fd, None), 'link update')

  def close(self):
    if self.fd is not None:
      os.close(self.fd)
      self.fd = None
