#include "collector/perf_source.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/clocks.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "collector/bpf_loading.h"
#include "collector/cpu_list.h"
#include "collector/perf_attr.h"
#include "collector/record_ring.h"
#include "collector/ring_record.h"

namespace correlate {
namespace {

constexpr size_t kAllRingsBytes = 64 << 20;
constexpr size_t kLeastRingBytes = 256 << 10;
constexpr size_t kMostRingBytes = 8 << 20;
// How long a CPU may be held up between taking a record's time and publishing the record, before
// the record counts as out of order: a virtual CPU that is not scheduled shows tens of ms.
constexpr uint64_t kSlackNs = 50'000'000;
// Frames of the companion program and of what calls it, above the kernel's own; they are taken off
// again (symbolize/stack_resolver.h). The kernel takes no more than kMostFrames by default.
constexpr uint32_t kTracerFrames = 4;
constexpr uint32_t kMostFrames = 127;
// What a pass reads of all rings of records together: the rest stays where it is until the next, so
// that memory is bounded by what comes in kSlackNs, and not by the rings.
constexpr size_t kPassBytes = 4 << 20;
constexpr size_t kLeastPassBytes = 64 << 10;  // of each ring
constexpr uint64_t kLeadNs = 10'000'000;
constexpr size_t kEverything = SIZE_MAX;
constexpr uint64_t kCheckNs = 1'000'000'000;  // for CPUs that come and go, and for counts

size_t DefaultRingBytes(size_t cpus) {
  const size_t share = std::bit_floor(kAllRingsBytes / std::max<size_t>(cpus, 1));
  return std::clamp(share, kLeastRingBytes, kMostRingBytes);
}

}  // namespace

std::string PerfSourceSpec::ToString() const {
  return absl::StrCat(absl::StrJoin(tracepoints, ",",
                                    [](std::string* out, const Tracepoint& tracepoint) {
                                      absl::StrAppend(out, tracepoint.name);
                                    }),
                      callchains == Callchains::kNone
                          ? " without callchains"
                          : absl::StrCat(" with up to ", max_stack, " frames"));
}

// One perf event of a ring, and what is told of it so far.
struct PerfSource::RingEvent {
  PerfRing::EventSpec spec;
  std::string name;       // for losses
  bool counts = false;    // its own count is that of hits
  bool records = false;   // it makes samples
  bool enriched = false;  // by a companion program
  PerfSourceSpec::Role role = PerfSourceSpec::Role::kCount;
  size_t tracepoint = 0;  // index in the spec, of either
  uint64_t id = 0;
  uint64_t lost = 0;     // told so far
  uint64_t counted = 0;  // as of the last reading
};

struct PerfSource::Ring {
  std::unique_ptr<PerfRing> ring;
  std::vector<RingEvent> events;
  size_t stream = 0;
  uint64_t lost_records = 0;       // of PERF_RECORD_LOST, told so far
  uint64_t lost_records_seen = 0;  // as of the last pass
  uint64_t loss_checked_ns = 0;
};

// What comes from a companion program without a callchain: its events are known by their ids alone.
struct PerfSource::CompanionRing {
  std::unique_ptr<RecordRing> ring;
  std::vector<RingEvent> events;
  size_t stream = 0;
};

struct PerfSource::Cpu {
  uint32_t cpu = 0;
  std::unique_ptr<Ring> samples;             // null when no tracepoint was asked for
  std::unique_ptr<CompanionRing> companion;  // null when nothing goes there
  std::unique_ptr<Ring> programs;
  std::unique_ptr<Ring> tasks;

