#include "collector/exit_tracer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/scoped_fd.h"
#include "base/status_macros.h"
#include "collector/bpf_loading.h"
#include "collector/bpf_probe.h"
#include "collector/exits.skel.h"
#include "collector/kernel_btf.h"

namespace correlate {
namespace {

// The name that the program's own BTF has for its main function.
absl::StatusOr<std::string> MainFunction(int fd, const bpf_prog_info& info) {
  if (info.btf_id == 0 || info.nr_func_info == 0) {
    return absl::FailedPreconditionError("it has no BTF");
  }
  std::vector<uint8_t> records(size_t{info.nr_func_info} * info.func_info_rec_size);
  bpf_prog_info request;
  std::memset(&request, 0, sizeof request);
  request.nr_func_info = info.nr_func_info;
  request.func_info_rec_size = info.func_info_rec_size;
  request.func_info = reinterpret_cast<uintptr_t>(records.data());
  uint32_t bytes = sizeof request;
  if (bpf_prog_get_info_by_fd(fd, &request, &bytes) != 0) {
    return ErrnoStatus(errno, "looking at a BPF program's functions");
  }
  bpf_func_info main;
  if (records.size() < sizeof main) return absl::FailedPreconditionError("it has no BTF");
  std::memcpy(&main, records.data(), sizeof main);
  const ScopedBtf types(btf__load_from_kernel_by_id(info.btf_id));
  const btf_type* function =
      types == nullptr ? nullptr : btf__type_by_id(types.get(), main.type_id);
  if (function == nullptr) return absl::FailedPreconditionError("its BTF cannot be read");
  return std::string(btf__name_by_offset(types.get(), function->name_off));
}

// 0: programs of that type are not followed.
uint32_t KindOf(uint32_t program_type) {
  switch (program_type) {
    case BPF_PROG_TYPE_SCHED_CLS:
    case BPF_PROG_TYPE_SCHED_ACT:
      return EXIT_OF_SKB;
    case BPF_PROG_TYPE_XDP:
    case BPF_PROG_TYPE_EXT:  // behind a dispatcher: nobody else extends programs of these hooks
      return EXIT_OF_XDP;
    case BPF_PROG_TYPE_CGROUP_SKB:
      return EXIT_OF_CGROUP;
    case BPF_PROG_TYPE_NETFILTER:
      return EXIT_OF_NETFILTER;
    default:
      return 0;
  }
}

// Of one CPU, at most a hundredth goes into asking who is held.
constexpr uint64_t kShare = 100;

void Add(const ExitTracer::XdpCounts& counts, ExitTracer::XdpCounts* sum) {
  for (size_t i = 0; i < sum->size(); ++i) (*sum)[i] += counts[i];
}

}  // namespace

struct ExitTracer::Follower {
  ~Follower() {
    bpf_link__destroy(link);
    exits_bpf__destroy(bpf);
  }
  bpf_program* program() const {
    if (kind == EXIT_OF_NETFILTER) return bpf->progs.after_netfilter;
    return xdp() ? bpf->progs.after_xdp : bpf->progs.after_skb;
  }
  bool xdp() const { return kind == EXIT_OF_XDP; }
  XdpCounts Counts() const {
    XdpCounts counts = {};
    const int cpus = libbpf_num_possible_cpus();
    if (!xdp() || cpus < 0) return counts;
    std::vector<uint64_t> by_cpu(static_cast<size_t>(cpus));
    for (uint32_t i = 0; i < counts.size(); ++i) {
      if (bpf_map_lookup_elem(bpf_map__fd(bpf->maps.exit_counts), &i, by_cpu.data()) != 0) continue;
      for (const uint64_t count : by_cpu) counts[i] += count;
    }
    return counts;
  }

