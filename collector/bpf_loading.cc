#include "collector/bpf_loading.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "collector/drop_kind.h"
#include "collector/host_facts.h"

namespace correlate {
namespace {

// Arguments of a tracepoint as its BTF prototype has them, the hidden first one aside; 0: unknown.
uint32_t TracepointArguments(const btf* kernel, const char* typedef_name) {
  const int id = btf__find_by_name_kind(kernel, typedef_name, BTF_KIND_TYPEDEF);
  if (id < 0) return 0;
  const btf_type* type = btf__type_by_id(kernel, btf__type_by_id(kernel, id)->type);  // a pointer
  if (type == nullptr || !btf_is_ptr(type)) return 0;
  type = btf__type_by_id(kernel, type->type);
  if (type == nullptr || !btf_is_func_proto(type) || btf_vlen(type) == 0) return 0;
  return btf_vlen(type) - 1u;
}

thread_local LibbpfLog* log_in_hand = nullptr;

int Keep(libbpf_print_level level, const char* format, va_list arguments) {
  if (log_in_hand != nullptr && level != LIBBPF_DEBUG) log_in_hand->Append(format, arguments);
  return 0;
}

}  // namespace

void QuietenLibbpf() { libbpf_set_print(Keep); }

LibbpfLog::LibbpfLog() {
  QuietenLibbpf();
  log_in_hand = this;
}

LibbpfLog::~LibbpfLog() { log_in_hand = nullptr; }

void LibbpfLog::Append(const char* format, va_list arguments) {
  constexpr size_t kMostBytes = 16 << 20;  // the verifier's words may be as many
  va_list again;
  va_copy(again, arguments);
  const int bytes = std::vsnprintf(nullptr, 0, format, again);
  va_end(again);
  if (bytes <= 0 || text_.size() + static_cast<size_t>(bytes) > kMostBytes) return;
  const size_t before = text_.size();
  text_.resize(before + static_cast<size_t>(bytes) + 1);  // with its NUL
  std::vsnprintf(&text_[before], static_cast<size_t>(bytes) + 1, format, arguments);
  text_.pop_back();
}

uint32_t CompanionNumber(absl::string_view event) {
  return event == kDropEvent ? COMPANION_DROP : COMPANION_EXCEPTION;
}

absl::string_view LoadingAdvice(int error) {
  // Helpers that read the kernel's memory are unknown there (kernel/trace/bpf_trace.c).
  if ((error == EPERM || error == EACCES || error == EINVAL) && IsLockedDown()) {
    return "the kernel is locked down (confidentiality): no BPF program may read its memory";
  }
  if (error == EPERM || error == EACCES) return "it needs CAP_BPF and CAP_PERFMON, or root";
  if (error == E2BIG || error == EINVAL) return "this kernel's verifier refuses it";
  if (error == kNotSupported) return "this kernel cannot run it (net.core.bpf_jit_enable=0?)";
  return "";
}

absl::Status NoKernelBtf() {
  return absl::FailedPreconditionError(
      "the kernel has no BTF (CONFIG_DEBUG_INFO_BTF, /sys/kernel/btf/vmlinux)");
}

absl::Status IteratorStatus(int error, absl::string_view what, absl::string_view since) {
  if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) return NoKernelBtf();
  // libbpf's word for a function that is not in the kernel's BTF.
  if (error == ESRCH) {
    return absl::FailedPreconditionError(
        absl::StrCat("this kernel has no ", what, " (", since, ")"));
  }
  return ErrnoStatus(error, absl::StrCat("loading the ", what), LoadingAdvice(error));
}

absl::StatusOr<uint32_t> DropArguments(const btf* kernel) {
  const uint32_t arguments = TracepointArguments(kernel, "btf_trace_kfree_skb");
  if (arguments >= 2) return arguments;
  return absl::FailedPreconditionError("the kernel's BTF does not describe skb:kfree_skb");
}

absl::Status LearnNetnsOps(const bpf_program* learner, const void* const& netns_ops) {
  LIBBPF_OPTS(bpf_test_run_opts, run);
  if (const int error = bpf_prog_test_run_opts(bpf_program__fd(learner), &run); error < 0) {
    return ErrnoStatus(-error, "running a companion BPF program", LoadingAdvice(-error));
  }
  if (netns_ops != nullptr) return absl::OkStatus();
  return absl::InternalError("the companion BPF programs cannot tell a network namespace");
}

absl::StatusOr<bpf_prog_info> ProgramInfoOf(int program_fd) {
  bpf_prog_info info;
  std::memset(&info, 0, sizeof info);
  uint32_t bytes = sizeof info;
  if (bpf_prog_get_info_by_fd(program_fd, &info, &bytes) == 0) return info;
  return ErrnoStatus(errno, "looking at a BPF program");
}

uint32_t ProgramIdOf(int program_fd) {
  const auto info = ProgramInfoOf(program_fd);
  return info.ok() ? info->id : 0;
}

std::vector<uint32_t> LoadedProgramIds(const bpf_object* object) {
  std::vector<uint32_t> ids;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    if (bpf_program__fd(program) < 0) continue;  // was not loaded
    if (const uint32_t id = ProgramIdOf(bpf_program__fd(program)); id != 0) ids.push_back(id);
  }
  return ids;
}

uint64_t RunTimeNs(const bpf_object* object) {
  uint64_t sum = 0;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    if (bpf_program__fd(program) < 0) continue;
    const auto info = ProgramInfoOf(bpf_program__fd(program));
    if (info.ok()) sum += info->run_time_ns;
  }
  return sum;
}

absl::StatusOr<ScopedFd> EnableRunStatistics() {
  ScopedFd statistics(bpf_enable_stats(BPF_STATS_RUN_TIME));
  if (statistics.valid()) return statistics;
  const int error = errno;
  return ErrnoStatus(error, "run statistics of BPF programs", LoadingAdvice(error));
}

}  // namespace correlate
