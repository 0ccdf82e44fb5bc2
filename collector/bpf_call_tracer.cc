#include "collector/bpf_call_tracer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
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
    if (counts != nullptr) munmap(counts, count_bytes());
    bpf_calls_bpf__destroy(bpf);
  }
  size_t count_bytes() const { return cpus * BPF_CALL_KINDS * sizeof(bpf_call_counts); }
  bpf_calls_bpf* bpf = nullptr;
  std::vector<ScopedLink> links;
  size_t cpus = 0;
  bpf_call_counts* counts = nullptr;  // the map's own memory
};

BpfCallTracer::BpfCallTracer(std::unique_ptr<Skeleton> skeleton) : skeleton_(std::move(skeleton)) {}
BpfCallTracer::~BpfCallTracer() = default;

absl::StatusOr<std::unique_ptr<BpfCallTracer>> BpfCallTracer::Load(const Options& options) {
  QuietenLibbpf();
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
  skeleton->cpus = static_cast<size_t>(cpus);
  if (error == 0) {
    error =
        bpf_map__set_max_entries(maps.call_counts, static_cast<uint32_t>(cpus) * BPF_CALL_KINDS);
  }
  if (error == 0) error = bpf_calls_bpf__load(skeleton->bpf);
  if (error < 0) {
    return ErrnoStatus(-error, "loading the BPF programs that follow bpf(2)",
                       LoadingAdvice(-error));
  }
  void* counts = mmap(nullptr, skeleton->count_bytes(), PROT_READ, MAP_SHARED,
                      bpf_map__fd(maps.call_counts), 0);
  if (counts == MAP_FAILED) return ErrnoStatus(errno, "mapping the counts of calls of bpf(2)");
  skeleton->counts = static_cast<bpf_call_counts*>(counts);
  return std::unique_ptr<BpfCallTracer>(new BpfCallTracer(std::move(skeleton)));
}

absl::Status BpfCallTracer::ConnectRing(uint32_t cpu, int ring_fd) {
  const int rings = bpf_map__fd(skeleton_->bpf->maps.record_rings);
  if (bpf_map_update_elem(rings, &cpu, &ring_fd, BPF_ANY) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrCat("connecting the ring of records of CPU ", cpu));
}

absl::Status BpfCallTracer::Attach(uint64_t enter_id, uint64_t exit_id) {
  QuietenLibbpf();
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

std::vector<bpf_call_counts> BpfCallTracer::Counts(uint32_t kind) const {
  std::vector<bpf_call_counts> counts(skeleton_->cpus);
  for (size_t cpu = 0; cpu < counts.size(); ++cpu) {
    const bpf_call_counts& from = skeleton_->counts[cpu * BPF_CALL_KINDS + kind];
    counts[cpu].seen = __atomic_load_n(&from.seen, __ATOMIC_RELAXED);
    counts[cpu].lost = __atomic_load_n(&from.lost, __ATOMIC_RELAXED);
  }
  return counts;
}

uint64_t BpfCallTracer::Missed() const {
  uint64_t missed = 0;
  for (const bpf_program* program :
       {skeleton_->bpf->progs.enter_bpf, skeleton_->bpf->progs.exit_bpf}) {
    const auto info = ProgramInfoOf(bpf_program__fd(program));
    if (info.ok()) missed += info->recursion_misses;
  }
  return missed;
}

uint64_t BpfCallTracer::RunTimeNs() const { return correlate::RunTimeNs(skeleton_->bpf->obj); }

std::vector<uint32_t> BpfCallTracer::program_ids() const {
  return LoadedProgramIds(skeleton_->bpf->obj);
}

}  // namespace correlate
