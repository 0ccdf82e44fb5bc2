#include "cli/recording.h"

#include <linux/bpf.h>
#include <malloc.h>
#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/clocks.h"
#include "base/errno_status.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "base/version.h"
#include "cli/call_counts.h"
#include "cli/recording_filter.h"
#include "collector/bpf_loading.h"
#include "collector/cpu_list.h"
#include "collector/host_facts.h"
#include "collector/pin_scanner.h"
#include "collector/program_scanner.h"
#include "collector/tracefs.h"
#include "collector/tracepoint_format.h"
#include "render/units.h"

namespace correlate {
namespace {

constexpr uint64_t kStepMs = 100;
constexpr uint64_t kClocksEveryNs = 10'000'000'000;
constexpr uint64_t kForgetEveryNs = 120'000'000'000;
constexpr uint64_t kCountsEveryNs = 1'000'000'000;
constexpr uint64_t kSymbolsAtMostEveryNs = 1'000'000'000;

// Each event takes a descriptor a CPU; the soft limit of 1024 is soon reached on a large host.
void RaiseOpenFiles() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// How this process was called, for the trace; empty without /proc.
std::vector<std::string> OwnCommandLine() {
  const auto arguments = ReadFile("/proc/self/cmdline");  // each ends with a NUL, proc(5)
  if (!arguments.ok()) return {};
  return absl::StrSplit(absl::StripSuffix(*arguments, absl::string_view("\0", 1)), '\0');
}

}  // namespace

Recording::~Recording() = default;

absl::StatusOr<std::unique_ptr<Recording>> Recording::Open(const RecordingOptions& options) {
  RaiseOpenFiles();
  std::unique_ptr<Recording> recording(new Recording(options));
  RETURN_IF_ERROR(recording->SelectAndOpen());
  return recording;
}

absl::Status Recording::SelectAndOpen() {
  ASSIGN_OR_RETURN(const Tracefs tracefs, Tracefs::Open());
  ASSIGN_OR_RETURN(const std::vector<std::string> available, tracefs.ListEvents());
  ASSIGN_OR_RETURN(selection_, SelectEvents(options_.events, available));
  RETURN_IF_ERROR(FitToFilter(options_.filter_text, &selection_));
  if (options_.max_rate != Enricher::Limits::kNone && !options_.others_without_limit) {
    RETURN_IF_ERROR(FitToLimit("--max-rate", selection_));
  }
  if (options_.max_cpu > 0) RETURN_IF_ERROR(FitToLimit("--max-cpu", selection_));
  const auto& events = selection_.tracepoints;
  if (options_.snaplen > 0 && std::find(events.begin(), events.end(), kDropEvent) == events.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--snaplen: only ", kDropEvent, " has a packet, and it is not recorded"));
  }
  // What comes from here on is looked at anew.
  if (auto modules = ModuleListener::Open(); modules.ok()) modules_ = std::move(modules).value();
  auto symbols = ReadKernelSymbols();
  if (symbols.ok()) {
    kernel_symbols_ = std::move(symbols).value();
  } else {
    early_notes_.push_back(absl::StrCat("no kernel symbols: ", symbols.status().message()));
  }
  PerfSourceSpec spec;
  spec.callchains = options_.callchains;
  // The programs may have to leave some out later.
  if (options_.max_cpu > 0 && options_.callchains == PerfSourceSpec::Callchains::kAll) {
    spec.callchains = PerfSourceSpec::Callchains::kAdaptive;
  }
  spec.max_stack = options_.max_stack;
  spec.ring_bytes = options_.ring_bytes;
  spec.on_program_load = [this](const BpfProgramRecord& record) {
    LookAtProgram(record.program_id, &record);
    if (monitor_ != nullptr) monitor_->ProgramsChanged();
  };
  spec.on_program_unload = [this](const BpfProgramRecord&) {
    if (monitor_ != nullptr) monitor_->ProgramsChanged();
  };
  for (const std::string& event : selection_.tracepoints) {
    const std::pair<std::string, std::string> name = absl::StrSplit(event, absl::MaxSplits(':', 1));
    ASSIGN_OR_RETURN(const std::string text, tracefs.ReadFormat(name.first, name.second));
    ASSIGN_OR_RETURN(EventFormat format, ParseEventFormat(name.first, text));
    ASSIGN_OR_RETURN(const uint64_t id, tracefs.EventId(name.first, name.second));
    const auto filter = selection_.filters.find(event);
    spec.tracepoints.push_back(
        {.format_id = static_cast<uint32_t>(formats_.size()),
         .tracepoint_id = id,
         .name = event,
         .filter = filter == selection_.filters.end() ? "" : filter->second});
    formats_.push_back(std::move(format));
  }
  RETURN_IF_ERROR(companions_.Load(tracefs, formats_, kernel_symbols_, &selection_));
  for (std::string& note : companions_.TakeNotes()) early_notes_.push_back(std::move(note));
  companions_.Connect(formats_, &spec);
  facts_.enriched_events = companions_.enriched_events();
  ASSIGN_OR_RETURN(source_, PerfSource::Open(std::move(spec)));
  return absl::OkStatus();
}

absl::Status Recording::Start(TraceSink* sink) {
  sink_ = sink;
  watchers_.emplace(std::vector<TraceSink*>{&code_, &map_snapshots_});
  events_.emplace(std::vector<TraceSink*>{&*watchers_, sink});
  correlator_ = std::make_unique<Correlator>(&*events_);
  TellFacts();
  sink_->OnClocks(ReadClocks());
  for (EventFormat& format : formats_) correlator_->AddFormat(std::move(format));
  if (selection_.program_loads) correlator_->EmitProgramLoads();
  if (selection_.program_unloads) correlator_->EmitProgramUnloads();
  if (companions_.calls() != nullptr) correlator_->EmitBpfCalls(selection_.bpf_calls);
  for (const std::string& note : selection_.notes) AddNote(note);
  for (const std::string& note : early_notes_) AddNote(note);
  TakeSourceNotes();
  for (auto& [tid, comm] : ReadTaskNames()) correlator_->AddTask(tid, std::move(comm));
  UseKernelSymbols(std::move(kernel_symbols_));
  correlator_->set_max_frames(options_.max_stack);
  last_symbols_ns_ = MonotonicNs();
  HearOfModules();
  if (std::exchange(modules_changed_, false)) LookAtKernelSymbols();
  FollowHostCounters();  // so that they count whatever is recorded
  TakeHostCounters();
  // Its perf events are still off: what it hands over before they are on goes nowhere, uncounted.
  Enricher* enricher = companions_.enricher();
  if (enricher != nullptr && !companions_.OnlyCounts()) {
    RETURN_IF_ERROR(enricher->Attach(companions_.enriched_events()));
  }
  started_ns_ = MonotonicNs();
  last_clocks_ns_ = last_counts_ns_ = started_ns_;
  Govern(started_ns_);
  RETURN_IF_ERROR(SwitchOn());
  RETURN_IF_ERROR(companions_.AttachCalls());
  // Events wait in their rings meanwhile, and are judged by what these see.
  LookAtPrograms();
  FollowAttachments();
  map_snapshots_.TakeAll("start", /*at_end=*/false, *sink_);
  TakeCodeNotes();
  malloc_trim(0);  // what kallsyms and BTF took meanwhile, some 20 MB
  return absl::OkStatus();
}

absl::Status Recording::SwitchOn() {
  ExactCounts* counts = companions_.counts();
  if (counts == nullptr) return source_->Start();
  const auto online = OnlineCpus();
  const auto possible = PossibleCpus();
  const bool cpus_stay = online.ok() && possible.ok() && online->size() == possible->size();
  return counts->Begin(companions_.enriched_events(), cpus_stay,
                       [this] { return source_->Start(); });
}

std::vector<EventCounts> Recording::Counts(Waiting waiting) {
  std::vector<EventCounts> all = source_->Counts();
  std::map<std::string, std::vector<hit_outcomes>> outcomes;  // by event, then CPU
  for (const std::string& event : companions_.enriched_events()) {
    auto by_cpu = companions_.enricher()->Outcomes(event);
    if (by_cpu.ok()) {
      outcomes[event] = std::move(by_cpu).value();
    } else {
      AddNote(absl::StrCat("what was lost, only counted or filtered counts as missed: ",
                           by_cpu.status().message()));
    }
  }
  for (EventCounts& counts : all) {
    const auto known = outcomes.find(selection_.tracepoints[counts.format_id]);
    std::optional<hit_outcomes> own;
    if (known != outcomes.end() && counts.cpu < known->second.size()) {
      own = known->second[counts.cpu];
      if (companions_.OnlyCounts()) own->only_counted = counts.counted;
    }
    if (waiting == Waiting::kSettled) {
      Settle(own, &counts);
    } else if (own.has_value()) {
      SetOutcomes(*own, &counts);
    }
  }
  return all;
}

void Recording::TellCounts() {
  counts_are_told_ = true;
  for (const EventCounts& counts : Counts(Waiting::kSettled)) sink_->OnCounts(counts);
  if (const BpfCallTracer* calls = companions_.calls()) {
    for (const EventCounts& counts : CountCalls(*calls, *correlator_, /*settled=*/true)) {
      sink_->OnCounts(counts);
    }
  }
  TellKinds();
}

RecordingEnd Recording::TellTotals() {
  if (!counts_are_told_) TellCounts();
  RecordingEnd end;
  end.out_of_order = source_->out_of_order();
  end.cpu_time_ns = ProcessCpuNs();
  return end;
}

void Recording::TellCallTotals(const BpfCallTracer& calls, Summary* summary) {
  for (const EventCounts& counts : CountCalls(calls, *correlator_, /*settled=*/false)) {
    summary->missed += counts.missed;
    summary->lost += counts.lost;
    sink_->OnCounts(counts);
  }
  const uint64_t missed = calls.Missed();
  if (missed == 0) return;
  summary->missed += missed;
  AddNote(absl::StrCat("up to ", FormatCount(missed),
                       " calls of bpf(2) were missed, of whichever command: other tasks had been "
                       "preempted on their CPU in the middle of such a call"));
}

void Recording::BeginPart() {
  const uint64_t now_ns = MonotonicNs();
  // The limits are a second's.
  Enricher* enricher = companions_.enricher();
  if (enricher == nullptr || now_ns - last_part_ns_ < kCountsEveryNs) return;
  last_part_ns_ = now_ns;
  enricher->ForgetKinds();
}

void Recording::Govern(uint64_t now_ns) {
  for (std::string& note : companions_.Govern(now_ns, facts_.online_cpus)) {
    sink_->OnNote({now_ns, note});
    notes_.push_back(std::move(note));
  }
}

void Recording::TellKinds() {
  if (companions_.counts() == nullptr) return;
  const auto format_of = [this](uint32_t companion) -> std::optional<uint32_t> {
    for (size_t i = 0; i < selection_.tracepoints.size(); ++i) {
      const std::string& event = selection_.tracepoints[i];
      if (Enricher::Knows(event) && CompanionNumber(event) == companion) {
        return static_cast<uint32_t>(i);
      }
    }
    return std::nullopt;
  };
  const uint64_t now_ns = MonotonicNs();
  const auto changes = companions_.counts()->TakeChanges(now_ns, format_of);
  if (!changes.ok()) return AddNote(std::string(changes.status().message()));
  for (const EventKindCount& count : *changes) correlator_->OnKindCount(count, now_ns);
}

void Recording::TellFacts() {
  const HostFacts host = ReadHostFacts();
  facts_.hostname = host.hostname;
  facts_.kernel_release = host.kernel_release;
  facts_.kernel_version = host.kernel_version;
  facts_.machine = host.machine;
  facts_.boot_id = host.boot_id;
  facts_.online_cpus = host.online_cpus;
  facts_.memory_bytes = host.memory_bytes;
  facts_.tool_version = kVersion;
  facts_.command_line = OwnCommandLine();
  facts_.requested_events = options_.events;
  facts_.enabled_events = selection_.tracepoints;
  if (selection_.program_loads) facts_.synthetic_events.emplace_back(kProgramLoadEvent);
  if (selection_.program_unloads) facts_.synthetic_events.emplace_back(kProgramUnloadEvent);
  facts_.call_events = selection_.bpf_calls;
  facts_.value_bytes = selection_.bpf_calls.empty() ? 0 : options_.value_bytes;
  facts_.filters = options_.filter_text.ToStrings();
  for (const auto& [event, filter] : selection_.filters) {
    facts_.filters.push_back(absl::StrCat("--event ", event, "/", filter, "/"));
  }
  using Callchains = PerfSourceSpec::Callchains;
  const bool adaptive =
      options_.callchains == Callchains::kAdaptive && companions_.enricher() != nullptr;
  facts_.stacks = options_.callchains == Callchains::kNone ? "none" : adaptive ? "adaptive" : "all";
  facts_.max_stack = options_.callchains == Callchains::kNone ? 0 : options_.max_stack;
  facts_.stack_rate = adaptive ? options_.stack_rate : 0;
  facts_.snaplen = options_.snaplen;
  if (options_.max_rate != Enricher::Limits::kNone) facts_.max_rate = options_.max_rate;
  facts_.ring_bytes_per_cpu = source_->ring_bytes();
  facts_.side_band_ring_bytes_per_cpu = PerfSource::side_band_ring_bytes();
  sink_->OnRecording(facts_);
}

void Recording::AddNote(std::string text) {
  // The looks at the start and at the end find the same things missing.
  if (std::find(notes_.begin(), notes_.end(), text) != notes_.end()) return;
  sink_->OnNote({MonotonicNs(), text});
  notes_.push_back(std::move(text));
}

void Recording::TakeSourceNotes() {
  for (; source_notes_taken_ < source_->notes().size(); ++source_notes_taken_) {
    AddNote(source_->notes()[source_notes_taken_]);
  }
}

absl::StatusOr<KernelSymbols> Recording::ReadKernelSymbols() {
  ASSIGN_OR_RETURN(const std::string text, ReadKallsyms());
  return KernelSymbols::Parse(text);
}

void Recording::LookAtKernelSymbols() {
  last_symbols_ns_ = MonotonicNs();
  auto symbols = ReadKernelSymbols();
  if (!symbols.ok()) {
    AddNote(absl::StrCat("no kernel symbols: ", symbols.status().message()));
    return;
  }
  companions_.SetFreeingRanges(*symbols);
  UseKernelSymbols(std::move(symbols).value());
}

void Recording::UseKernelSymbols(KernelSymbols symbols) {
  const auto base = symbols.FindText("__bpf_call_base");
  KernelText text;
  text.call_base = base.empty() ? 0 : base.front().begin;
  correlator_->SetKernelSymbols(std::move(symbols));
  text.symbol = [this](uint64_t address) {
    const auto symbol = correlator_->kernel_symbols().Lookup(address);
    return symbol.has_value() && symbol->offset == 0 ? std::string(symbol->name) : std::string();
  };
  code_.set_kernel_text(std::move(text));
}

void Recording::LookAtPrograms() {
  const auto programs = ScanPrograms();
  if (!programs.ok()) {
    AddNote(absl::StrCat("BPF programs loaded before the recording are unknown: ",
                         programs.status().message()));
    return;
  }
  const auto pins = ScanPins();
  for (ProgramInfo program : *programs) {
    program.ours = companions_.IsOurs(program.id);
    if (const auto pinned = pins.find(program.id); pinned != pins.end()) {
      program.pins = pinned->second;
    }
    correlator_->AddProgram(program);
    if (!program.ours) code_.Add(program, /*just_loaded=*/false, *sink_);
  }
  code_.AddMaps(*sink_);
}

void Recording::TakeCode() {
  code_.TakeNamed(*sink_);
  map_snapshots_.TakeOfCulprits(*sink_);
  TakeCodeNotes();
}

void Recording::TakeCodeNotes() {
  for (std::string& note : code_.TakeNotes()) AddNote(std::move(note));
  for (std::string& note : map_snapshots_.TakeNotes()) AddNote(std::move(note));
}

void Recording::LookAtPins() {
  const auto pins = ScanPins();
  for (const ProgramInfo* known : correlator_->programs()) {
    const auto pinned = pins.find(known->id);
    if (pinned == pins.end() || known->unload_time_ns != kForever) continue;
    ProgramInfo program = *known;
    program.pins = pinned->second;
    correlator_->AddProgram(program);
  }
}

void Recording::LookAtProgram(uint32_t id, const BpfProgramRecord* load) {
  // One that is gone by now leaves what the side-band tells of it.
  auto program = ReadProgram(id);
  if (!program.ok()) return;
  if (load != nullptr) {
    program->loader_pid = load->pid;
    program->loader_comm = ReadTaskName(load->tid);
    program->loader_cgroup = ReadCgroupOf(load->pid);
  }
  program->ours = companions_.IsOurs(id);
  correlator_->AddProgram(*program);
  if (!program->ours) code_.Add(*program, /*just_loaded=*/load != nullptr, *sink_);
}

void Recording::FollowAttachments() {
  auto monitor = AttachmentMonitor::Open();
  if (!monitor.ok()) {
    AddNote(absl::StrCat("where programs are attached is unknown: ", monitor.status().message()));
    return;
  }
  monitor_ = std::move(monitor).value();
  TakeAttachmentNews();
  if (const absl::Status started = monitor_->Start(); !started.ok()) {
    AddNote(absl::StrCat("changes of attachments are not followed: ", started.message()));
  }
}

void Recording::TakeAttachmentNews() {
  if (monitor_ == nullptr) return;
  for (std::string& note : monitor_->TakeNotes()) AddNote(std::move(note));
  const std::vector<AttachmentNews> all_news = monitor_->Take();
  for (const AttachmentNews& news : all_news) correlator_->OnAttachmentNews(news);
  if (!all_news.empty()) FollowExits();
  const uint32_t iterator_id = monitor_->own_program_id();
  if (iterator_id == 0 || companions_.IsOurs(iterator_id)) return;
  companions_.AddOurs(iterator_id);
  LookAtProgram(iterator_id);
}

void Recording::FollowHostCounters() {
  const auto& events = selection_.tracepoints;
  if (std::none_of(events.begin(), events.end(),
                   [](const std::string& event) { return Enricher::Knows(event); })) {
    return;  // they stand beside drops
  }
  auto monitor = HostCounterMonitor::Open();
  if (monitor.ok()) {
    host_counters_ = std::move(monitor).value();
  } else {
    AddNote(absl::StrCat("the host's own counters are not read: ", monitor.status().message()));
  }
}

void Recording::TakeHostCounters() {
  if (host_counters_ == nullptr) return;
  for (const HostCounters& counters : host_counters_->Take()) sink_->OnHostCounters(counters);
}

void Recording::FollowExits() {
  ExitTracer* exits = companions_.exits();
  if (exits == nullptr) return;
  exits->Follow(correlator_->ProgramsThatPassPackets());
  for (const uint32_t id : exits->program_ids()) {
    if (companions_.IsOurs(id)) continue;
    companions_.AddOurs(id);
    LookAtProgram(id);
  }
  for (; exit_notes_taken_ < exits->notes().size(); ++exit_notes_taken_) {
    AddNote(exits->notes()[exit_notes_taken_]);
  }
}

void Recording::HearOfModules() {
  if (!modules_.has_value() || !modules_->Read()) return;
  modules_changed_ = true;
  if (Enricher* enricher = companions_.enricher()) {
    enricher->LookAtModules();  // quick, and not after all symbols
  }
}

absl::Status Recording::Step(absl::Span<const int> also_fds, uint64_t until_ns) {
  std::vector<pollfd> fds = {{source_->poll_fd(), POLLIN, 0}};
  if (modules_.has_value()) fds.push_back({modules_->fd(), POLLIN, 0});
  for (const int fd : also_fds) fds.push_back({fd, POLLIN, 0});
  const uint64_t now = MonotonicNs();
  const uint64_t left_ms = until_ns > now ? (until_ns - now + 999'999) / 1'000'000 : 0;
  ExitTracer* exits = companions_.exits();
  const uint64_t step_ms = exits == nullptr ? kStepMs : ExitTracer::kLetGoEveryNs / 1'000'000;
  const int wait_ms = source_->unfinished() ? 0 : static_cast<int>(std::min(left_ms, step_ms));
  if (poll(fds.data(), fds.size(), wait_ms) < 0 && errno != EINTR)
    return ErrnoStatus(errno, "poll");
  if (exits != nullptr) exits->LetGoOfUnheld(MonotonicNs());
  TakeAttachmentNews();
  TakeHostCounters();
  counts_are_told_ = false;
  RETURN_IF_ERROR(source_->Read(*correlator_));
  TakeCode();
  TakeSourceNotes();
  const uint64_t now_ns = MonotonicNs();
  if (now_ns - last_clocks_ns_ >= kClocksEveryNs) {
    last_clocks_ns_ = now_ns;
    sink_->OnClocks(ReadClocks());
  }
  ExactCounts* counts = companions_.counts();
  if (source_->cpu_changes() != cpu_changes_seen_ && counts != nullptr) {
    cpu_changes_seen_ = source_->cpu_changes();
    counts->CpusChanged();
  }
  Govern(now_ns);
  if (now_ns - last_counts_ns_ >= kCountsEveryNs) {
    last_counts_ns_ = now_ns;
    TellCounts();
  }
  if (now_ns - last_forgotten_ns_ >= kForgetEveryNs) {
    if (last_forgotten_ns_ != 0) {
      correlator_->Forget(now_ns - kForgetEveryNs);
      malloc_trim(0);  // what a rush of programs took is given back
    }
    last_forgotten_ns_ = now_ns;
  }
  // Losses are told once a second, so that this is not done more often.
  if (correlator_->side_band_losses() != side_band_losses_seen_) {
    side_band_losses_seen_ = correlator_->side_band_losses();
    AddNote(
        "loads and unloads of programs were lost in a full ring: programs on callchains are named "
        "again once they have been looked at anew");
    LookAtPrograms();
  }
  HearOfModules();
  // They may come in a row; the first one of it counts most.
  if (modules_changed_ && now_ns - last_symbols_ns_ >= kSymbolsAtMostEveryNs / 10) {
    modules_changed_ = false;
    LookAtKernelSymbols();
  }
  // An address that no table knows: a module was loaded unheard, or its text has no symbol.
  if (correlator_->unknown_addresses() != unknown_addresses_seen_ &&
      now_ns - last_symbols_ns_ >= kSymbolsAtMostEveryNs) {
    LookAtKernelSymbols();
    unknown_addresses_seen_ = correlator_->unknown_addresses();
  }
  return absl::OkStatus();
}

absl::StatusOr<Recording::Summary> Recording::Finish(const std::string& reason) {
  const uint64_t ended_ns = MonotonicNs();
  if (monitor_ != nullptr) {
    // Before the last events are judged, so that all but those of this moment stand between looks.
    if (const absl::Status last = monitor_->Finish(); !last.ok()) {
      AddNote(absl::StrCat("attachments could not be looked at at the end: ", last.message()));
    }
    TakeAttachmentNews();
  }
  BpfCallTracer* calls = companions_.calls();
  if (calls != nullptr) calls->Detach();  // what is under way is none of ours
  const auto finish_source = [this] { return source_->Finish(*correlator_); };
  ExactCounts* exact = companions_.counts();
  RETURN_IF_ERROR(exact != nullptr ? exact->End(finish_source) : finish_source());
  if (host_counters_ != nullptr) {
    host_counters_->Finish().IgnoreError();
    TakeHostCounters();
  }
  TakeCode();
  map_snapshots_.TakeAll("end", /*at_end=*/true, *sink_);
  TakeCodeNotes();
  if (Enricher* enricher = companions_.enricher()) enricher->Detach();
  if (ExitTracer* exits = companions_.exits()) {
    exits->Follow({});
    for (const auto& [id, counts] : exits->Counts()) {
      sink_->OnXdpActions({id, counts[XDP_ABORTED], counts[XDP_DROP], counts[XDP_PASS],
                           counts[XDP_TX], counts[XDP_REDIRECT],
                           counts[exit_count_of(UINT32_MAX)]});
    }
  }
  TakeSourceNotes();
  LookAtPins();
  correlator_->TellWhatStillHolds();
  for (const ProgramInfo* program : correlator_->programs()) sink_->OnProgram(*program);
  Summary summary;
  uint64_t counted = 0;
  uint64_t filtered = 0;
  for (const EventCounts& counts : Counts(Waiting::kNone)) {
    summary.missed += counts.missed;
    summary.only_counted += counts.only_counted;
    counted += counts.counted;
    filtered += counts.filtered;
    sink_->OnCounts(counts);
  }
  if (calls != nullptr) TellCallTotals(*calls, &summary);
  TellKinds();
  if (!options_.filter_text.empty()) {
    AddNote(absl::StrCat("the filters kept out ", FormatCount(filtered), " of ",
                         FormatCount(counted), " drops and XDP exceptions counted"));
  }
  sink_->OnClocks(ReadClocks());
  summary.events = correlator_->events();
  summary.lost += correlator_->lost();
  summary.programs = correlator_->programs_ever();
  summary.attachments = correlator_->attachments();
  summary.duration_ns = ended_ns - started_ns_;
  RecordingEnd end;
  end.time_ns = ended_ns;
  end.events = summary.events;
  end.lost = summary.lost;
  end.missed = summary.missed;
  end.out_of_order = source_->out_of_order();
  end.reason = reason;
  end.cpu_time_ns = ProcessCpuNs();
  sink_->OnEnd(end);
  return summary;
}

}  // namespace correlate
