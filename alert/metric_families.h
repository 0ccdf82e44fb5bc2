// Families of metrics with this program's prefix, and what it takes to name them in a header.
#ifndef ALERT_METRIC_FAMILIES_H_
#define ALERT_METRIC_FAMILIES_H_

namespace prometheus {
class Counter;
class Gauge;
class Registry;
template <typename T>
class Family;
}  // namespace prometheus

namespace correlate {

// "bpftrace_correlate_" and `name`; live as long as the registry.
prometheus::Family<prometheus::Counter>& CounterFamily(prometheus::Registry* registry,
                                                       const char* name, const char* help);
prometheus::Family<prometheus::Gauge>& GaugeFamily(prometheus::Registry* registry, const char* name,
                                                   const char* help);

}  // namespace correlate

#endif  // ALERT_METRIC_FAMILIES_H_
