#include "collector/program_scanner.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/errno_status.h"
#include "collector/boot_clock.h"
#include "collector/host_facts.h"
#include "collector/kernel_btf.h"
#include "collector/program_decoder.h"
#include "collector/raw_program.h"

namespace correlate {
namespace {

class KernelBtf : public BtfNames {
 public:
  explicit KernelBtf(btf* handle) : btf_(handle) {}

  std::string TypeName(uint32_t type_id) const override {
    const btf_type* type = btf__type_by_id(btf_.get(), type_id);
    return type != nullptr ? String(type->name_off) : "";
  }
  std::string String(uint32_t offset) const override {
    const char* text = btf__str_by_offset(btf_.get(), offset);
    return text != nullptr ? text : "";
  }

 private:
  ScopedBtf btf_;
};

// One look's BTF by id: the programs of an object share one. It is a copy in our memory; libbpf
// closes the descriptor.
class BtfCache {
 public:
  const BtfNames* Get(uint32_t btf_id) {
    if (btf_id == 0) return nullptr;
    const auto [it, added] = by_id_.try_emplace(btf_id);
    if (added) {
      if (btf* handle = btf__load_from_kernel_by_id(btf_id)) {
        it->second = std::make_unique<KernelBtf>(handle);
      }
    }
    return it->second.get();
  }

 private:
  absl::flat_hash_map<uint32_t, std::unique_ptr<KernelBtf>> by_id_;
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
