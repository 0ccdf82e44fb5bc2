"""Makes the seeds of perf_data_fuzz of a file that `perf record` wrote beside a demo, with -g and without --no-bpf-event:

    perf record -a -g --kernel-callchains -e xdp:xdp_exception -e skb:kfree_skb -B -k CLOCK_MONOTONIC -o demo.data -- \
        bpftrace-correlate demo
    python3 -m tests.fuzz.perf_data_seeds demo.data tests/fuzz/corpus/perf_data_fuzz

A few records of each kind and one program are kept: as perf writes them to a file, to a pipe and compressed, and as a machine of
the other byte order does.
"""

import collections
import pathlib
import struct
import subprocess
import sys

from tests.integration import perf_data_file
from tests.integration import perf_data_swap

SAMPLE, MMAP, KSYMBOL = 9, 1, 17
FIRST_OF_PERF = 64  # its own records, not the kernel's
HEADER_ATTR, TRACING_DATA_RECORD, FINISHED_ROUND, HEADER_FEATURE, COMPRESSED = 64, 66, 68, 80, 81
TRACING_DATA, BPF_PROGRAMS, BPF_BTF = 1, 25, 26
FEATURES = (TRACING_DATA, 3, 4, 5, 6, 7, 10, 11, 23, 29)
MOST_SAMPLES, MOST_OTHERS = 8, 3
# In struct bpf_prog_info (include/uapi/linux/bpf.h).
NAME, BTF_ID = 64, 128
ON_CALLCHAINS = b'tc_mirror\0'


def one_program(programs, btfs):
  """The one of which callchains have frames, and its types, as the features tell them."""
  infos, at = [], 4
  for _ in range(struct.unpack_from('<I', programs)[0]):
    info_bytes, data_bytes = struct.unpack_from('<II', programs, at)
    infos.append(programs[at:at + 16 + info_bytes + data_bytes])
    at += 16 + info_bytes + data_bytes
  info = next(info for info in infos if info[16 + NAME:].startswith(ON_CALLCHAINS))
  wanted, = struct.unpack_from('<I', info, 16 + BTF_ID)
  at = 4
  for _ in range(struct.unpack_from('<I', btfs)[0]):
    btf_id, size = struct.unpack_from('<II', btfs, at)
    if btf_id == wanted:
      return struct.pack('<I', 1) + info, struct.pack('<I', 1) + btfs[at:at + 8 + size]
    at += 8 + size
  raise SystemExit('the program has no BTF in the file')


def few(whole):
  counts = collections.Counter()
  records = []
  for kind, misc, body in whole.records:
    if FIRST_OF_PERF <= kind != FINISHED_ROUND:
      continue
    # Samples of every kind: their lengths differ with their callchains.
    of = (kind, len(body)) if kind == SAMPLE else kind
    counts[of] += 1
    samples = sum(count for key, count in counts.items() if isinstance(key, tuple))
    if counts[of] <= (1 if kind == SAMPLE else MOST_OTHERS) and samples <= MOST_SAMPLES:
      records.append((kind, misc, body))
  features = {bit: whole.features[bit] for bit in FEATURES if bit in whole.features}
  features[BPF_PROGRAMS], features[BPF_BTF] = one_program(whole.features[BPF_PROGRAMS], whole.features[BPF_BTF])
  return perf_data_file.PerfData(whole.attrs, records, features)


def record(kind, misc, body):
  return struct.pack('<IHH', kind, misc, 8 + len(body)) + body


def piped(data):
  out = b'PERFILE2' + struct.pack('<Q', 16)
  for attr, ids in data.attrs:
    out += record(HEADER_ATTR, 0, attr + struct.pack(f'<{len(ids)}Q', *ids))
  for bit, content in data.features.items():
    if bit != TRACING_DATA:
      out += record(HEADER_FEATURE, 0, struct.pack('<Q', bit) + content)
  formats = data.features[TRACING_DATA]
  out += record(TRACING_DATA_RECORD, 0, struct.pack('<I', len(formats))) + formats + b'\0' * (-len(formats) % 8)
  return out + b''.join(record(*one) for one in data.records)


def compressed(data):
  kernels = b''.join(record(*one) for one in data.records)
  packed = subprocess.run(['zstd', '-q', '-19'], input=kernels, stdout=subprocess.PIPE, check=True).stdout
  return perf_data_file.pack(data._replace(records=[(COMPRESSED, 0, packed)]))


def main():
  source, folder = sys.argv[1], pathlib.Path(sys.argv[2])
  data = few(perf_data_file.parse(pathlib.Path(source).read_bytes()))
  for name, content in (('drops', perf_data_file.pack(data)), ('piped', piped(data)), ('compressed', compressed(data)),
                        ('other_byte_order', perf_data_swap.swapped(perf_data_file.pack(data)))):
    (folder / name).write_bytes(content)


if __name__ == '__main__':
  main()
