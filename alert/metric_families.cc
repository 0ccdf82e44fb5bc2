#include "alert/metric_families.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "absl/strings/str_cat.h"

namespace correlate {
namespace {

std::string NameOf(const char* name) { return absl::StrCat("bpftrace_correlate_", name); }

}  // namespace

prometheus::Family<prometheus::Counter>& CounterFamily(prometheus::Registry* registry,
                                                       const char* name, const char* help) {
  return prometheus::BuildCounter().Name(NameOf(name)).Help(help).Register(*registry);
}

prometheus::Family<prometheus::Gauge>& GaugeFamily(prometheus::Registry* registry, const char* name,
                                                   const char* help) {
  return prometheus::BuildGauge().Name(NameOf(name)).Help(help).Register(*registry);
}

}  // namespace correlate
