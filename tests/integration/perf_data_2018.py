"""A perf.data file as perf and the kernel of 2018 (Linux 4.18) would have written it: nothing of BPF, none of the later record
types and features, a shorter perf_event_attr.
"""

import struct

from tests.integration import perf_data_file

ATTR_BYTES = 112             # PERF_ATTR_SIZE_VER5
KNOWN_FLAGS = (1 << 36) - 1  # ksymbol, the next one, came with 5.1
LAST_RECORD = 16             # PERF_RECORD_NAMESPACES
USER_RECORDS = range(64, 80)  # up to TIME_CONV
LAST_FEATURE = 22            # HEADER_MEM_TOPOLOGY


def as_of_2018(data):
  new = perf_data_file.parse(data)
  attrs = []
  for attr, ids in new.attrs:
    assert len(attr) > ATTR_BYTES
    attr = bytearray(attr[:ATTR_BYTES])
    struct.pack_into('<I', attr, 4, ATTR_BYTES)
    struct.pack_into('<Q', attr, 40, struct.unpack_from('<Q', attr, 40)[0] & KNOWN_FLAGS)
    attrs.append((bytes(attr), ids))
  records = [record for record in new.records if record[0] <= LAST_RECORD or record[0] in USER_RECORDS]
  features = {bit: content for bit, content in new.features.items() if bit <= LAST_FEATURE}
  assert len(records) < len(new.records) and len(features) < len(new.features)
  return perf_data_file.pack(perf_data_file.PerfData(attrs, records, features))
