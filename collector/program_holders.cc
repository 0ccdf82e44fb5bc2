#include "collector/program_holders.h"

#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/types/span.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "collector/bpf_iterator.h"
#include "collector/bpf_loading.h"
#include "collector/holders.skel.h"
#include "collector/program_holders_record.h"

namespace correlate {

void ProgramHolders::Destroy::operator()(holders_bpf* skeleton) const {
  holders_bpf::destroy(skeleton);
}

ProgramHolders::~ProgramHolders() = default;

absl::StatusOr<std::unique_ptr<ProgramHolders>> ProgramHolders::Load() {
  QuietenLibbpf();
  std::unique_ptr<ProgramHolders> holders(new ProgramHolders);
  holders->skeleton_.reset(holders_bpf::open_and_load());
  holders_bpf* skeleton = holders->skeleton_.get();
  if (skeleton == nullptr) return IteratorStatus(errno, "BPF iterator over programs", "Linux 5.9");
  if (const int error = holders_bpf::attach(skeleton); error != 0) {
    return ErrnoStatus(-error, "attaching the BPF iterator over programs");
  }
  holders->program_id_ = ProgramIdOf(bpf_program__fd(skeleton->progs.list_holders));
  return holders;
}

absl::StatusOr<std::map<uint32_t, int32_t>> ProgramHolders::Read() const {
  ASSIGN_OR_RETURN(const std::vector<char> bytes,
                   ReadBpfIterator(bpf_link__fd(skeleton_->links.list_holders)));
  std::map<uint32_t, int32_t> holders;
  for (absl::Span<const char> rest = bytes; rest.size() >= sizeof(program_holders_record);
       rest.remove_prefix(sizeof(program_holders_record))) {
    program_holders_record record;
    std::memcpy(&record, rest.data(), sizeof record);
    holders[record.program_id] = record.holders;
  }
  return holders;
}

}  // namespace correlate
