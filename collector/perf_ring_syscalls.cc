// PerfRing by perf_event_open(2) and mmap(2) alone. perf_ring_libperf.cc is the same by libperf.
//
// The protocol of the ring is perf_event_open(2)'s ("MMAP layout"): the kernel moves data_head
// after it has written, we move data_tail after we have read.
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/scoped_fd.h"
#include "collector/passing_time.h"
#include "collector/perf_ring.h"
#include "collector/perf_ring_errors.h"

namespace correlate {
namespace {

// What read(2) of an event gives, by its read_format.
struct Values {
  uint64_t counted = 0;
  uint64_t enabled_ns = 0;
  uint64_t id = 0;
  uint64_t lost = 0;
};

int ReadValues(int fd, uint64_t read_format, Values* values) {
  uint64_t words[5] = {};
  const ssize_t bytes = read(fd, words, sizeof words);
  if (bytes < 0) return errno;
  size_t next = 0;
  const auto take = [&]() -> uint64_t {
    return next < static_cast<size_t>(bytes) / sizeof words[0] ? words[next++] : 0;
  };
  values->counted = take();
  if ((read_format & PERF_FORMAT_TOTAL_TIME_ENABLED) != 0) values->enabled_ns = take();
  if ((read_format & PERF_FORMAT_TOTAL_TIME_RUNNING) != 0) take();
  if ((read_format & PERF_FORMAT_ID) != 0) values->id = take();
  if ((read_format & PERF_FORMAT_LOST) != 0) values->lost = take();
  return 0;
}

}  // namespace

struct PerfRing::Handles {
  struct Event {
    ScopedFd fd;
    uint64_t read_format = 0;
    int leader = -1;  // its group's fd
  };
  std::vector<Event> events;
  perf_event_mmap_page* control = nullptr;
  uint8_t* data = nullptr;
  size_t data_bytes = 0;
  size_t mapped_bytes = 0;
  std::vector<uint8_t> whole;  // a record that goes over the ring's end, in one piece

  ~Handles() {
    if (control != nullptr) munmap(control, mapped_bytes);
  }
};

PerfRing::PerfRing(uint32_t cpu, size_t ring_bytes, std::unique_ptr<Handles> handles)
    : cpu_(cpu), ring_bytes_(ring_bytes), handles_(std::move(handles)) {}

PerfRing::~PerfRing() = default;

absl::StatusOr<std::unique_ptr<PerfRing>> PerfRing::Open(uint32_t cpu,
                                                         absl::Span<const EventSpec> events,
                                                         size_t ring_bytes, bool* mapping_refused) {
  *mapping_refused = false;
  auto handles = std::make_unique<Handles>();
  for (const EventSpec& spec : events) {
    const int group = spec.joins_previous ? handles->events.back().leader : -1;
    perf_event_attr attr = spec.attr;
    const auto fd = static_cast<int>(syscall(SYS_perf_event_open, &attr, -1, static_cast<int>(cpu),
                                             group, PERF_FLAG_FD_CLOEXEC));
    if (fd < 0) return PerfEventOpenError(errno, cpu);
    handles->events.push_back({ScopedFd(fd), attr.read_format, group >= 0 ? group : fd});
  }
  for (size_t i = 0; i < events.size(); ++i) {
    if (!events[i].filter.empty() && ioctl(handles->events[i].fd.get(), PERF_EVENT_IOC_SET_FILTER,
                                           events[i].filter.c_str()) != 0) {
      return PerfFilterError(events[i].filter);
    }
  }
  const auto page = static_cast<size_t>(getpagesize());
  const int ring_fd = handles->events.front().fd.get();
  void* mapped = mmap(nullptr, page + ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd, 0);
  if (mapped == MAP_FAILED) {
    const int error = errno;
    *mapping_refused = IsMappingRefusal(error);
    return PerfMappingError(error, ring_bytes, cpu);
  }
  handles->control = static_cast<perf_event_mmap_page*>(mapped);
  handles->data = static_cast<uint8_t*>(mapped) + page;
  handles->data_bytes = ring_bytes;
  handles->mapped_bytes = page + ring_bytes;
  for (size_t i = 1; i < handles->events.size(); ++i) {
    if (ioctl(handles->events[i].fd.get(), PERF_EVENT_IOC_SET_OUTPUT, ring_fd) != 0) {
      return ErrnoStatus(errno, absl::StrCat("one ring for several perf events on CPU ", cpu));
    }
  }
  return std::unique_ptr<PerfRing>(new PerfRing(cpu, ring_bytes, std::move(handles)));
}

bool PerfRing::Drain(size_t most_bytes,
                     absl::FunctionRef<void(absl::Span<const uint8_t>)> receiver) {
  if (most_bytes == 0) return false;
  Handles& ring = *handles_;
  uint64_t tail = ring.control->data_tail;  // nobody but us moves it
  const auto head = [&ring]() -> uint64_t {
    return __atomic_load_n(&ring.control->data_head, __ATOMIC_ACQUIRE);
  };
  uint64_t end = head();
  // The kernel keeps writing meanwhile. One ring's worth of bytes covers everything that was there
  // at the start, and ends the pass even when events come as fast as they are read.
  size_t bytes = 0;
  while (bytes < std::min(most_bytes, ring_bytes_)) {
    if (tail == end && tail == (end = head())) return true;
    const size_t at = tail & (ring.data_bytes - 1);
    perf_event_header header;  // records are aligned to 8 bytes: never over the end
    std::memcpy(&header, ring.data + at, sizeof header);
    if (header.size < sizeof header || header.size > end - tail) return true;  // no record
    const uint8_t* record = ring.data + at;
    if (const size_t first = ring.data_bytes - at; header.size > first) {
      ring.whole.resize(header.size);
      std::memcpy(ring.whole.data(), record, first);
      std::memcpy(ring.whole.data() + first, ring.data, header.size - first);
      record = ring.whole.data();
    }
    bytes += header.size;
    receiver({record, header.size});
    tail += header.size;
    __atomic_store_n(&ring.control->data_tail, tail, __ATOMIC_RELEASE);
  }
  return most_bytes >= ring_bytes_;
}

absl::StatusOr<PerfRing::Reading> PerfRing::Read(size_t event) const {
  const Handles::Event& read = handles_->events[event];
  Values values;
  if (const int error = ReadValues(read.fd.get(), read.read_format, &values); error != 0) {
    return ErrnoStatus(error, absl::StrCat("read of a perf event on CPU ", cpu_));
  }
  return Reading{values.id, values.counted, values.lost};
}

bool PerfRing::Attached() const {
  const Handles::Event& first = handles_->events.front();
  return TimeGoesOn([&first]() -> std::optional<uint64_t> {
    Values values;
    if (ReadValues(first.fd.get(), first.read_format, &values) != 0) return std::nullopt;
    return values.enabled_ns;
  });
}

void PerfRing::Enable() {
  for (const Handles::Event& event : handles_->events) {
    ioctl(event.fd.get(), PERF_EVENT_IOC_ENABLE, 0);
  }
}

void PerfRing::Disable() {
  for (const Handles::Event& event : handles_->events) {
    ioctl(event.fd.get(), PERF_EVENT_IOC_DISABLE, 0);
  }
}

int PerfRing::fd(size_t event) const { return handles_->events[event].fd.get(); }
int PerfRing::poll_fd() const { return handles_->events.front().fd.get(); }

}  // namespace correlate
