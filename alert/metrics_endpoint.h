// What Prometheus is told, over HTTP: /metrics of all there is to count, /healthz, /readyz. It is a
// sink of the events that are counted; answers are given on threads of its own (docs/metrics.md).
//
// A build without prometheus-cpp and civetweb (tools/package) has metrics_endpoint_absent.cc in its
// stead: it counts nothing and refuses to listen.
#ifndef ALERT_METRICS_ENDPOINT_H_
#define ALERT_METRICS_ENDPOINT_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "alert/alert_actions.h"
#include "alert/alert_engine.h"
#include "report/event_flow.h"
#include "symbolize/trace_sink.h"

namespace correlate {

class MetricsEndpoint {
 public:
  static constexpr size_t kMostSeries = 5000;
  static bool Available();  // in this build

  explicit MetricsEndpoint(size_t most_series);
  ~MetricsEndpoint();  // waits for requests that are being answered
  MetricsEndpoint(const MetricsEndpoint&) = delete;
  MetricsEndpoint& operator=(const MetricsEndpoint&) = delete;

  // To be called by one thread.
  TraceSink& sink();
  void Add(const CountedEvents& events);
  void OnAlert(const Alert& alert);
  void Update(const AlertEngine& engine, const AlertActions& actions);

  // Whether all is well: empty, or what is not. Called on threads of the server's.
  using Probe = std::function<std::string()>;
  // Begins to answer at `address` ("127.0.0.1:9435"); the port. The calling thread's blocked
  // signals are those of the server's threads.
  absl::StatusOr<int> Listen(const std::string& address, Probe health, Probe ready);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace correlate

#endif  // ALERT_METRICS_ENDPOINT_H_
