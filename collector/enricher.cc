#include "collector/enricher.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/scoped_fd.h"
#include "base/status_macros.h"
#include "collector/bpf_loading.h"
#include "collector/enrich.skel.h"
#include "collector/enriched_record.h"
#include "collector/kernel_btf.h"
#include "collector/pid_namespace.h"

namespace correlate {
namespace {

struct PerCpuData {
  uint32_t runqueues;
  uint32_t current_task;
  uint32_t preempt_count;
  uint32_t this_cpu_off;
};

std::optional<PerCpuData> FindPerCpuData(const btf* kernel) {
  const auto runqueues = PerCpuOffset(kernel, "runqueues");
  const auto this_cpu_off = PerCpuOffset(kernel, "this_cpu_off");
  auto current = PerCpuOffset(kernel, "current_task");
  auto preempt_count = PerCpuOffset(kernel, "__preempt_count");
  // From 6.2 to 6.14 x86 kept its hottest variables in a struct, within a union with padding.
  if (const auto hot = PerCpuOffset(kernel, "pcpu_hot")) {
    const auto current_member = MemberOffset(kernel, "pcpu_hot", "current_task");
    const auto count_member = MemberOffset(kernel, "pcpu_hot", "preempt_count");
    if (current_member.has_value() && count_member.has_value()) {
      current = *hot + *current_member;
      preempt_count = *hot + *count_member;
    }
  }
  if (!runqueues.has_value() || !this_cpu_off.has_value() || !current.has_value() ||
      !preempt_count.has_value()) {
    return std::nullopt;
  }
  return PerCpuData{*runqueues, *current, *preempt_count, *this_cpu_off};
}

// The types of what is a module on many kernels, told by one of its structures.
class TypesOf {
 public:
  TypesOf(btf* kernel, const char* module, const char* structure) : types_(kernel) {
    if (btf__find_by_name_kind(kernel, structure, BTF_KIND_STRUCT) >= 0) return;
    module_.reset(btf__load_module_btf(module, kernel));
    types_ = module_.get();
  }
  const btf* get() const { return types_; }  // null: not loaded, or without BTF

 private:
  ScopedBtf module_;
  const btf* types_;
};

// What `offsets`, the programs' variable, wants to know of net/sched/cls_bpf.c.
template <typename Offsets>
void FindClsBpf(btf* kernel, Offsets* offsets) {
  const TypesOf module(kernel, "cls_bpf", "cls_bpf_prog");
  const btf* types = module.get();
  if (types == nullptr) return;
  const auto plist = MemberOffset(types, "cls_bpf_head", "plist");
  const auto link = MemberOffset(types, "cls_bpf_prog", "link");
  const auto filter = MemberOffset(types, "cls_bpf_prog", "filter");
  const auto handle = MemberOffset(types, "cls_bpf_prog", "handle");
  const auto integrated = MemberOffset(types, "cls_bpf_prog", "exts_integrated");
  if (!plist.has_value() || !link.has_value() || !filter.has_value() || !handle.has_value() ||
      !integrated.has_value()) {
    return;
  }
  offsets->head_plist = *plist;
  offsets->prog_link = *link;
  offsets->prog_filter = *filter;
  offsets->prog_handle = *handle;
  offsets->prog_exts_integrated = *integrated;
  __atomic_store_n(&offsets->known, 1, __ATOMIC_SEQ_CST);
}

// Likewise of drivers/net/tun.c.
template <typename Offsets>
void FindTun(btf* kernel, Offsets* offsets) {
  const TypesOf module(kernel, "tun", "tun_struct");
  const btf* types = module.get();
  if (types == nullptr) return;
  const auto filter = MemberOffset(types, "tun_struct", "filter_prog");
  const auto program = MemberOffset(types, "tun_prog", "prog");
  if (!filter.has_value() || !program.has_value()) return;
  offsets->device_filter = *filter;
  offsets->filter_program = *program;
  __atomic_store_n(&offsets->known, 1, __ATOMIC_SEQ_CST);
}

absl::Status PutPerfEvent(const bpf_map* map, absl::string_view event, uint32_t cpu,
                          int perf_event_fd) {
  if (bpf_map_update_elem(bpf_map__fd(map), &cpu, &perf_event_fd, BPF_ANY) == 0) {
    return absl::OkStatus();
  }
  return ErrnoStatus(
      errno, absl::StrCat("connecting the companion BPF program of ", event, " on CPU ", cpu));
}

absl::Status AttachTo(const std::string& event, bpf_program* program,
                      std::vector<ScopedLink>* links) {
  if (program == nullptr) return absl::InternalError(absl::StrCat("no companion for ", event));
  ScopedLink link(bpf_program__attach(program));
  if (link == nullptr) {
    return ErrnoStatus(errno, absl::StrCat("attaching the companion BPF program of ", event));
  }
  links->push_back(std::move(link));
  return absl::OkStatus();
}

}  // namespace

struct Enricher::Skeleton {
  ~Skeleton() {
    links.clear();
    counter_links.clear();
    enrich_bpf__destroy(bpf);
  }
  bpf_program* ProgramOf(absl::string_view event) const {
    if (event == kDropEvent) return raw ? bpf->progs.correlate_raw_drop : bpf->progs.correlate_drop;
    if (event != kExceptionEvent) return nullptr;
    return raw ? bpf->progs.correlate_raw_exception : bpf->progs.correlate_exception;
  }

