#include "collector/drop_counter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "collector/bpf_loading.h"
#include "collector/drop_counter.skel.h"
#include "collector/kernel_btf.h"

namespace correlate {

struct DropCounter::Skeleton {
  ~Skeleton() {
    links.clear();
    drop_counter_bpf__destroy(bpf);
  }
  bpf_program* ProgramOf(absl::string_view event) const {
    if (event == kDropEvent) return raw ? bpf->progs.count_raw_drop : bpf->progs.count_drop;
    if (event != kExceptionEvent) return nullptr;
    return raw ? bpf->progs.count_raw_exception : bpf->progs.count_exception;
  }
  void SetCounting(uint32_t mode) { __atomic_store_n(&bpf->bss->counting, mode, __ATOMIC_SEQ_CST); }

  drop_counter_bpf* bpf = nullptr;
  bool raw = false;
  std::vector<ScopedLink> links;
};

DropCounter::DropCounter(std::unique_ptr<KindTables> tables, std::unique_ptr<Skeleton> skeleton)
    : tables_(std::move(tables)), skeleton_(std::move(skeleton)) {}
DropCounter::~DropCounter() = default;

absl::StatusOr<std::unique_ptr<DropCounter>> DropCounter::Load() {
  auto typed = LoadAs(/*raw=*/false);
  if (typed.ok()) return typed;
  auto raw = LoadAs(/*raw=*/true);
  return raw.ok() ? std::move(raw) : std::move(typed);  // the first failure tells more
}

absl::StatusOr<std::unique_ptr<DropCounter>> DropCounter::LoadAs(bool raw) {
  const QuietLibbpf quiet;
  ASSIGN_OR_RETURN(auto tables, KindTables::Create());
  const ScopedBtf kernel(btf__load_vmlinux_btf());
  if (kernel == nullptr) return NoKernelBtf();
  auto skeleton = std::make_unique<Skeleton>();
  skeleton->raw = raw;
  skeleton->bpf = drop_counter_bpf__open();
  if (skeleton->bpf == nullptr) return ErrnoStatus(errno, "opening the BPF programs that count");
  ASSIGN_OR_RETURN(skeleton->bpf->rodata->drop_arguments, DropArguments(kernel.get()));
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton->bpf->obj) {
    bpf_program__set_autoload(program, program == skeleton->ProgramOf(kDropEvent) ||
                                           program == skeleton->ProgramOf(kExceptionEvent) ||
                                           program == skeleton->bpf->progs.learn_netns_ops);
  }
  auto& maps = skeleton->bpf->maps;
  int error = bpf_map__reuse_fd(maps.kind_tables, tables->tables_fd());
  if (error == 0) error = bpf_map__reuse_fd(maps.kinds_without_room, tables->without_room_fd());
  if (error == 0) error = drop_counter_bpf__load(skeleton->bpf);
  if (error < 0)
    return ErrnoStatus(-error, "loading the BPF programs that count", LoadingAdvice(-error));
  RETURN_IF_ERROR(
      LearnNetnsOps(skeleton->bpf->progs.learn_netns_ops, skeleton->bpf->bss->netns_ops));
  return std::unique_ptr<DropCounter>(new DropCounter(std::move(tables), std::move(skeleton)));
}

absl::Status DropCounter::Connect(absl::string_view event, uint32_t cpu, int perf_event_fd) {
  const bpf_map* map = event == kDropEvent ? skeleton_->bpf->maps.drop_events
                                           : skeleton_->bpf->maps.exception_events;
  if (bpf_map_update_elem(bpf_map__fd(map), &cpu, &perf_event_fd, BPF_ANY) != 0) {
    return ErrnoStatus(errno, absl::StrCat("connecting the count of ", event, " on CPU ", cpu));
  }
  return absl::OkStatus();
}

absl::Status DropCounter::Attach(const std::vector<std::string>& events) {
  skeleton_->SetCounting(COUNT_IF_EVENT_IS_ON);
  for (const std::string& event : events) {
    bpf_program* program = skeleton_->ProgramOf(event);
    if (program == nullptr) return absl::InternalError(absl::StrCat("no companion for ", event));
    ScopedLink link(bpf_program__attach(program));
    if (link == nullptr) {
      return ErrnoStatus(errno, absl::StrCat("attaching the BPF program that counts ", event));
    }
    skeleton_->links.push_back(std::move(link));
  }
  return absl::OkStatus();
}

void DropCounter::EventsAreOn() { skeleton_->SetCounting(COUNT_ALL); }

void DropCounter::EventsGoOff() {
  skeleton_->SetCounting(COUNT_IF_EVENT_IS_ON);
  // Programs that run now have looked before: an exchange of tables waits for their end.
  tables_->Settle();
}

void DropCounter::Detach() {
  skeleton_->links.clear();
  skeleton_->SetCounting(COUNT_NOTHING);
}

uint64_t DropCounter::RunTimeNs() const { return correlate::RunTimeNs(skeleton_->bpf->obj); }

std::vector<uint32_t> DropCounter::program_ids() const {
  return LoadedProgramIds(skeleton_->bpf->obj);
}

}  // namespace correlate
