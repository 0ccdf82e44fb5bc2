#include "collector/raw_program.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <cstring>
#include <mutex>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/errno_status.h"
#include "base/files.h"
#include "base/scoped_fd.h"
#include "collector/boot_clock.h"
#include "collector/host_facts.h"

namespace correlate {

absl::string_view BpfObjectAdvice(int error) {
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

uint64_t LoadTimeToMonotonic(uint64_t boottime_ns) {
  static std::mutex mutex;  // Abseil's ends the process where there is no memory for its first use
  static BootClock& clock = *new BootClock;
  const std::lock_guard<std::mutex> lock(mutex);
  clock.Observe(ReadClocks());
  return clock.ToMonotonic(boottime_ns);
}

BpfFdInfo ReadBpfFdInfo(int fd) {
  BpfFdInfo told;
  const auto info = ReadFile(absl::StrCat("/proc/self/fdinfo/", fd));
  if (!info.ok()) return told;
  for (const absl::string_view line : absl::StrSplit(*info, '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    uint64_t value = 0;
    if (!absl::SimpleAtoi(parts.second, &value)) continue;
    if (parts.first == "memlock") told.memlock_bytes = value;
    if (parts.first == "frozen") told.frozen = value != 0;
  }
  return told;
}

namespace {

absl::StatusOr<RawProgramInfo> ReadOpen(int fd, uint32_t id, bool with_code) {
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
    return ErrnoStatus(-error, absl::StrCat("BPF program ", id), BpfObjectAdvice(-error));
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
  if (with_code) {
    raw.xlated.resize(counts.xlated_prog_len);
    raw.jited.resize(counts.jited_prog_len);
    info.xlated_prog_len = counts.xlated_prog_len;
    info.xlated_prog_insns = address(raw.xlated);
    info.jited_prog_len = counts.jited_prog_len;
    info.jited_prog_insns = address(raw.jited);
  }
  if (const int error = get_info(info); error < 0) {
    return ErrnoStatus(-error, absl::StrCat("BPF program ", id), BpfObjectAdvice(-error));
  }
  // The kernel gives the whole count back even where it filled in less; it never fills in more than
  // asked for. What it did not touch stays 0, which is how "unknown" is spelled for addresses.
  if (info.nr_map_ids < raw.map_ids.size()) raw.map_ids.resize(info.nr_map_ids);
  // 0 and no pointer: hidden from us (bpf_dump_raw_ok).
  if (with_code && info.xlated_prog_insns == 0) raw.xlated.clear();
  if (with_code && info.jited_prog_insns == 0) raw.jited.clear();
  raw.memlock_bytes = ReadBpfFdInfo(fd).memlock_bytes;
  return raw;
}

}  // namespace

absl::StatusOr<RawProgramInfo> ReadRawProgram(uint32_t id, bool with_code) {
  const ScopedFd fd(bpf_prog_get_fd_by_id(id));
  if (!fd.valid()) {
    const int error = errno;
    if (error == ENOENT) {
      return absl::NotFoundError(absl::StrCat("BPF program ", id, ": it is not loaded"));
    }
    return ErrnoStatus(error, absl::StrCat("BPF program ", id), BpfObjectAdvice(error));
  }
  return ReadOpen(fd.get(), id, with_code);
}

}  // namespace correlate
