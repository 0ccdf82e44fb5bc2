#include "collector/host_counter_monitor.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/errno_status.h"
#include "base/status_macros.h"
#include "collector/host_counters.h"
#include "collector/host_facts.h"

namespace correlate {
namespace {

constexpr uint64_t kEveryNs = 10'000'000'000;
constexpr uint64_t kShare = 50;

uint64_t NowNs() { return ReadClocks().monotonic_ns; }

}  // namespace

absl::StatusOr<std::unique_ptr<HostCounterMonitor>> HostCounterMonitor::Open() {
  std::unique_ptr<HostCounterMonitor> monitor(new HostCounterMonitor);
  RETURN_IF_ERROR(monitor->Read());
  // Signals are for the threads that wait for them, not for this one.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error = pthread_create(&monitor->thread_, nullptr, RunThread, monitor.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return ErrnoStatus(error, "a thread to read counters");
  monitor->running_ = true;
  return monitor;
}

HostCounterMonitor::~HostCounterMonitor() { Stop(); }

void HostCounterMonitor::Stop() {
  if (!running_) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  pthread_join(thread_, nullptr);
  running_ = false;
}

absl::Status HostCounterMonitor::Finish() {
  Stop();
  return Read();
}

std::vector<HostCounters> HostCounterMonitor::Take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(moved_, {});
}

void* HostCounterMonitor::RunThread(void* monitor) {
  static_cast<HostCounterMonitor*>(monitor)->Run();
  return nullptr;
}

void HostCounterMonitor::Run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      const std::chrono::nanoseconds pause(std::max(kEveryNs, kShare * took_ns_));
      if (wake_.wait_for(lock, pause, [this] { return stop_; })) return;
    }
    Read().IgnoreError();  // the first reading told what it is for lack of
  }
}

absl::Status HostCounterMonitor::Read() {
  const uint64_t begin_ns = NowNs();
  ASSIGN_OR_RETURN(std::vector<HostCounters> all, ReadHostCounters());
  std::map<Identity, std::vector<HostCounters::Counter>> known;
  std::vector<HostCounters> moved;
  for (HostCounters& counters : all) {
    const Identity identity(counters.source, counters.netns, counters.ifindex, counters.label);
    const auto before = known_.find(identity);
    const bool same = before != known_.end() && before->second == counters.counters;
    known[identity] = counters.counters;
    if (!same) moved.push_back(std::move(counters));
  }
  known_ = std::move(known);  // what is gone is forgotten
  took_ns_ = NowNs() - begin_ns;
  const std::lock_guard lock(mutex_);
  std::move(moved.begin(), moved.end(), std::back_inserter(moved_));
  return absl::OkStatus();
}

}  // namespace correlate