  bpf_program* CounterOf(absl::string_view event) const {
    if (event == kDropEvent) return raw ? bpf->progs.count_raw_drop : bpf->progs.count_drop;
    if (event != kExceptionEvent) return nullptr;
    return raw ? bpf->progs.count_raw_exception : bpf->progs.count_exception;
  }
  void SetCounting(uint32_t mode) { __atomic_store_n(&bpf->bss->counting, mode, __ATOMIC_SEQ_CST); }

  bpf_program* Receiver() const {
    return raw ? bpf->progs.correlate_raw_receive : bpf->progs.correlate_receive;
  }

  enrich_bpf* bpf = nullptr;
  bool raw = false;
  std::vector<ScopedLink> links;
  std::vector<ScopedLink> counter_links;
  bool filtered = false;
  bool count_runs = false;
  ScopedFd run_statistics;  // on while this is open (bpf(2), BPF_ENABLE_STATS)
};

Enricher::Enricher(std::unique_ptr<KindTables> kinds, std::unique_ptr<Skeleton> skeleton)
    : kinds_(std::move(kinds)), skeleton_(std::move(skeleton)) {}
Enricher::~Enricher() = default;

const std::vector<Enricher::FreeingFunction>& Enricher::FreeingFunctions() {
  // drivers/net/veth.c, drivers/net/netkit.c, drivers/net/tun.c, net/core/dev.c, net/core/filter.c.
  static const auto& functions =
      *new std::vector<FreeingFunction>({{"veth_xdp_rcv_skb", WALK_XDP_NATIVE},
                                         {"do_xdp_generic", WALK_XDP_GENERIC},
                                         {"skb_do_redirect", WALK_TC_REDIRECT},
                                         {"netkit_xmit", WALK_NETKIT},
                                         {"tun_net_xmit", WALK_TAP}});
  return functions;
}

const uint32_t Enricher::kMostPacketBytes = ENRICHED_MOST_PACKET_BYTES;

bool Enricher::Knows(absl::string_view event) {
  return event == kDropEvent || event == kExceptionEvent;
}

absl::StatusOr<std::unique_ptr<Enricher>> Enricher::Load(const Options& options) {
  if (options.tracepoints == Tracepoints::kRaw) return LoadAs(options, /*raw=*/true);
  auto typed = LoadAs(options, /*raw=*/false);
  if (typed.ok() || options.tracepoints == Tracepoints::kTyped) return typed;
  auto raw = LoadAs(options, /*raw=*/true);
  return raw.ok() ? std::move(raw) : std::move(typed);  // the first failure tells more
}

absl::StatusOr<std::unique_ptr<Enricher>> Enricher::LoadAs(const Options& options, bool raw) {
  QuietenLibbpf();
  const ScopedBtf kernel(btf__load_vmlinux_btf());
  if (kernel == nullptr) return NoKernelBtf();
  auto skeleton = std::make_unique<Skeleton>();
  skeleton->bpf = enrich_bpf__open();
  if (skeleton->bpf == nullptr) return ErrnoStatus(errno, "opening the companion BPF programs");
  auto* constants = skeleton->bpf->rodata;
  ASSIGN_OR_RETURN(constants->drop_arguments, DropArguments(kernel.get()));
  if (const auto here = FindPerCpuData(kernel.get())) {
    constants->has_percpu_offsets = 1;
    constants->runqueues_offset = here->runqueues;
    constants->current_task_offset = here->current_task;
    constants->preempt_count_offset = here->preempt_count;
    constants->this_cpu_off_offset = here->this_cpu_off;
  }
  constants->walk_hooks = options.walk_hooks;
  constants->count_runs = options.count_runs;
  constants->join_exits = options.join_exits;
  constants->snaplen = options.snaplen;
  constants->filter = options.filter;
  TellPidNamespace(constants);
  skeleton->raw = raw;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton->bpf->obj) {
    const bool wanted = program == skeleton->ProgramOf(kDropEvent) ||
                        program == skeleton->ProgramOf(kExceptionEvent) ||
                        program == skeleton->CounterOf(kDropEvent) ||
                        program == skeleton->CounterOf(kExceptionEvent) ||
                        program == skeleton->bpf->progs.learn_netns_ops ||
                        (options.count_runs && program == skeleton->Receiver());
    bpf_program__set_autoload(program, wanted);
  }
  const event_filter_constants nothing = {};
  skeleton->filtered = std::memcmp(&options.filter, &nothing, sizeof nothing) != 0;
  ASSIGN_OR_RETURN(auto kinds, KindTables::Create());
  auto& maps = skeleton->bpf->maps;
  int error = bpf_map__reuse_fd(maps.kind_tables, kinds->tables_fd());
  if (error == 0) error = bpf_map__reuse_fd(maps.kinds_without_room, kinds->without_room_fd());
  if (error == 0) error = libbpf_num_possible_cpus();
  if (error > 0) error = bpf_map__set_max_entries(maps.record_rings, static_cast<uint32_t>(error));
  if (error == 0) error = enrich_bpf__load(skeleton->bpf);
  if (error < 0) {
    return ErrnoStatus(-error, "loading the companion BPF programs", LoadingAdvice(-error));
  }
  // Null where libbpf found out that they cannot be mapped, or had no memory to find out.
  if (skeleton->bpf->bss == nullptr || skeleton->bpf->data == nullptr) {
    return absl::FailedPreconditionError(
        "the kernel does not let variables of the companion BPF programs be mapped (Linux 5.5 is "
        "the first that does, where it has the memory)");
  }
  RETURN_IF_ERROR(
      LearnNetnsOps(skeleton->bpf->progs.learn_netns_ops, skeleton->bpf->bss->netns_ops));
  skeleton->count_runs = options.count_runs;
  FindClsBpf(kernel.get(), &skeleton->bpf->bss->cls_bpf);
  FindTun(kernel.get(), &skeleton->bpf->bss->tun);
  return std::unique_ptr<Enricher>(new Enricher(std::move(kinds), std::move(skeleton)));
}