  exits_bpf* bpf = nullptr;
  bpf_link* link = nullptr;
  uint32_t kind = 0;
};

ExitTracer::ExitTracer(int notes_fd, const Offsets& offsets)
    : notes_fd_(notes_fd), offsets_(offsets) {}
ExitTracer::~ExitTracer() = default;

absl::StatusOr<std::unique_ptr<ExitTracer>> ExitTracer::Open(int notes_fd) {
  RETURN_IF_ERROR(ProbeBpf().trampoline);
  const ScopedBtf kernel(btf__load_vmlinux_btf());
  if (kernel == nullptr) return absl::FailedPreconditionError("the kernel has no BTF");
  const auto skb_dev = MemberOffset(kernel.get(), "sk_buff", "dev");
  const auto hard_start = MemberOffset(kernel.get(), "xdp_buff", "data_hard_start");
  const auto rxq = MemberOffset(kernel.get(), "xdp_buff", "rxq");
  const auto rxq_dev = MemberOffset(kernel.get(), "xdp_rxq_info", "dev");
  if (!skb_dev.has_value() || !hard_start.has_value() || !rxq.has_value() || !rxq_dev.has_value()) {
    return absl::FailedPreconditionError("the kernel's BTF does not describe packets");
  }
  // Kernels without BPF programs among netfilter's hooks (before 6.4) have nothing to follow there.
  const uint32_t netfilter_skb = MemberOffset(kernel.get(), "bpf_nf_ctx", "skb").value_or(0);
  std::unique_ptr<ExitTracer> tracer(new ExitTracer(notes_fd, {.skb_dev = *skb_dev,
                                                               .xdp_data_hard_start = *hard_start,
                                                               .xdp_rxq = *rxq,
                                                               .rxq_dev = *rxq_dev,
                                                               .netfilter_skb = netfilter_skb}));
  auto holders = ProgramHolders::Load();
  if (holders.ok()) {
    tracer->holders_ = std::move(holders).value();
  } else {
    tracer->notes_.push_back(absl::StrCat(
        "programs whose verdicts are followed stay loaded for up to a second after they are "
        "detached: ",
        holders.status().message()));
  }
  return tracer;
}

absl::StatusOr<std::unique_ptr<ExitTracer::Follower>> ExitTracer::Load(uint32_t program_id) const {
  const ScopedFd target(bpf_prog_get_fd_by_id(program_id));
  if (!target.valid()) return ErrnoStatus(errno, "opening it");
  ASSIGN_OR_RETURN(const bpf_prog_info info, ProgramInfoOf(target.get()));
  ASSIGN_OR_RETURN(const std::string function, MainFunction(target.get(), info));
  auto follower = std::make_unique<Follower>();
  QuietenLibbpf();
  follower->bpf = exits_bpf__open();
  if (follower->bpf == nullptr) return ErrnoStatus(errno, "opening a companion of it");
  follower->kind = KindOf(info.type);
  if (follower->kind == 0) return absl::UnimplementedError("they are not of a known kind");
  auto* constants = follower->bpf->rodata;
  constants->followed_id = program_id;
  constants->is_part = info.type == BPF_PROG_TYPE_EXT;
  constants->kind = follower->kind;
  constants->netfilter_skb = offsets_.netfilter_skb;
  constants->skb_dev = offsets_.skb_dev;
  constants->xdp_data_hard_start = offsets_.xdp_data_hard_start;
  constants->xdp_rxq = offsets_.xdp_rxq;
  constants->rxq_dev = offsets_.rxq_dev;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, follower->bpf->obj) {
    bpf_program__set_autoload(program, program == follower->program());
  }
  int error = bpf_program__set_attach_target(follower->program(), target.get(), function.c_str());
  if (error == 0) error = bpf_map__reuse_fd(follower->bpf->maps.exit_notes, notes_fd_);
  if (error == 0) error = exits_bpf__load(follower->bpf);
  if (error < 0) return ErrnoStatus(-error, "loading an fexit program for it");
  follower->link = bpf_program__attach_trace(follower->program());
  if (follower->link == nullptr) return ErrnoStatus(errno, "attaching an fexit program to it");
  return follower;
}

ExitTracer::Followers::iterator ExitTracer::LetGo(Followers::iterator at) {
  if (at->second->xdp()) Add(at->second->Counts(), &earlier_[at->first]);
  return followed_.erase(at);
}

void ExitTracer::LetGoOfUnheld(uint64_t now_ns) {
  if (followed_.empty() || holders_ == nullptr || now_ns < next_let_go_ns_) return;
  const auto started = std::chrono::steady_clock::now();
  if (const auto holders = holders_->Read(); holders.ok()) {
    for (auto at = followed_.begin(); at != followed_.end();) {
      const auto held = holders->find(at->first);
      // By the fexit link alone.
      at = held != holders->end() && held->second <= 1 ? LetGo(at) : std::next(at);
    }
  }
  const auto took = std::chrono::steady_clock::now() - started;
  next_let_go_ns_ =
      now_ns + std::max<uint64_t>(kLetGoEveryNs, kShare * std::chrono::nanoseconds(took).count());
}

void ExitTracer::Follow(const std::set<uint32_t>& program_ids) {
  for (auto at = followed_.begin(); at != followed_.end();) {
    if (program_ids.contains(at->first)) {
      ++at;
      continue;
    }
    at = LetGo(at);
  }
  std::erase_if(refused_, [&](uint32_t id) { return !program_ids.contains(id); });
  for (const uint32_t id : program_ids) {
    if (followed_.contains(id) || refused_.contains(id)) continue;
    if (followed_.size() >= kMostPrograms) {
      refused_.insert(id);
      notes_.push_back(
          absl::StrCat("the verdicts of no more than ", kMostPrograms, " programs are followed"));
      return;
    }
    auto follower = Load(id);
    if (follower.ok()) {
      followed_[id] = std::move(follower).value();
      continue;
    }
    refused_.insert(id);
    if (absl::IsNotFound(follower.status())) continue;  // it is gone
    notes_.push_back(absl::StrCat("the verdicts of program ", id,
                                  " are not followed: ", follower.status().message()));
  }
}

std::vector<uint32_t> ExitTracer::program_ids() const {
  std::vector<uint32_t> ids;
  if (holders_ != nullptr) ids.push_back(holders_->program_id());
  for (const auto& [id, follower] : followed_) {
    if (const uint32_t own = ProgramIdOf(bpf_program__fd(follower->program())); own != 0) {
      ids.push_back(own);
    }
  }
  return ids;
}

uint64_t ExitTracer::RunTimeNs() const {
  uint64_t sum = 0;
  for (const auto& [id, follower] : followed_) sum += correlate::RunTimeNs(follower->bpf->obj);
  return sum;
}

std::map<uint32_t, ExitTracer::XdpCounts> ExitTracer::Counts() const {
  std::map<uint32_t, XdpCounts> counts = earlier_;
  for (const auto& [id, follower] : followed_) {
    if (!follower->xdp()) continue;
    Add(follower->Counts(), &counts[id]);
  }
  return counts;
}

}  // namespace correlate
