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
#include "base/scoped_fd.h"
#include "collector/boot_clock.h"
#include "collector/host_facts.h"
#include "collector/kernel_btf.h"
#include "collector/program_decoder.h"

namespace correlate {
namespace {

absl::string_view Advice(int error) {
  switch (error) {
    case EPERM:
    case EACCES:
      return "looking at BPF programs by id needs CAP_SYS_ADMIN: run as root";
    case ENOSYS:
      return "this kernel was built without bpf(2) (CONFIG_BPF_SYSCALL)";
    default:
      return "";
  }
}

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

uint64_t LoadTimeToMonotonic(uint64_t boottime_ns) {
  static absl::Mutex mutex(absl::kConstInit);
  static BootClock& clock = *new BootClock;
  absl::MutexLock lock(&mutex);
  clock.Observe(ReadClocks());
  return clock.ToMonotonic(boottime_ns);
}

absl::StatusOr<RawProgramInfo> ReadRaw(int fd, uint32_t id) {
  const auto get_info = [fd](bpf_prog_info& info) {
    uint32_t bytes = sizeof info;
    return bpf_prog_get_info_by_fd(fd, &info, &bytes);
  };
  // First the counts, then the arrays. The program is open, so nothing of it but its maps changes.
  // memset, for the padding too: the kernel refuses a struct with bytes set that it does not know,
  // and `= {}` may leave padding as it was.
  bpf_prog_info counts;
  std::memset(&counts, 0, sizeof counts);
  if (const int error = get_info(counts); error < 0) {
    return ErrnoStatus(-error, absl::StrCat("BPF program ", id), Advice(-error));
  }
  RawProgramInfo raw;
  bpf_prog_info& info = raw.info;
  std::memset(&info, 0, sizeof info);
  const auto address = [](const auto& vector) { return reinterpret_cast<uint64_t>(vector.data()); };

  raw.jited_ksyms.resize(counts.nr_jited_ksyms);
  raw.jited_func_lens.resize(counts.nr_jited_func_lens);
  raw.prog_tags.resize(counts.nr_prog_tags);
  raw.map_ids.resize(counts.nr_map_ids);
  raw.func_info.resize(size_t{counts.nr_func_info} * counts.func_info_rec_size);
  raw.line_info.resize(size_t{counts.nr_line_info} * counts.line_info_rec_size);
  if (counts.jited_line_info_rec_size == sizeof(uint64_t)) {
    raw.jited_line_info.resize(counts.nr_jited_line_info);
  }
  info.nr_jited_ksyms = counts.nr_jited_ksyms;
  info.jited_ksyms = address(raw.jited_ksyms);
  info.nr_jited_func_lens = counts.nr_jited_func_lens;
  info.jited_func_lens = address(raw.jited_func_lens);
  info.nr_prog_tags = counts.nr_prog_tags;
  info.prog_tags = address(raw.prog_tags);
  info.nr_map_ids = counts.nr_map_ids;
  info.map_ids = address(raw.map_ids);
  info.nr_func_info = counts.nr_func_info;
  info.func_info_rec_size = counts.func_info_rec_size;
  info.func_info = address(raw.func_info);
  info.nr_line_info = counts.nr_line_info;
  info.line_info_rec_size = counts.line_info_rec_size;
  info.line_info = address(raw.line_info);
  info.nr_jited_line_info = static_cast<uint32_t>(raw.jited_line_info.size());
  info.jited_line_info_rec_size = counts.jited_line_info_rec_size;
  info.jited_line_info = address(raw.jited_line_info);
  if (const int error = get_info(info); error < 0) {
    return ErrnoStatus(-error, absl::StrCat("BPF program ", id), Advice(-error));
  }
  // The kernel gives the whole count back even where it filled in less; it never fills in more than
  // asked for. What it did not touch stays 0, which is how "unknown" is spelled for addresses.
  if (info.nr_map_ids < raw.map_ids.size()) raw.map_ids.resize(info.nr_map_ids);
  return raw;
}

absl::StatusOr<ProgramInfo> ReadProgram(uint32_t id, BtfCache& btf) {
  const ScopedFd fd(bpf_prog_get_fd_by_id(id));
  if (!fd.valid()) {
    const int error = errno;
    if (error == ENOENT) {
      return absl::NotFoundError(absl::StrCat("BPF program ", id, ": it is not loaded"));
    }
    return ErrnoStatus(error, absl::StrCat("BPF program ", id), Advice(error));
  }
  absl::StatusOr<RawProgramInfo> raw = ReadRaw(fd.get(), id);
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
      return ErrnoStatus(error, "the list of BPF programs", Advice(error));
    }
    absl::StatusOr<ProgramInfo> program = ReadProgram(id, btf);
    if (absl::IsNotFound(program.status())) continue;
    if (!program.ok()) return program.status();
    programs.push_back(*std::move(program));
  }
}

}  // namespace correlate
