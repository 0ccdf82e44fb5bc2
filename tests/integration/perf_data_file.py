"""A perf.data file (file mode) taken apart, and put together again, in either byte order.

Layout: tools/perf/Documentation/perf.data-file-format.txt, include/uapi/linux/perf_event.h.
"""

import collections
import struct

# attrs: (perf_event_attr, the ids of its events); records: (type, misc, body); features: by bit. All bytes are as they stand.
PerfData = collections.namedtuple('PerfData', 'attrs records features')


def _header(data):
  magic, size, attr_size, attrs_at, attrs_bytes, data_at, data_bytes = struct.unpack_from('<8sQQQQQQ', data)
  assert magic == b'PERFILE2' and size > 16
  return attr_size, attrs_at, attrs_bytes, data_at, data_bytes


def records(data):
  """One after the other: (type, misc, body)."""
  _, _, _, at, data_bytes = _header(data)
  end = at + data_bytes
  while at < end:
    kind, misc, length = struct.unpack_from('<IHH', data, at)
    yield kind, misc, data[at + 8:at + length]
    at += length


def parse(data):
  """Of a file of this host."""
  attr_size, attrs_at, attrs_bytes, data_at, data_bytes = _header(data)
  bits = struct.unpack_from('<4Q', data, 72)
  features = {}
  at = data_at + data_bytes
  for bit in range(256):
    if bits[bit // 64] >> bit % 64 & 1:
      offset, length = struct.unpack_from('<QQ', data, at)
      features[bit] = data[offset:offset + length]
      at += 16
  attrs = []
  for entry_at in range(attrs_at, attrs_at + attrs_bytes, attr_size):
    ids_at, ids_bytes = struct.unpack_from('<QQ', data, entry_at + attr_size - 16)
    attrs.append((data[entry_at:entry_at + attr_size - 16], struct.unpack_from(f'<{ids_bytes // 8}Q', data, ids_at)))
  return PerfData(attrs, list(records(data)), features)


def pack(perf_data, order='<'):
  out = bytearray(b'\0' * 104)
  sections = []
  for _, ids in perf_data.attrs:
    sections.append((len(out), 8 * len(ids)))
    out += struct.pack(f'{order}{len(ids)}Q', *ids)
  attrs_at = len(out)
  for (attr, _), section in zip(perf_data.attrs, sections):
    out += attr + struct.pack(f'{order}QQ', *section)
  attrs_bytes = len(out) - attrs_at
  data_at = len(out)
  for kind, misc, body in perf_data.records:
    out += struct.pack(f'{order}IHH', kind, misc, 8 + len(body)) + body
  data_bytes = len(out) - data_at
  table_at = len(out)
  out += b'\0' * 16 * len(perf_data.features)
  words = [0] * 4
  for place, bit in enumerate(sorted(perf_data.features)):
    content = perf_data.features[bit]
    struct.pack_into(f'{order}QQ', out, table_at + 16 * place, len(out), len(content))
    out += content
    words[bit // 64] |= 1 << bit % 64
  magic = b'PERFILE2' if order == '<' else b'PERFILE2'[::-1]
  struct.pack_into(f'{order}8sQQQQQQQQ4Q', out, 0, magic, 104, len(perf_data.attrs[0][0]) + 16, attrs_at, attrs_bytes, data_at,
                   data_bytes, 0, 0, *words)
  return bytes(out)
