"""Makes a seed of trace_reader_fuzz and its like of a trace, by leaving out what is there many times over:

    python3 -m tests.fuzz.trace_seeds [--hosts 2] TRACE SEED

--hosts: the same once more as of another host.
"""

import argparse
import itertools
import pathlib
import struct
import subprocess

SYNC = 0x43525443b9f5d10a  # kChunkSync (proto/chunk.h)
# Fields of a Chunk and of its Payload (proto/trace.proto).
RECORDING_ID, CODEC, PAYLOAD_BYTES, PAYLOAD = 3, 5, 6, 15
RECORDING, BOOT_ID = 2, 5
MOST = {7: 3, 14: 2, 15: 4, 17: 2, 18: 1, 19: 1, 21: 3}  # programs, ..., host counters: in each chunk
MOST_LINES = 4
PROGRAM, PROGRAM_LINES, PROGRAM_NAME, IMAGE, IMAGE_LINES = 7, 14, 4, 18, 6
ZSTD = 1


def crc32c(data):
  crc = 0xffffffff
  for byte in data:
    crc ^= byte
    for _ in range(8):
      crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
  return crc ^ 0xffffffff


def varint(value):
  out = b''
  while value > 127:
    out += bytes([value & 127 | 128])
    value >>= 7
  return out + bytes([value])


def take_varint(data, at):
  value = 0
  for shift in itertools.count(0, 7):
    value |= (data[at] & 127) << shift
    at += 1
    if data[at - 1] < 128:
      return value, at


def fields(data):
  """(number, wire type, value) of a protobuf message."""
  at = 0
  while at < len(data):
    tag, at = take_varint(data, at)
    if tag & 7 == 0:
      value, at = take_varint(data, at)
    else:
      size, at = {1: (8, at), 5: (4, at)}.get(tag & 7) or take_varint(data, at)
      value = data[at:at + size]
      at += size
    yield tag >> 3, tag & 7, value


def message(entries):
  out = b''
  for number, kind, value in entries:
    out += varint(number << 3 | kind)
    out += varint(value) if kind == 0 else varint(len(value)) + value if kind == 2 else value
  return out


def at_most(entries, most):
  """The first ones of each number that has a limit."""
  seen = {}
  for entry in entries:
    seen[entry[0]] = seen.get(entry[0], 0) + 1
    if seen[entry[0]] <= most.get(entry[0], 1 << 60):
      yield entry


def fewer(payload, programs):
  for number, kind, value in at_most(
      (entry for entry in fields(payload)
       if entry[0] != PROGRAM or any(field[0] == PROGRAM_NAME and field[2] in programs for field in fields(entry[2]))), MOST):
    if number in (PROGRAM, IMAGE):
      value = message(at_most(fields(value), {PROGRAM_LINES if number == PROGRAM else IMAGE_LINES: MOST_LINES}))
    yield number, kind, value


def zstd(*options, data):
  return subprocess.run(['zstd', '-q', '-c', *options], input=data, stdout=subprocess.PIPE, check=True).stdout


def packed(chunk, payload, host):
  """With a checksum of its own; `host` is told by its id and its boot."""
  if host:
    payload = message((number, kind, message(
        (n, k, b'another boot' if n == BOOT_ID else v) for n, k, v in fields(value)) if number == RECORDING else value)
                      for number, kind, value in fields(payload))
  entries = []
  for number, kind, value in chunk:
    if number == RECORDING_ID:
      value = bytes([value[0] ^ host]) + value[1:]
    elif number == PAYLOAD_BYTES:
      value = len(payload)
    elif number == PAYLOAD:
      value = zstd('-19', data=payload)
    if number > 2:
      entries.append((number, kind, value))
  head = b'\x09' + struct.pack('<Q', SYNC)
  rest = message(entries)
  length = len(head) + 5 + len(rest)
  start = b'\x0a' + bytes(length >> 7 * i & 127 | (128 if i < 4 else 0) for i in range(5)) + head + b'\x15'
  return start + struct.pack('<I', crc32c(start + rest)) + rest


def main():
  parser = argparse.ArgumentParser()
  parser.add_argument('--hosts', type=int, default=1)
  parser.add_argument('--programs', default='tc_drop,xdp_abort,tc_mirror')
  parser.add_argument('trace')
  parser.add_argument('seed')
  args = parser.parse_args()
  chunks = []
  for _, _, bytes_of_chunk in fields(pathlib.Path(args.trace).read_bytes()):
    chunk = list(fields(bytes_of_chunk))
    values = {number: value for number, _, value in chunk}
    payload = zstd('-d', data=values[PAYLOAD]) if values.get(CODEC) == ZSTD else values[PAYLOAD]
    chunks.append((chunk, message(fewer(payload, args.programs.encode().split(b',')))))
  pathlib.Path(args.seed).write_bytes(b''.join(packed(*chunk, host) for host in range(args.hosts) for chunk in chunks))


if __name__ == '__main__':
  main()
