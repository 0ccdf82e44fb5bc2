// What this process costs, as Prometheus' client libraries name it (process_cpu_seconds_total,
// ...), read when it is asked for. Thread-safe.
#ifndef ALERT_PROCESS_METRICS_H_
#define ALERT_PROCESS_METRICS_H_

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

namespace correlate {

class ProcessMetrics : public prometheus::Collectable {
 public:
  ProcessMetrics();
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  double start_time_seconds_ = 0;  // wall clock, of this object
};

}  // namespace correlate

#endif  // ALERT_PROCESS_METRICS_H_