void Enricher::SetFreeingRanges(const std::vector<TextRange>& ranges) {
  auto& known = skeleton_->bpf->bss->ranges;
  for (size_t i = 0; i < std::size(known); ++i) {
    const TextRange range = i < ranges.size() ? ranges[i] : TextRange();
    if (known[i].begin == range.begin && known[i].end == range.end && known[i].hook == range.hook) {
      continue;
    }
    // The programs read these meanwhile: none may see one range's begin with another one's end.
    __atomic_store_n(&known[i].end, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&known[i].begin, range.begin, __ATOMIC_SEQ_CST);
    __atomic_store_n(&known[i].hook, range.hook, __ATOMIC_SEQ_CST);
    __atomic_store_n(&known[i].end, range.end, __ATOMIC_SEQ_CST);
  }
}

void Enricher::LookAtModules() {
  auto* known = skeleton_->bpf->bss;
  if (known->cls_bpf.known && known->tun.known) return;
  const ScopedBtf kernel(btf__load_vmlinux_btf());
  if (kernel == nullptr) return;
  if (!known->cls_bpf.known) FindClsBpf(kernel.get(), &known->cls_bpf);
  if (!known->tun.known) FindTun(kernel.get(), &known->tun);
}

void Enricher::SetLimits(const Limits& limits) {
  auto& known = skeleton_->bpf->data->limits;
  __atomic_store_n(&known.stacks, limits.stacks, __ATOMIC_SEQ_CST);
  __atomic_store_n(&known.whole, limits.whole, __ATOMIC_SEQ_CST);
}

