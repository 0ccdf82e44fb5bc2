#include "cli/companions.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/clocks.h"
#include "base/status_macros.h"
#include "cli/recording_filter.h"
#include "collector/bpf_call_kinds.h"
#include "collector/bpf_loading.h"

namespace correlate {
namespace {

constexpr uint64_t kGovernEveryNs = 250'000'000;

std::vector<Enricher::TextRange> FreeingRanges(const KernelSymbols& symbols) {
  std::vector<Enricher::TextRange> ranges;
  for (const Enricher::FreeingFunction& function : Enricher::FreeingFunctions()) {
    for (const auto& text : symbols.FindText(function.name)) {
      ranges.push_back({text.begin, text.end, function.hook});
    }
  }
  return ranges;
}

// What was asked for that nothing but these programs can do.
std::vector<std::string> NeedingCompanions(const RecordingOptions& options) {
  std::vector<std::string> needing = options.filter_text.ToStrings();
  if (options.max_rate != Enricher::Limits::kNone) {
    needing.push_back(absl::StrCat("--max-rate ", options.max_rate));
  }
  if (options.snaplen > 0) needing.push_back(absl::StrCat("--snaplen ", options.snaplen));
  if (options.max_cpu > 0) needing.push_back(absl::StrCat("--max-cpu ", options.max_cpu * 100));
  return needing;
}

Enricher::Limits LimitsOf(const RecordingOptions& options) {
  Enricher::Limits limits = {.whole = options.max_rate};
  if (options.callchains == PerfSourceSpec::Callchains::kAdaptive) {
    limits.stacks = options.stack_rate;
  } else if (options.callchains == PerfSourceSpec::Callchains::kNone) {
    limits.stacks = 0;
  }
  return limits;
}

}  // namespace

absl::Status Companions::Load(const Tracefs& tracefs, const std::vector<EventFormat>& formats,
                              const KernelSymbols& symbols, EventSelection* selection) {
  RETURN_IF_ERROR(LoadEnricher(formats, symbols, *selection));
  return LoadCallTracer(tracefs, selection);
}

absl::Status Companions::LoadEnricher(const std::vector<EventFormat>& formats,
                                      const KernelSymbols& symbols,
                                      const EventSelection& selection) {
  const bool filtered = !options_.filter_text.empty();
  if (!options_.enrich) {
    return filtered ? absl::InvalidArgumentError("filters need the companion BPF programs")
                    : absl::OkStatus();
  }
  const auto& events = selection.tracepoints;
  if (std::none_of(events.begin(), events.end(),
                   [](const std::string& event) { return Enricher::Knows(event); })) {
    return absl::OkStatus();  // FitToFilter has seen to it that there is no filter
  }
  Enricher::Options options;
  options.walk_hooks = options_.attribution != RecordingOptions::Attribution::kOff;
  const bool verdicts = options_.attribution == RecordingOptions::Attribution::kVerdict;
  options.count_runs = verdicts;
  options.snaplen = options_.snaplen;
  options.join_exits = verdicts;
  if (filtered) {
    ASSIGN_OR_RETURN(options.filter, ResolveFilter(options_.filter, formats, &notes_));
  }
  auto enricher = Enricher::Load(options);
  const std::vector<std::string> needing = NeedingCompanions(options_);
  if (!enricher.ok() && !needing.empty()) {
    return absl::Status(
        enricher.status().code() == absl::StatusCode::kInvalidArgument
            ? absl::StatusCode::kFailedPrecondition  // the verifier's opinion, not bad usage
            : enricher.status().code(),
        absl::StrCat(
            absl::StrJoin(needing, " "),
            " cannot hold without the companion BPF programs: ", enricher.status().message()));
  }
  if (!enricher.ok()) {
    notes_.push_back(
        absl::StrCat("drops come without device, packet and attached programs, so that only those "
                     "with a program on the callchain are attributed: ",
                     enricher.status().message()));
    return absl::OkStatus();
  }
  enricher_ = std::move(enricher).value();
  counts_ = std::make_unique<ExactCounts>(enricher_.get());
  SetFreeingRanges(symbols);
  enricher_->SetLimits(LimitsOf(options_));
  if (options_.max_cpu > 0) {
    ASSIGN_OR_RETURN(run_statistics_, EnableRunStatistics());
    governor_.emplace(options_.max_cpu, LimitsOf(options_));
  }
  for (const uint32_t id : enricher_->program_ids()) AddOurs(id);
  if (verdicts) FollowExits();
  return absl::OkStatus();
}

void Companions::FollowExits() {
  auto exits = ExitTracer::Open(enricher_->exit_notes_fd());
  if (exits.ok()) {
    exits_ = std::move(exits).value();
  } else {
    notes_.push_back(
        absl::StrCat("what programs return cannot be followed, so that of several only run counts "
                     "tell, and only on tc ingress: ",
                     exits.status().message()));
  }
}

absl::Status Companions::LoadCallTracer(const Tracefs& tracefs, EventSelection* selection) {
  std::vector<std::string>& events = selection->bpf_calls;
  if (!options_.enrich && events == std::vector<std::string>{std::string(kProgramLoadEvent)}) {
    events.clear();
    selection->program_loads = true;  // of side-band records: fewer fields, and no failures
  }
  if (events.empty()) return absl::OkStatus();
  if (!options_.enrich) {
    return absl::InvalidArgumentError(absl::StrCat("--no-enrich loads no BPF program, and ",
                                                   events.front(),
                                                   " is made by one: leave out one of the two"));
  }
  ASSIGN_OR_RETURN(call_tracepoints_[0], tracefs.EventId("syscalls", "sys_enter_bpf"));
  ASSIGN_OR_RETURN(call_tracepoints_[1], tracefs.EventId("syscalls", "sys_exit_bpf"));
  ASSIGN_OR_RETURN(calls_, BpfCallTracer::Load({.commands = BpfCommandsOf(events),
                                                .value_bytes = options_.value_bytes}));
  for (const uint32_t id : calls_->program_ids()) AddOurs(id);
  return absl::OkStatus();
}

void Companions::Connect(const std::vector<EventFormat>& formats, PerfSourceSpec* spec) {
  using Role = PerfSourceSpec::Role;
  spec->bpf_calls = calls_ != nullptr;
  spec->connect = [this](absl::string_view event, uint32_t cpu, Role role, int perf_event_fd) {
    return role == Role::kCount ? enricher_->ConnectCount(event, cpu, perf_event_fd)
                                : enricher_->Connect(event, cpu, perf_event_fd);
  };
  spec->connect_ring = [this](uint32_t cpu, int ring_fd) {
    if (calls_ != nullptr) RETURN_IF_ERROR(calls_->ConnectRing(cpu, ring_fd));
    return enricher_ != nullptr ? enricher_->ConnectRing(cpu, ring_fd) : absl::OkStatus();
  };
  spec->companion_losses = [this](absl::string_view event) {
    std::vector<uint64_t> losses;
    const auto outcomes = enricher_->Outcomes(event);
    if (!outcomes.ok()) return losses;  // who counts says so
    for (const hit_outcomes& cpu : *outcomes) losses.push_back(cpu.lost);
    return losses;
  };
  if (enricher_ == nullptr) return;
  for (PerfSourceSpec::Tracepoint& tracepoint : spec->tracepoints) {
    // Its own filters are those of `record --reason` and others.
    if (!Enricher::Knows(tracepoint.name) || !tracepoint.filter.empty()) continue;
    tracepoint.enriched_format = &formats[tracepoint.format_id];
    tracepoint.only_count = OnlyCounts();
    enriched_events_.push_back(tracepoint.name);
  }
}

absl::Status Companions::AttachCalls() {
  return calls_ == nullptr ? absl::OkStatus()
                           : calls_->Attach(call_tracepoints_[0], call_tracepoints_[1]);
}

void Companions::SetFreeingRanges(const KernelSymbols& symbols) {
  if (enricher_ != nullptr) enricher_->SetFreeingRanges(FreeingRanges(symbols));
}

bool Companions::IsOurs(uint32_t program_id) const {
  return std::find(our_programs_.begin(), our_programs_.end(), program_id) != our_programs_.end();
}

uint64_t Companions::RunTimeNs() const {
  uint64_t used = 0;
  if (enricher_ != nullptr) used += enricher_->RunTimeNs();
  if (exits_ != nullptr) used += exits_->RunTimeNs();
  if (calls_ != nullptr) used += calls_->RunTimeNs();
  return used;
}

std::vector<std::string> Companions::Govern(uint64_t now_ns, uint32_t online_cpus) {
  if (!governor_.has_value() || now_ns - governed_ns_ < kGovernEveryNs) return {};
  const uint64_t used = ProcessCpuNs() + RunTimeNs();
  const uint64_t since_ns = std::exchange(governed_ns_, now_ns);
  // Programs whose followers went took their times with them.
  const uint64_t more = used - std::min(used, std::exchange(governed_used_ns_, used));
  std::vector<uint64_t> handed_over;
  for (const std::string& event : enriched_events_) {
    const auto outcomes = enricher_->Outcomes(event);
    if (!outcomes.ok()) return {};
    handed_over.resize(outcomes->size());
    for (size_t cpu = 0; cpu < outcomes->size(); ++cpu) {
      handed_over[cpu] += (*outcomes)[cpu].handed_over;
    }
  }
  governed_handed_over_.resize(handed_over.size());
  uint64_t most = 0;
  for (size_t cpu = 0; cpu < handed_over.size(); ++cpu) {
    most = std::max(most, handed_over[cpu] - governed_handed_over_[cpu]);
  }
  governed_handed_over_ = std::move(handed_over);
  if (since_ns == 0) return {};
  const auto seconds = static_cast<double>(now_ns - since_ns) / 1e9;
  CpuGovernor::Use use;
  use.share = static_cast<double>(more) / 1e9 / seconds / std::max(1u, online_cpus);
  use.whole_a_second = static_cast<double>(most) / seconds;
  if (governor_->Adjust(use)) enricher_->SetLimits(governor_->limits());
  return governor_->TakeNotes();
}

std::vector<std::string> Companions::TakeNotes() { return std::exchange(notes_, {}); }

}  // namespace correlate
