// PerfRing by libperf. perf_ring_syscalls.cc is the same without it.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "collector/passing_time.h"
#include "collector/perf_ring.h"
#include "collector/perf_ring_errors.h"

extern "C" {
#include <perf/core.h>
#include <perf/cpumap.h>
#include <perf/event.h>
#include <perf/evlist.h>
#include <perf/evsel.h>
#include <perf/mmap.h>
#include <perf/threadmap.h>
// For file descriptors and groups, which libperf's public headers do not give.
// clang-format off
#include <linux/libperf_types.h>
#include <internal/evsel.h>
#include <internal/mmap.h>
#include <internal/xyarray.h>
// clang-format on
}

namespace correlate {
namespace {

// libperf prints to stderr what its return values say as well.
int Silent(enum libperf_print_level, const char*, va_list) { return 0; }

void InitOnce() {
  static const bool done = [] {
    libperf_init(Silent);
    return true;
  }();
  (void)done;
}

}  // namespace

struct PerfRing::Handles {
  perf_evlist* evlist = nullptr;
  perf_mmap* map = nullptr;
  std::vector<perf_evsel*> events;  // owned by evlist

  ~Handles() {
    if (evlist == nullptr) return;
    perf_evlist__munmap(evlist);
    perf_evlist__close(evlist);
    perf_evlist__delete(evlist);
  }
};

PerfRing::PerfRing(uint32_t cpu, size_t ring_bytes, std::unique_ptr<Handles> handles)
    : cpu_(cpu), ring_bytes_(ring_bytes), handles_(std::move(handles)) {}

PerfRing::~PerfRing() = default;

absl::StatusOr<std::unique_ptr<PerfRing>> PerfRing::Open(uint32_t cpu,
                                                         absl::Span<const EventSpec> events,
                                                         size_t ring_bytes, bool* mapping_refused) {
  InitOnce();
  *mapping_refused = false;
  auto handles = std::make_unique<Handles>();
  handles->evlist = perf_evlist__new();
  if (handles->evlist == nullptr) return absl::ResourceExhaustedError("libperf: out of memory");
  for (const EventSpec& spec : events) {
    perf_event_attr attr = spec.attr;
    perf_evsel* event = perf_evsel__new(&attr);
    if (event == nullptr) return absl::ResourceExhaustedError("libperf: out of memory");
    perf_evlist__add(handles->evlist, event);
    if (spec.joins_previous) event->leader = handles->events.back()->leader;
    handles->events.push_back(event);
  }
  perf_cpu_map* cpus = perf_cpu_map__new(std::to_string(cpu).c_str());
  perf_thread_map* threads = perf_thread_map__new_dummy();
  if (cpus == nullptr || threads == nullptr) {
    perf_cpu_map__put(cpus);
    perf_thread_map__put(threads);
    return absl::ResourceExhaustedError("libperf: out of memory");
  }
  perf_thread_map__set_pid(threads, 0, -1);  // every task on that CPU
  perf_evlist__set_maps(handles->evlist, cpus, threads);
  perf_cpu_map__put(cpus);
  perf_thread_map__put(threads);

  if (const int error = perf_evlist__open(handles->evlist); error < 0) {
    return PerfEventOpenError(-error, cpu);
  }
  for (size_t i = 0; i < events.size(); ++i) {
    if (events[i].filter.empty()) continue;
    if (perf_evsel__apply_filter(handles->events[i], events[i].filter.c_str()) != 0) {
      return PerfFilterError(events[i].filter);
    }
  }
  const int pages = static_cast<int>(ring_bytes / static_cast<size_t>(getpagesize()));
  errno = 0;
  if (perf_evlist__mmap(handles->evlist, pages) < 0) {
    const int error = errno != 0 ? errno : EINVAL;
    *mapping_refused = IsMappingRefusal(error);
    return PerfMappingError(error, ring_bytes, cpu);
  }
  handles->map = perf_evlist__next_mmap(handles->evlist, nullptr, /*overwrite=*/false);
  if (handles->map == nullptr) return absl::InternalError("libperf: no mapping");
  return std::unique_ptr<PerfRing>(new PerfRing(cpu, ring_bytes, std::move(handles)));
}

bool PerfRing::Drain(size_t most_bytes,
                     absl::FunctionRef<void(absl::Span<const uint8_t>)> receiver) {
  perf_mmap* map = handles_->map;
  if (most_bytes == 0) return false;
  if (perf_mmap__read_init(map) < 0) return true;
  // The kernel keeps writing meanwhile. One ring's worth of bytes covers everything that was there
  // at the start, and ends the pass even when events come as fast as they are read.
  size_t bytes = 0;
  while (bytes < std::min(most_bytes, ring_bytes_)) {
    const perf_event* event = perf_mmap__read_event(map);
    if (event == nullptr) return true;
    bytes += event->header.size;
    receiver({reinterpret_cast<const uint8_t*>(event), event->header.size});
    perf_mmap__consume(map);
  }
  return most_bytes >= ring_bytes_;
}

absl::StatusOr<PerfRing::Reading> PerfRing::Read(size_t event) const {
  perf_counts_values values = {};
  const int error = perf_evsel__read(handles_->events[event], 0, 0, &values);
  if (error < 0) return ErrnoStatus(-error, absl::StrCat("read of a perf event on CPU ", cpu_));
  return Reading{values.id, values.val, values.lost};
}

bool PerfRing::Attached() const {
  return TimeGoesOn([this]() -> std::optional<uint64_t> {
    perf_counts_values values = {};
    if (perf_evsel__read(handles_->events[0], 0, 0, &values) < 0) return std::nullopt;
    return values.ena;
  });
}

void PerfRing::Enable() { perf_evlist__enable(handles_->evlist); }
void PerfRing::Disable() { perf_evlist__disable(handles_->evlist); }
int PerfRing::fd(size_t event) const {
  return *static_cast<const int*>(xyarray__entry(handles_->events[event]->fd, 0, 0));
}
int PerfRing::poll_fd() const { return handles_->map->fd; }

}  // namespace correlate