void Enricher::ForgetKinds() {
  auto& known = skeleton_->bpf->data->limits;
  __atomic_add_fetch(&known.start, 1, __ATOMIC_SEQ_CST);
}

absl::Status Enricher::Connect(absl::string_view event, uint32_t cpu, int perf_event_fd) {
  const auto& maps = skeleton_->bpf->maps;
  return PutPerfEvent(event == kDropEvent ? maps.drop_output : maps.exception_output, event, cpu,
                      perf_event_fd);
}

absl::Status Enricher::ConnectRing(uint32_t cpu, int ring_fd) {
  const int rings = bpf_map__fd(skeleton_->bpf->maps.record_rings);
  if (bpf_map_update_elem(rings, &cpu, &ring_fd, BPF_ANY) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrCat("connecting the ring of records of CPU ", cpu));
}

absl::Status Enricher::ConnectCount(absl::string_view event, uint32_t cpu, int perf_event_fd) {
  const auto& maps = skeleton_->bpf->maps;
  return PutPerfEvent(event == kDropEvent ? maps.drop_events : maps.exception_events, event, cpu,
                      perf_event_fd);
}

absl::Status Enricher::BeginToCount(const std::vector<std::string>& events) {
  if (skeleton_->filtered) return absl::OkStatus();
  skeleton_->SetCounting(COUNT_IF_EVENT_IS_ON);
  for (const std::string& event : events) {
    RETURN_IF_ERROR(AttachTo(event, skeleton_->CounterOf(event), &skeleton_->counter_links));
  }
  return absl::OkStatus();
}

void Enricher::CountedEventsAreOn() { skeleton_->SetCounting(COUNT_ALL); }

void Enricher::CountedEventsGoOff() {
  skeleton_->SetCounting(COUNT_IF_EVENT_IS_ON);
  kinds_->Settle();  // programs that run now have looked before
}

void Enricher::EndCounting() {
  skeleton_->counter_links.clear();
  skeleton_->SetCounting(COUNT_NOTHING);
}

absl::Status Enricher::Attach(const std::vector<std::string>& events) {
  for (const std::string& event : events) {
    RETURN_IF_ERROR(AttachTo(event, skeleton_->ProgramOf(event), &skeleton_->links));
  }
  if (!skeleton_->count_runs) return absl::OkStatus();
  ASSIGN_OR_RETURN(skeleton_->run_statistics, EnableRunStatistics());
  ScopedLink link(bpf_program__attach(skeleton_->Receiver()));
  if (link == nullptr) {
    return ErrnoStatus(errno, "attaching the companion BPF program of received packets");
  }
  skeleton_->links.push_back(std::move(link));
  return absl::OkStatus();
}

int Enricher::exit_notes_fd() const { return bpf_map__fd(skeleton_->bpf->maps.exit_notes); }

void Enricher::Detach() {
  skeleton_->links.clear();
  skeleton_->run_statistics = ScopedFd();
}

absl::StatusOr<std::vector<hit_outcomes>> Enricher::Outcomes(absl::string_view event) const {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 0) return ErrnoStatus(-cpus, "counting this host's possible CPUs");
  std::vector<hit_outcomes> outcomes(static_cast<size_t>(cpus));
  const uint32_t number = CompanionNumber(event);
  if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->bpf->maps.hits), &number, outcomes.data()) != 0) {
    return ErrnoStatus(errno, absl::StrCat("reading what became of ", event));
  }
  return outcomes;
}

uint64_t Enricher::RunTimeNs() const { return correlate::RunTimeNs(skeleton_->bpf->obj); }

std::vector<uint32_t> Enricher::program_ids() const {
  return LoadedProgramIds(skeleton_->bpf->obj);
}

}  // namespace correlate
