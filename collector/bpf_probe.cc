#include "collector/bpf_probe.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/scoped_fd.h"
#include "collector/kernel_btf.h"

namespace correlate {
namespace {

constexpr char kKernelBtf[] = "/sys/kernel/btf/vmlinux";

// The kernel calls it for BPF_PROG_TEST_RUN of fentry programs and never else (net/bpf/test_run.c),
// so that even attached a probe does not run.
constexpr char kIdleFunction[] = "bpf_fentry_test1";

absl::string_view Advice(int error) {
  return error == EPERM || error == EACCES
             ? "it needs CAP_BPF and CAP_PERFMON, or root; where root is refused too, the kernel "
               "or a security module forbids it"
             : "";
}

// `return 0;`
absl::Status Load(const std::string& what, bpf_prog_type type, bpf_attach_type attach_type,
                  int btf_id, ScopedFd* program) {
  const bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
                           {.code = BPF_JMP | BPF_EXIT}};
  LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = attach_type,
              .attach_btf_id = static_cast<uint32_t>(btf_id));
  *program = ScopedFd(
      bpf_prog_load(type, "correlate_probe", "Dual BSD/GPL", code, std::size(code), &options));
  if (!program->valid()) {
    const int error = errno;
    return ErrnoStatus(error, what, Advice(error));
  }
  return absl::OkStatus();
}

absl::Status ProbeTracing(const btf* kernel) {
  const char kWhat[] = "loading a BPF program for a tracepoint with types (tp_btf)";
  const int id = btf__find_by_name_kind(kernel, "btf_trace_kfree_skb", BTF_KIND_TYPEDEF);
  if (id <= 0) {
    return absl::NotFoundError(
        absl::StrCat(kWhat, ": the kernel's BTF does not describe skb:kfree_skb"));
  }
  ScopedFd program;
  return Load(kWhat, BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, id, &program);
}

absl::Status ProbeTrampoline(const btf* kernel) {
  const char kWhat[] = "attaching a BPF program to a kernel function (fentry)";
  const int id = btf__find_by_name_kind(kernel, kIdleFunction, BTF_KIND_FUNC);
  if (id <= 0) {
    return absl::NotFoundError(
        absl::StrCat(kWhat, ": the kernel's BTF does not describe ", kIdleFunction));
  }
  ScopedFd program;
  if (absl::Status status = Load(kWhat, BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, id, &program);
      !status.ok()) {
    return status;
  }
  const ScopedFd link(bpf_raw_tracepoint_open(nullptr, program.get()));
  if (!link.valid()) {
    const int error = errno;
    return ErrnoStatus(error, kWhat, Advice(error));
  }
  return absl::OkStatus();
}

}  // namespace

BpfProbes ProbeBpf() {
  BpfProbes probes;
  ScopedFd program;
  probes.raw_tracepoint_program =
      Load("loading a BPF program for a tracepoint (raw_tp)", BPF_PROG_TYPE_RAW_TRACEPOINT,
           static_cast<bpf_attach_type>(0), 0, &program);
  // Asked first, because libbpf complains on stderr.
  const ScopedBtf kernel(access(kKernelBtf, R_OK) == 0 ? btf__load_vmlinux_btf() : nullptr);
  if (kernel == nullptr) {
    probes.tracing_program = probes.trampoline = absl::FailedPreconditionError(
        absl::StrCat(kKernelBtf,
                     ": not there or not readable: the kernel was built without its own types "
                     "(CONFIG_DEBUG_INFO_BTF)"));
    return probes;
  }
  probes.tracing_program = ProbeTracing(kernel.get());
  probes.trampoline = ProbeTrampoline(kernel.get());
  return probes;
}

}  // namespace correlate
