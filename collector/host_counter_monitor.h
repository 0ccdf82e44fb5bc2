// Reads the host's counters (host_counters.h) when it opens, every ten seconds, and when it is
// finished; what has moved since it was told waits until somebody takes it. On a host where one
// reading takes long it reads less often, so that it keeps one CPU busy for no more than a fiftieth
// of the time.
//
// Has a thread of its own. Take() may be called by any thread, the others by one.
#ifndef COLLECTOR_HOST_COUNTER_MONITOR_H_
#define COLLECTOR_HOST_COUNTER_MONITOR_H_

#include <pthread.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/event.h"

namespace correlate {

class HostCounterMonitor {
 public:
  // The first reading is there then.
  static absl::StatusOr<std::unique_ptr<HostCounterMonitor>> Open();
  ~HostCounterMonitor();

  std::vector<HostCounters> Take();
  // Ends the thread and reads once more.
  absl::Status Finish();

 private:
  using Identity = std::tuple<std::string, NetnsId, uint32_t, std::string>;

  HostCounterMonitor() = default;
  static void* RunThread(void* monitor);
  void Run();
  void Stop();
  absl::Status Read();

  uint64_t took_ns_ = 0;                                          // the last reading
  std::map<Identity, std::vector<HostCounters::Counter>> known_;  // as of the last reading
  pthread_t thread_ = {};
  bool running_ = false;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::vector<HostCounters> moved_;
};

}  // namespace correlate

#endif  // COLLECTOR_HOST_COUNTER_MONITOR_H_
