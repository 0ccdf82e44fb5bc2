// What `alert` does, for Prometheus: rules, alerts, and what became of what they sent. Fed by one
// thread, read by any.
#ifndef ALERT_ALERT_METRICS_H_
#define ALERT_ALERT_METRICS_H_

#include <cstdint>

#include "alert/alert_actions.h"
#include "alert/alert_engine.h"
#include "alert/metric_families.h"

namespace correlate {

class AlertMetrics {
 public:
  explicit AlertMetrics(prometheus::Registry* registry);
  void OnAlert(const Alert& alert);
  void Update(const AlertEngine& engine, const AlertActions& actions);

 private:
  prometheus::Family<prometheus::Gauge>& firing_;
  prometheus::Family<prometheus::Counter>& fired_;
  prometheus::Family<prometheus::Counter>& deliveries_;
  prometheus::Gauge& rules_;
  prometheus::Gauge& waiting_;
  prometheus::Counter& silenced_;
  prometheus::Counter& undecided_;
};

}  // namespace correlate

#endif  // ALERT_ALERT_METRICS_H_
