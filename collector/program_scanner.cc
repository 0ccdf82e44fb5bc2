#include "collector/program_scanner.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/errno_status.h"
#include "collector/btf_names.h"
#include "collector/program_decoder.h"
#include "collector/raw_program.h"

namespace correlate {
namespace {

// One look's BTF by id: the programs of an object share one. It is a copy in our memory; libbpf
// closes the descriptor.
class BtfCache {
 public:
  const BtfNames* Get(uint32_t btf_id) {
    if (btf_id == 0) return nullptr;
    const auto [it, added] = by_id_.try_emplace(btf_id);
    if (added) it->second = LoadedBtf::FromKernel(btf_id);
    return it->second.get();
  }

 private:
  absl::flat_hash_map<uint32_t, std::unique_ptr<LoadedBtf>> by_id_;
};

absl::StatusOr<ProgramInfo> ReadProgram(uint32_t id, BtfCache& btf) {
  absl::StatusOr<RawProgramInfo> raw = ReadRawProgram(id, /*with_code=*/false);
  if (!raw.ok()) return raw.status();
  return DecodeProgram(*raw, btf.Get(raw->info.btf_id), LoadTimeToMonotonic(raw->info.load_time));
}

}  // namespace

absl::StatusOr<ProgramInfo> ReadProgram(uint32_t id) {
  BtfCache btf;
  return ReadProgram(id, btf);
}

absl::StatusOr<std::vector<ProgramInfo>> ScanPrograms() {
  std::vector<ProgramInfo> programs;
  BtfCache btf;
  for (uint32_t id = 0;;) {
    if (bpf_prog_get_next_id(id, &id) != 0) {
      const int error = errno;
      if (error == ENOENT) return programs;  // that was the last one
      return ErrnoStatus(error, "the list of BPF programs", BpfObjectAdvice(error));
    }
    absl::StatusOr<ProgramInfo> program = ReadProgram(id, btf);
    if (absl::IsNotFound(program.status())) continue;
    if (!program.ok()) return program.status();
    programs.push_back(*std::move(program));
  }
}

}  // namespace correlate
