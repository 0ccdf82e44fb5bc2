// From what the kernel says of one BPF program (struct bpf_prog_info and its arrays) to a
// ProgramInfo: pure, so that it is tested without a kernel.
#ifndef COLLECTOR_PROGRAM_DECODER_H_
#define COLLECTOR_PROGRAM_DECODER_H_

#include <linux/bpf.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "collector/event.h"

namespace correlate {

// The answer of BPF_OBJ_GET_INFO_BY_FD. The arrays hold what the kernel filled in; any may be
// shorter than `info` says, or empty: the kernel leaves addresses out without the right to see them
// (kernel/bpf/syscall.c, bpf_prog_get_info_by_fd, bpf_dump_raw_ok).
struct RawProgramInfo {
  bpf_prog_info info = {};
  std::vector<uint64_t> jited_ksyms;
  std::vector<uint32_t> jited_func_lens;
  std::vector<BpfTag> prog_tags;
  std::vector<uint32_t> map_ids;
  std::vector<uint8_t> func_info;  // records of info.func_info_rec_size bytes
  std::vector<uint8_t> line_info;  // records of info.line_info_rec_size bytes
  std::vector<uint64_t> jited_line_info;
  std::vector<uint8_t> xlated;  // these two only where they were asked for
  std::vector<uint8_t> jited;
  uint64_t memlock_bytes = 0;  // of fdinfo; 0: unknown
};

// Records of foreign size: newer kernels may append to them, never change what is there.
template <typename Record>
std::vector<Record> RecordsOf(const std::vector<uint8_t>& bytes, uint32_t record_bytes) {
  std::vector<Record> records;
  if (record_bytes < sizeof(Record)) return records;
  for (size_t at = 0; at + record_bytes <= bytes.size(); at += record_bytes) {
    std::memcpy(&records.emplace_back(), bytes.data() + at, sizeof(Record));
  }
  return records;
}

// The names that the program's BTF holds. Empty where it has none.
class BtfNames {
 public:
  virtual ~BtfNames() = default;
  virtual std::string TypeName(uint32_t type_id) const = 0;
  virtual std::string String(uint32_t offset) const = 0;
};

// `load_time_ns` is info.load_time on CLOCK_MONOTONIC. `names` may be null: no BTF.
ProgramInfo DecodeProgram(const RawProgramInfo& raw, const BtfNames* names, uint64_t load_time_ns);

}  // namespace correlate

#endif  // COLLECTOR_PROGRAM_DECODER_H_
