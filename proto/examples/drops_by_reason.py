#!/usr/bin/python3
"""Lists the drops of a trace by reason: an example of reading a trace with nothing but the schema and zstd.

usage: drops_by_reason.py TRACE

Needs trace_pb2.py beside it or on PYTHONPATH (protoc --python_out=. trace.proto) and the Python module zstandard.
"""

import collections
import struct
import sys

import trace_pb2
import zstandard

ZSTD = zstandard.ZstdDecompressor()


def payloads(path):
  """The trace is one message Trace; this reads it whole. FORMAT.md says how to read it in pieces."""
  trace = trace_pb2.Trace()
  with open(path, 'rb') as file:
    trace.ParseFromString(file.read())
  for chunk in trace.chunk:
    data = chunk.payload
    if chunk.codec == trace_pb2.CODEC_ZSTD:
      data = ZSTD.decompress(data, max_output_size=chunk.payload_bytes)
    yield chunk.recording_id, trace_pb2.Payload.FromString(data)


def events(payload):
  """(shape, time in ns, raw) of each event. Packets are left out here."""
  columns = payload.events
  masks, words, time_ns = iter(columns.raw_masks), iter(columns.raw_words), 0
  for number, delta in zip(columns.shape, columns.time_deltas):
    shape = columns.shapes[number]
    time_ns += delta
    raw = bytearray(shape.raw)
    if raw:
      mask = next(masks)
      raw += bytes(-len(raw) % 8)
      for word in range(64):
        if mask >> word & 1:
          value, = struct.unpack_from('<Q', raw, 8 * word)
          struct.pack_into('<Q', raw, 8 * word, value ^ next(words))
    yield shape, time_ns, bytes(raw[:len(shape.raw)])


def main():
  formats = {}  # by recording and id: the field `reason` of skb:kfree_skb, with its names
  drops = collections.Counter()
  for recording, payload in payloads(sys.argv[1]):
    for layout in payload.formats:
      if (layout.system, layout.name) == (b'skb', b'kfree_skb'):
        for field in layout.fields:
          if field.name == b'reason':
            formats[recording, layout.id] = field.offset, {name.value: name.name.decode() for name in field.names}
    for shape, _, raw in events(payload):
      if (recording, shape.format) in formats:
        offset, names = formats[recording, shape.format]
        number, = struct.unpack_from('<I', raw, offset)
        drops[names.get(number, str(number))] += 1
  for reason, count in drops.most_common():
    print(f'{count}\t{reason}')


if __name__ == '__main__':
  main()
