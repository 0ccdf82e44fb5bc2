#include "collector/bpf_call_tracer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "collector/bpf_calls.skel.h"
#include "collector/bpf_loading.h"
#include "collector/cpu_list.h"
#include "collector/perf_attr.h"
#include "collector/pid_namespace.h"

namespace correlate {

namespace {

// A program on a tracepoint's event runs on every CPU, whichever the event is for
// (kernel/trace/trace_syscalls.c).
absl::StatusOr<ScopedFd> OpenTracepoint(uint64_t id) {
  ASSIGN_OR_RETURN(const std::vector<uint32_t> cpus, OnlineCpus());
  const perf_event_attr attr = TracepointCountAttr(id, /*watermark_bytes=*/0);
  ScopedFd fd(static_cast<int>(syscall(SYS_perf_event_open, &attr, /*pid=*/-1,
                                       static_cast<int>(cpus.front()), /*group_fd=*/-1,
                                       PERF_FLAG_FD_CLOEXEC)));
  if (!fd.valid()) return ErrnoStatus(errno, "a perf event of bpf(2)'s tracepoint");
  return fd;
}

}  // namespace

struct BpfCallTracer::Skeleton {
  ~Skeleton() {
    links.clear();
    bpf_calls_bpf__destroy(bpf);
  }
  bpf_calls_bpf* bpf = nullptr;
  std::vector<ScopedLink> links;
};

BpfCallTracer::BpfCallTracer(std::unique_ptr<Skeleton> skeleton) : skeleton_(std::move(skeleton)) {}
BpfCallTracer::~BpfCallTracer() = default;

absl::StatusOr<std::unique_ptr<BpfCallTracer>> BpfCallTracer::Load(const Options& options) {
  const QuietLibbpf quiet;
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 0) return ErrnoStatus(-cpus, "counting this host's possible CPUs");
  auto skeleton = std::make_unique<Skeleton>();
  skeleton->bpf = bpf_calls_bpf__open();
  if (skeleton->bpf == nullptr) return ErrnoStatus(errno, "opening the BPF programs of bpf(2)");
  auto* constants = skeleton->bpf->rodata;
  constants->wanted_commands = options.commands;
  constants->own_process = static_cast<uint32_t>(getpid());
  constants->possible_cpus = static_cast<uint32_t>(cpus);
  // Eight bytes at a time are compared.
  constants->room = (std::clamp<uint32_t>(options.value_bytes, 8, BPF_CALL_MOST_BYTES) + 7) & ~7u;
  TellPidNamespace(constants);
  auto& maps = skeleton->bpf->maps;
  int error = bpf_map__set_max_entries(maps.record_rings, static_cast<uint32_t>(cpus));
  // struct call, cut behind what there is room for.
  const auto whole = static_cast<uint32_t>(bpf_map__value_size(maps.calls));
  const uint32_t bytes = whole - 2 * (BPF_CALL_MOST_BYTES - constants->room);
  if (error == 0) error = bpf_map__set_value_size(maps.calls, bytes);
  if (error == 0) error = bpf_map__set_value_size(maps.new_call, bytes);
  if (error == 0) error = bpf_calls_bpf__load(skeleton->bpf);
  if (error < 0) {
    return ErrnoStatus(-error, "loading the BPF programs that follow bpf(2)",
                       LoadingAdvice(-error));
  }
  return std::unique_ptr<BpfCallTracer>(new BpfCallTracer(std::move(skeleton)));
}

absl::Status BpfCallTracer::ConnectRing(uint32_t cpu, int ring_fd) {
  const int rings = bpf_map__fd(skeleton_->bpf->maps.record_rings);
  if (bpf_map_update_elem(rings, &cpu, &ring_fd, BPF_ANY) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrCat("connecting the ring of records of CPU ", cpu));
}

absl::Status BpfCallTracer::Attach(uint64_t enter_id, uint64_t exit_id) {
  const QuietLibbpf quiet;
  // The end of a call first: what begins is then always seen ending.
  const auto& programs = skeleton_->bpf->progs;
  for (const auto& [program, id] :
       {std::pair(programs.exit_bpf, exit_id), std::pair(programs.enter_bpf, enter_id)}) {
    ASSIGN_OR_RETURN(ScopedFd event, OpenTracepoint(id));
    ScopedLink link(bpf_program__attach_perf_event(program, event.get()));
    if (link == nullptr) return ErrnoStatus(errno, "attaching to the tracepoints of bpf(2)");
    event.release();  // the link closes it
    skeleton_->links.push_back(std::move(link));
  }
  return absl::OkStatus();
}

void BpfCallTracer::Detach() {
  skeleton_->links.clear();
  // Programs run with preemption off: this waits for those that are at it (membarrier(2)).
  syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

absl::StatusOr<std::vector<bpf_call_counts>> BpfCallTracer::Counts(uint32_t kind) const {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 0) return ErrnoStatus(-cpus, "counting this host's possible CPUs");
  std::vector<bpf_call_counts> counts(static_cast<size_t>(cpus));
  const int map = bpf_map__fd(skeleton_->bpf->maps.call_counts);
  if (bpf_map_lookup_elem(map, &kind, counts.data()) != 0) {
    return ErrnoStatus(errno, "reading how often bpf(2) was called");
  }
  return counts;
}

uint64_t BpfCallTracer::RunTimeNs() const { return correlate::RunTimeNs(skeleton_->bpf->obj); }

std::vector<uint32_t> BpfCallTracer::program_ids() const {
  return LoadedProgramIds(skeleton_->bpf->obj);
}

}  // namespace correlate