  std::vector<Ring*> Rings() const {
    std::vector<Ring*> rings;
    for (const auto* ring : {&samples, &programs, &tasks}) {
      if (*ring != nullptr) rings.push_back(ring->get());
    }
    return rings;
  }
  std::vector<RingEvent> TracepointEvents() const {
    std::vector<RingEvent> events;
    if (samples != nullptr) events = samples->events;
    if (companion != nullptr) {
      events.insert(events.end(), companion->events.begin(), companion->events.end());
    }
    return events;
  }
};

struct PerfSource::RetiredEvent {
  uint32_t cpu = 0;
  RingEvent event;
};

PerfSource::PerfSource(PerfSourceSpec spec) : spec_(std::move(spec)) {
  for (const PerfSourceSpec::Tracepoint& tracepoint : spec_.tracepoints) {
    enriched_formats_.push_back(tracepoint.enriched_format != nullptr ? *tracepoint.enriched_format
                                                                      : EventFormat());
  }
  companion_losses_.resize(spec_.tracepoints.size());
}
PerfSource::~PerfSource() = default;

absl::StatusOr<std::unique_ptr<PerfSource>> PerfSource::Open(PerfSourceSpec spec) {
  ASSIGN_OR_RETURN(const std::vector<uint32_t> cpus, OnlineCpus());
  std::unique_ptr<PerfSource> source(new PerfSource(std::move(spec)));
  source->poll_fd_ = ScopedFd(epoll_create1(EPOLL_CLOEXEC));
  if (!source->poll_fd_.valid()) return ErrnoStatus(errno, "epoll_create1");
  source->ChooseRingBytes(cpus.size());
  const size_t wanted = source->ring_bytes();
  for (const uint32_t cpu : cpus) {
    RETURN_IF_ERROR(source->OpenCpu(cpu));
  }
  source->last_cpu_check_ns_ = source->last_loss_check_ns_ = source->companion_losses_checked_ns_ =
      MonotonicNs();
  if (source->ring_bytes() < wanted) {
    source->notes_.push_back(absl::StrCat("ring buffers of ", source->ring_bytes(),
                                          " bytes a CPU instead of ", wanted,
                                          ": the host refused more (CAP_IPC_LOCK or "
                                          "kernel.perf_event_mlock_kb); losses come sooner"));
  }
  if (!source->format_lost_) {
    source->notes_.push_back(
        "this kernel has no PERF_FORMAT_LOST (Linux 6.0): losses are known only as far as LOST "
        "records could be written");
  }
  return source;
}

absl::StatusOr<std::unique_ptr<PerfSource::Ring>> PerfSource::OpenRing(
    uint32_t cpu, size_t* bytes, std::vector<RingEvent> wanted) {
  auto ring = std::make_unique<Ring>();
  for (;;) {
    std::vector<PerfRing::EventSpec> specs;
    for (RingEvent& event : wanted) {
      if (!format_lost_) event.spec.attr.read_format &= ~uint64_t{PERF_FORMAT_LOST};
      specs.push_back(event.spec);
    }
    bool mapping_refused = false;
    auto opened = PerfRing::Open(cpu, specs, *bytes, &mapping_refused);
    if (opened.ok()) {
      ring->ring = std::move(opened).value();
      break;
    }
    if (mapping_refused && *bytes / 2 >= static_cast<size_t>(getpagesize())) {
      *bytes /= 2;
    } else if (format_lost_ && absl::IsInvalidArgument(opened.status())) {
      format_lost_ = false;
    } else {
      return opened.status();
    }
  }
  ring->events = std::move(wanted);
  for (size_t i = 0; i < ring->events.size(); ++i) {
    RingEvent& event = ring->events[i];
    ASSIGN_OR_RETURN(const PerfRing::Reading reading, ring->ring->Read(i));
    event.id = reading.id;
    if (!event.records && !event.enriched) continue;
    const uint32_t format_id = spec_.tracepoints[event.tracepoint].format_id;
    const uint64_t sample_type = event.spec.attr.sample_type;
    if (event.records && event.enriched) {
      translator_.AddEnrichedEvent(event.id, sample_type, format_id,
                                   enriched_formats_[event.tracepoint], /*stack_omitted=*/false);
    } else if (event.records) {
      translator_.AddEvent(event.id, sample_type, format_id);
    }
    if (event.enriched) {
      RETURN_IF_ERROR(spec_.connect(event.name, cpu, event.role, ring->ring->fd(i)));
    }
  }
  // All of one ring agree in what ordering needs, and in the trailer of what is no sample.
  const uint64_t sample_type = ring->events.back().spec.attr.sample_type;
  ring->stream = translator_.AddStream(cpu, {.sample_type = sample_type});
  ring->loss_checked_ns = MonotonicNs();
  RETURN_IF_ERROR(WaitFor(ring->ring->poll_fd(), EPOLLIN));
  return ring;
}

absl::Status PerfSource::WaitFor(int fd, uint32_t epoll_events) {
  epoll_event interest = {};
  interest.events = epoll_events;
  if (epoll_ctl(poll_fd_.get(), EPOLL_CTL_ADD, fd, &interest) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "epoll_ctl of a ring");
}

absl::StatusOr<std::unique_ptr<PerfSource::CompanionRing>> PerfSource::OpenCompanionRing(
    uint32_t cpu) {
  auto ring = std::make_unique<CompanionRing>();
  for (;;) {
    auto created = RecordRing::Create(companion_ring_bytes_);
    if (created.ok()) {
      ring->ring = std::move(created).value();
      break;
    }
    if (companion_ring_bytes_ / 2 < static_cast<size_t>(getpagesize())) return created.status();
    companion_ring_bytes_ /= 2;
  }
  const bool omitted = spec_.callchains == PerfSourceSpec::Callchains::kAdaptive;
  for (size_t i = 0; i < spec_.tracepoints.size(); ++i) {
    if (enriched_formats_[i].name.empty() || spec_.tracepoints[i].only_count ||
        spec_.callchains == PerfSourceSpec::Callchains::kAll) {
      continue;
    }
    RingEvent event;
    event.name = spec_.tracepoints[i].name;
    event.records = event.enriched = true;
    event.tracepoint = i;
    event.id = RING_EVENT_ID(cpu, CompanionNumber(event.name));
    translator_.AddEnrichedEvent(event.id, RING_SAMPLE_TYPE, spec_.tracepoints[i].format_id,
                                 enriched_formats_[i], omitted);
    ring->events.push_back(std::move(event));
  }
  if (spec_.bpf_calls) {
    translator_.AddBpfCalls(RING_EVENT_ID(cpu, RING_BPF_CALLS), RING_SAMPLE_TYPE);
  }
  ring->stream = translator_.AddStream(cpu, {.sample_type = RING_SAMPLE_TYPE});
  RETURN_IF_ERROR(spec_.connect_ring(cpu, ring->ring->map_fd()));
  RETURN_IF_ERROR(WaitFor(ring->ring->map_fd(), EPOLLIN | EPOLLET));
  return ring;
}

// A storm is recorded without callchains, unless all are asked for.
void PerfSource::ChooseRingBytes(size_t cpus) {
  using Callchains = PerfSourceSpec::Callchains;
  bool plain = false;
  bool companions = false;
  for (size_t i = 0; i < spec_.tracepoints.size(); ++i) {
    const bool enriched = !enriched_formats_[i].name.empty();
    plain |= !enriched;
    companions |= enriched && !spec_.tracepoints[i].only_count;
  }
  const bool both = companions && spec_.callchains == Callchains::kAdaptive;
  const size_t asked = spec_.ring_bytes;
  const size_t share = DefaultRingBytes(cpus);
  if (spec_.bpf_calls || (companions && spec_.callchains != Callchains::kAll)) {
    companion_ring_bytes_ = asked != 0 ? asked : share * 2;
  }
  const bool all_callchains = companions && spec_.callchains == Callchains::kAll;
  if (plain || all_callchains) {
    sample_ring_bytes_ = asked != 0 ? asked : share;
  } else if (both) {
    sample_ring_bytes_ = asked != 0 ? asked : share / 4;
  } else {
    sample_ring_bytes_ = static_cast<size_t>(getpagesize());  // nothing comes
  }
}

size_t PerfSource::ring_bytes() const { return sample_ring_bytes_ + companion_ring_bytes_; }

// Plain tracepoints count and record in one event; an enriched one is counted by an event of its
// own, with which those that record go on and off.
std::vector<PerfSource::RingEvent> PerfSource::SampleEvents() const {
  using Callchains = PerfSourceSpec::Callchains;
  const auto watermark_bytes = static_cast<uint32_t>(sample_ring_bytes_ / 4);
  const bool callchains = spec_.callchains != Callchains::kNone;
  std::vector<RingEvent> events;
  for (size_t i = 0; i < spec_.tracepoints.size(); ++i) {
    const PerfSourceSpec::Tracepoint& tracepoint = spec_.tracepoints[i];
    RingEvent event;
    event.name = tracepoint.name;
    event.tracepoint = i;
    event.counts = true;
    if (enriched_formats_[i].name.empty()) {
      event.records = true;
      event.spec.filter = tracepoint.filter;
      event.spec.attr =
          TracepointAttr(tracepoint.tracepoint_id, callchains, spec_.max_stack, watermark_bytes);
      events.push_back(std::move(event));
      continue;
    }
    event.enriched = true;
    event.spec.attr = TracepointCountAttr(tracepoint.tracepoint_id, watermark_bytes);
    events.push_back(event);
    if (tracepoint.only_count) continue;
    if (!callchains) continue;
    event.counts = false;
    event.records = true;
    event.spec.joins_previous = true;
    event.role = PerfSourceSpec::Role::kRecords;
    event.spec.attr =
        BpfOutputAttr(std::min(spec_.max_stack + kTracerFrames, kMostFrames), watermark_bytes);
    events.push_back(event);
  }
  return events;
}

absl::Status PerfSource::OpenCpu(uint32_t number) {
  auto cpu = std::make_unique<Cpu>();
  cpu->cpu = number;
  size_t program_bytes = kProgramRingBytes;
  size_t task_bytes = kTaskRingBytes;
  const auto side_band = [](const perf_event_attr& attr) {
    RingEvent event;
    event.name = std::string(kSideBandSource);
    event.spec.attr = attr;
    return std::vector<RingEvent>{event};
  };
  ASSIGN_OR_RETURN(cpu->programs, OpenRing(number, &program_bytes, side_band(ProgramLoadsAttr())));
  ASSIGN_OR_RETURN(cpu->tasks,
                   OpenRing(number, &task_bytes, side_band(TaskNamesAttr(kTaskRingBytes / 4))));
  if (!spec_.tracepoints.empty()) {
    ASSIGN_OR_RETURN(cpu->samples, OpenRing(number, &sample_ring_bytes_, SampleEvents()));
  }
  if (companion_ring_bytes_ > 0) {
    ASSIGN_OR_RETURN(cpu->companion, OpenCompanionRing(number));
  }
  cpu->programs->ring->Enable();
  cpu->tasks->ring->Enable();
  if (started_ && cpu->samples != nullptr) cpu->samples->ring->Enable();
  cpus_.push_back(std::move(cpu));
  return absl::OkStatus();
}

absl::Status PerfSource::Start() {
  started_ = true;
  for (const auto& cpu : cpus_) {
    if (cpu->samples != nullptr) cpu->samples->ring->Enable();
  }
  return absl::OkStatus();
}

bool PerfSource::Drain(Ring& ring, size_t most_bytes) {
  return ring.ring->Drain(most_bytes, [&](absl::Span<const uint8_t> record) {
    const auto* header = reinterpret_cast<const perf_event_header*>(record.data());
    if (header->type == PERF_RECORD_BPF_EVENT) {
      ParsedRecord parsed;
      const RecordLayout layout = {.sample_type = ProgramLoadsAttr().sample_type};
      if (ParseRecord(record, layout, &parsed) == RecordKind::kBpfProgram) {
        const auto& tell =
            parsed.bpf_program.load ? spec_.on_program_load : spec_.on_program_unload;
        if (tell) tell(parsed.bpf_program);
      }
    }
    translator_.Append(ring.stream, record);
  });
}

bool PerfSource::Drain(CompanionRing& ring, size_t most_bytes) {
  return ring.ring->Drain(most_bytes, [&](absl::Span<const uint8_t> record) {
    translator_.Append(ring.stream, record);
  });
}

void PerfSource::ReportLoss(Ring& ring, uint64_t now_ns, EventSink& sink) {
  Loss loss;
  loss.from_ns = std::exchange(ring.loss_checked_ns, now_ns);
  loss.to_ns = now_ns;
  loss.cpu = ring.ring->cpu();
  for (size_t i = 0; i < ring.events.size(); ++i) {
    RingEvent& event = ring.events[i];
    const auto reading = ring.ring->Read(i);
    if (!reading.ok()) continue;
    event.counted = reading->counted;
    if (!format_lost_ || event.enriched || reading->lost == event.lost) continue;
    loss.source = event.name;
    loss.count = reading->lost - std::exchange(event.lost, reading->lost);
    sink.OnRawEvent(loss);
  }
  if (format_lost_) return;
  const uint64_t told = translator_.lost(ring.stream);
  if (told == ring.lost_records) return;
  // A LOST record speaks for its ring, not for one event of it.
  loss.source = ring.events.size() == 1 ? ring.events.front().name : "all tracepoints";
  loss.count = told - std::exchange(ring.lost_records, told);
  if (ring.events.size() == 1) ring.events.front().lost += loss.count;
  sink.OnRawEvent(loss);
}

// Their perf events know nothing of what found no room in the other ring.
void PerfSource::ReportCompanionLosses(uint64_t now_ns, EventSink& sink) {
  Loss loss;
  loss.from_ns = std::exchange(companion_losses_checked_ns_, now_ns);
  loss.to_ns = now_ns;
  for (size_t i = 0; i < spec_.tracepoints.size(); ++i) {
    if (enriched_formats_[i].name.empty() || spec_.companion_losses == nullptr) continue;
    loss.source = spec_.tracepoints[i].name;
    const std::vector<uint64_t> losses = spec_.companion_losses(loss.source);
    std::vector<uint64_t>& told = companion_losses_[i];
    told.resize(std::max(told.size(), losses.size()));
    for (size_t cpu = 0; cpu < losses.size(); ++cpu) {
      if (losses[cpu] == told[cpu]) continue;
      loss.cpu = static_cast<uint32_t>(cpu);
      loss.count = losses[cpu] - std::exchange(told[cpu], losses[cpu]);
      sink.OnRawEvent(loss);
    }
  }
}

// Before what came after them: a recorder may be killed at any moment.
void PerfSource::ReportLosses(uint64_t now_ns, EventSink& sink) {
  const bool due = now_ns - last_loss_check_ns_ >= kCheckNs;
  if (due) last_loss_check_ns_ = now_ns;
  for (const auto& cpu : cpus_) {
    for (Ring* ring : cpu->Rings()) {
      // The kernel tells of losses ahead of the first record that finds room again.
      const uint64_t seen = translator_.lost(ring->stream);
      const bool lost = std::exchange(ring->lost_records_seen, seen) != seen;
      if (due || lost) ReportLoss(*ring, now_ns, sink);
    }
  }
  ReportCompanionLosses(now_ns, sink);
}

uint64_t PerfSource::DrainRecords() {
  // One that is far ahead of another would only wait for it.
  const uint64_t behind_ns = std::exchange(behind_ns_, kForever);
  const uint64_t ahead_ns = behind_ns == kForever ? kForever : behind_ns + kLeadNs;
  const size_t most_bytes =
      std::max(kPassBytes / std::max<size_t>(cpus_.size(), 1), kLeastPassBytes);
  const auto drain = [&](auto& ring) {
    if (translator_.last_time_ns(ring.stream) < ahead_ns && Drain(ring, most_bytes)) return;
    behind_ns_ = std::min(behind_ns_, translator_.last_time_ns(ring.stream));
  };
  for (const auto& cpu : cpus_) {
    if (cpu->samples != nullptr) drain(*cpu->samples);
    if (cpu->companion != nullptr) drain(*cpu->companion);
  }
  return behind_ns_ == kForever ? kForever : behind_ns_ - std::min(behind_ns_, kSlackNs);
}

absl::Status PerfSource::Read(EventSink& sink) {
  // What woke us is what is read now: only then does it wake us again.
  epoll_event woken[64];
  while (epoll_wait(poll_fd_.get(), woken, std::size(woken), 0) == std::size(woken)) {
  }
  const uint64_t horizon_ns = MonotonicNs() - kSlackNs;
  for (const auto& cpu : cpus_) {
    Drain(*cpu->programs, kEverything);
    Drain(*cpu->tasks, kEverything);
  }
  const uint64_t complete_ns = std::min(horizon_ns, DrainRecords());
  const uint64_t now_ns = MonotonicNs();
  ReportLosses(now_ns, sink);
  translator_.Release(complete_ns, sink);
  if (now_ns - last_cpu_check_ns_ >= kCheckNs) {
    last_cpu_check_ns_ = now_ns;
    return FollowCpus(sink);
  }
  return absl::OkStatus();
}

void PerfSource::Retire(Cpu& cpu, EventSink& sink) {
  for (Ring* ring : cpu.Rings()) {
    ring->ring->Disable();
    Drain(*ring, kEverything);
    ReportLoss(*ring, MonotonicNs(), sink);
    // The descriptor leaves the epoll set by being closed.
  }
  // Last, since nothing stops a program that is at it.
  if (cpu.companion != nullptr) Drain(*cpu.companion, kEverything);
}

absl::Status PerfSource::FollowCpus(EventSink& sink) {
  const auto online = OnlineCpus();
  if (!online.ok()) return absl::OkStatus();  // keep what is there
  for (auto& cpu : cpus_) {
    const bool is_online = std::find(online->begin(), online->end(), cpu->cpu) != online->end();
    if (is_online && cpu->programs->ring->Attached()) continue;
    Retire(*cpu, sink);
    ++cpu_changes_;
    notes_.push_back(absl::StrCat("CPU ", cpu->cpu, " went offline during the recording"));
    for (const RingEvent& event : cpu->TracepointEvents()) retired_.push_back({cpu->cpu, event});
    cpu.reset();
  }
  std::erase(cpus_, nullptr);
  for (const uint32_t number : *online) {
    const bool known = std::any_of(cpus_.begin(), cpus_.end(),
                                   [&](const auto& cpu) { return cpu->cpu == number; });
    if (known) continue;
    // It may be gone again: no reason to end the recording.
    const absl::Status opened = OpenCpu(number);
    ++cpu_changes_;
    notes_.push_back(
        opened.ok()
            ? absl::StrCat("CPU ", number, " came online; recorded from then on")
            : absl::StrCat("CPU ", number, " came online and is not recorded: ", opened.message()));
  }
  return absl::OkStatus();
}

absl::Status PerfSource::Finish(EventSink& sink) {
  for (const auto& cpu : cpus_) Retire(*cpu, sink);
  ReportCompanionLosses(MonotonicNs(), sink);
  translator_.Release(kForever, sink);
  return absl::OkStatus();
}

std::vector<EventCounts> PerfSource::Counts() const {
  std::vector<EventCounts> all;
  // One entry a format and CPU, also if the CPU went and came back.
  const auto add = [&](uint32_t cpu, const RingEvent& event) {
    const uint32_t format_id = spec_.tracepoints[event.tracepoint].format_id;
    auto entry = std::find_if(all.begin(), all.end(), [&](const EventCounts& other) {
      return other.format_id == format_id && other.cpu == cpu;
    });
    if (entry == all.end()) {
      entry = all.insert(all.end(), EventCounts{.format_id = format_id, .cpu = cpu});
    }
    if (event.counts) entry->counted += event.counted;
    if (!event.records) return;
    entry->written += translator_.written(event.id);
    entry->lost += event.lost;
  };
  for (const RetiredEvent& retired : retired_) add(retired.cpu, retired.event);
  for (const auto& cpu : cpus_) {
    for (const RingEvent& event : cpu->TracepointEvents()) add(cpu->cpu, event);
  }
  for (EventCounts& counts : all) {
    const uint64_t explained = counts.written + counts.lost;
    counts.missed = counts.counted > explained ? counts.counted - explained : 0;
  }
  return all;
}

}  // namespace correlate
