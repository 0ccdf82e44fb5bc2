#include "collector/load_trials.h"

#include <bpf/bpf.h>

#include <functional>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/scoped_fd.h"
#include "base/status_macros.h"
#include "collector/bpf_call_tracer.h"
#include "collector/bpf_loading.h"
#include "collector/enricher.h"
#include "collector/exit_tracer.h"
#include "collector/link_iterator.h"
#include "collector/pass.skel.h"
#include "collector/program_holders.h"

namespace correlate {
namespace {

using ProgramIds = std::vector<uint32_t>;

// Of what is loaded; counted before it is let go.
using Count = std::function<void(const ProgramIds&)>;
using Load = std::function<absl::Status(const Count&)>;

LoadTrial Try(std::string object, const Load& load) {
  LoadTrial trial;
  trial.object = std::move(object);
  const LibbpfLog log;
  trial.status = load([&trial](const ProgramIds& ids) {
    for (const uint32_t id : ids) {
      const ScopedFd program(bpf_prog_get_fd_by_id(id));
      if (!program.valid()) continue;
      ++trial.programs;
      if (const auto info = ProgramInfoOf(program.get()); info.ok()) {
        trial.instructions += info->verified_insns;
      }
    }
  });
  if (!trial.status.ok()) trial.log = log.text();
  return trial;
}

absl::Status LoadEnricher(Enricher::Tracepoints tracepoints, bool verdict, const Count& count) {
  Enricher::Options options;
  options.tracepoints = tracepoints;
  options.count_runs = options.join_exits = verdict;
  if (verdict) options.snaplen = Enricher::kMostPacketBytes;
  ASSIGN_OR_RETURN(const auto enricher, Enricher::Load(options));
  count(enricher->program_ids());
  return absl::OkStatus();
}

struct DestroyPass {
  void operator()(pass_bpf* skeleton) const { pass_bpf__destroy(skeleton); }
};

// Follows a program that is attached to nothing.
absl::Status LoadExits(const Count& count) {
  ASSIGN_OR_RETURN(const auto enricher, Enricher::Load({.join_exits = true}));
  const std::unique_ptr<pass_bpf, DestroyPass> pass(pass_bpf__open_and_load());
  if (pass == nullptr) return ErrnoStatus(errno, "loading a program to follow");
  ASSIGN_OR_RETURN(const auto exits, ExitTracer::Open(enricher->exit_notes_fd()));
  exits->Follow({ProgramIdOf(bpf_program__fd(pass->progs.pass))});
  count(exits->program_ids());
  return exits->notes().empty() ? absl::OkStatus()
                                : absl::FailedPreconditionError(exits->notes().front());
}

template <typename Holder>
absl::Status LoadIterator(const Count& count) {
  ASSIGN_OR_RETURN(const auto iterator, Holder::Load());
  count({iterator->program_id()});
  return absl::OkStatus();
}

absl::Status LoadCalls(const Count& count) {
  ASSIGN_OR_RETURN(const auto tracer, BpfCallTracer::Load({.commands = UINT32_MAX}));
  count(tracer->program_ids());
  return absl::OkStatus();
}

}  // namespace

std::vector<LoadTrial> TryLoads() {
  using Tracepoints = Enricher::Tracepoints;
  std::vector<LoadTrial> trials;
  for (const Tracepoints tracepoints : {Tracepoints::kTyped, Tracepoints::kRaw}) {
    for (const bool verdict : {false, true}) {
      trials.push_back(
          Try(absl::StrCat("enrich, ", tracepoints == Tracepoints::kTyped ? "typed" : "raw", ", ",
                           verdict ? "verdict" : "auto"),
              [&](const Count& count) { return LoadEnricher(tracepoints, verdict, count); }));
    }
  }
  trials.push_back(Try("exits", LoadExits));
  trials.push_back(Try("holders", LoadIterator<ProgramHolders>));
  trials.push_back(Try("links", LoadIterator<LinkIterator>));
  trials.push_back(Try("bpf_calls", LoadCalls));
  return trials;
}

}  // namespace correlate
