"""A perf.data file (file mode) as a machine of the other byte order would have written it. Only what `import` reads is kept of
the header's features.
"""

import re
import struct

from tests.integration import perf_data_file

SAMPLE_IP, SAMPLE_TID, SAMPLE_TIME, SAMPLE_ADDR, SAMPLE_READ, SAMPLE_CALLCHAIN, SAMPLE_ID, SAMPLE_CPU = (
    1, 2, 4, 8, 16, 32, 64, 128)
SAMPLE_PERIOD, SAMPLE_STREAM_ID, SAMPLE_RAW, SAMPLE_IDENTIFIER = 256, 512, 1024, 1 << 16
TRACING_DATA, HOSTNAME, OSRELEASE, VERSION, ARCH = 1, 3, 4, 5, 6
# Of the record types that end in a sample_id: the body in front of it, a rest that is left as it is.
BODIES = {1: 'IIQQQ', 2: 'QQ', 3: 'II', 4: 'IIIIQ', 7: 'IIIIQ', 13: 'Q', 17: 'QIHH', 18: 'HHI'}


def convert(data, layout):
  """The values of `layout` at the front turned, the rest as it is."""
  size = struct.calcsize('<' + layout)
  if len(data) < size:
    return data
  return struct.pack('>' + layout, *struct.unpack_from('<' + layout, data)) + data[size:]


def turn_attr(attr):
  flags = bytes(int(f'{byte:08b}'[::-1], 2) for byte in attr[40:48])
  head = convert(attr[:40], 'IIQQQQ')
  layouts = 'IIQQQQIiQIHHIIQ'
  rest = attr[48:]
  for end in range(len(layouts), 0, -1):
    if struct.calcsize('<' + layouts[:end]) <= len(rest):
      return head + flags + convert(rest, layouts[:end])
  return head + flags + rest


def turn_sample_id(data, sample_type):
  layout = ''
  for bit, field in ((SAMPLE_TID, 'II'), (SAMPLE_TIME, 'Q'), (SAMPLE_ID, 'Q'), (SAMPLE_STREAM_ID, 'Q'),
                     (SAMPLE_CPU, 'II'), (SAMPLE_IDENTIFIER, 'Q')):
    layout += field if sample_type & bit else ''
  return layout, convert(data, layout)


def sample_id_at(kind, body, sample_id_bytes):
  """At the end, but for KSYMBOL and BPF_EVENT, behind which the kernel may leave bytes that mean nothing (docs/kernel.md)."""
  if kind == 17:
    return 16 + (body.index(b'\0', 16) + 1 - 16 + 7) // 8 * 8  # behind the padded name
  return 16 if kind == 18 else len(body) - sample_id_bytes


def turn_raw(raw, fields):
  raw = bytearray(raw)
  for offset, size in fields:
    if offset + size <= len(raw):
      raw[offset:offset + size] = raw[offset:offset + size][::-1]
  return bytes(raw)


def turn_sample(body, sample_type, fields_by_tracepoint):
  layout = ''
  for bit, field in ((SAMPLE_IDENTIFIER, 'Q'), (SAMPLE_IP, 'Q'), (SAMPLE_TID, 'II'), (SAMPLE_TIME, 'Q'),
                     (SAMPLE_ADDR, 'Q'), (SAMPLE_ID, 'Q'), (SAMPLE_STREAM_ID, 'Q'), (SAMPLE_CPU, 'II'),
                     (SAMPLE_PERIOD, 'Q')):
    layout += field if sample_type & bit else ''
  at = struct.calcsize('<' + layout)
  out = convert(body[:at], layout)
  if sample_type & SAMPLE_CALLCHAIN:
    count, = struct.unpack_from('<Q', body, at)
    out += convert(body[at:at + 8 + 8 * count], f'{count + 1}Q')
    at += 8 + 8 * count
  if sample_type & SAMPLE_RAW:
    size, = struct.unpack_from('<I', body, at)
    raw = body[at + 4:at + 4 + size]
    tracepoint, = struct.unpack_from('<H', raw)
    out += struct.pack('>I', size) + turn_raw(raw, fields_by_tracepoint.get(tracepoint, []))
    at += 4 + size
  return out + body[at:]


def turn_tracing_data(data):
  """It, and of each tracepoint where its fields are."""
  at = 10
  end = data.index(b'\0', at) + 1
  out = bytearray(data[:end])
  at = end
  out += b'\1' + data[at + 1:at + 2] + convert(data[at + 2:at + 6], 'I')  # big endian, size of long, page size
  at += 6
  for name in (b'header_page\0', b'header_event\0'):
    assert data[at:at + len(name)] == name
    at += len(name)
    size, = struct.unpack_from('<Q', data, at)
    out += name + struct.pack('>Q', size) + data[at + 8:at + 8 + size]
    at += 8 + size
  count, = struct.unpack_from('<I', data, at)
  out += struct.pack('>I', count)
  at += 4
  for _ in range(count):
    size, = struct.unpack_from('<Q', data, at)
    out += struct.pack('>Q', size) + data[at + 8:at + 8 + size]
    at += 8 + size
  systems, = struct.unpack_from('<I', data, at)
  out += struct.pack('>I', systems)
  at += 4
  fields = {}
  for _ in range(systems):
    end = data.index(b'\0', at) + 1
    out += data[at:end]
    count, = struct.unpack_from('<I', data, end)
    out += struct.pack('>I', count)
    at = end + 4
    for _ in range(count):
      size, = struct.unpack_from('<Q', data, at)
      text = data[at + 8:at + 8 + size]
      out += struct.pack('>Q', size) + text
      at += 8 + size
      number = int(re.search(rb'^ID: (\d+)', text, re.M).group(1))
      fields[number] = [(int(offset), int(width)) for offset, width in
                        re.findall(rb'offset:(\d+);\s*size:(\d+);', text)]
  # Kallsyms, printk formats and the like are empty or left as they are: nobody reads them.
  return bytes(out), fields


def swapped(data):
  native = perf_data_file.parse(data)
  tracing, fields = turn_tracing_data(native.features[TRACING_DATA])
  features = {TRACING_DATA: tracing}
  for bit in (HOSTNAME, OSRELEASE, VERSION, ARCH):
    features[bit] = convert(native.features[bit], 'I')
  sample_types = {}
  layout = 0
  for attr, ids in native.attrs:
    layout, = struct.unpack_from('<Q', attr, 24)
    sample_types.update(dict.fromkeys(ids, layout))
  records = []
  for kind, misc, body in native.records:
    if kind == 9:
      assert layout & SAMPLE_IDENTIFIER
      body = turn_sample(body, sample_types[struct.unpack_from('<Q', body)[0]], fields)
    elif kind < 64:
      fields_of_id, _ = turn_sample_id(b'', layout)
      end = sample_id_at(kind, body, struct.calcsize('<' + fields_of_id))
      body = convert(body[:end], BODIES.get(kind, '')) + turn_sample_id(body[end:], layout)[1]
    records.append((kind, misc, body))
  attrs = [(turn_attr(attr), ids) for attr, ids in native.attrs]
  return perf_data_file.pack(perf_data_file.PerfData(attrs, records, features), order='>')
