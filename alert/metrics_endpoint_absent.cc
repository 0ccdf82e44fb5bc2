#include "absl/status/status.h"
#include "alert/metrics_endpoint.h"

namespace correlate {

struct MetricsEndpoint::Parts : public TraceSink {};

bool MetricsEndpoint::Available() { return false; }

MetricsEndpoint::MetricsEndpoint(size_t) : parts_(std::make_unique<Parts>()) {}
MetricsEndpoint::~MetricsEndpoint() = default;

TraceSink& MetricsEndpoint::sink() { return *parts_; }
void MetricsEndpoint::Add(const CountedEvents&) {}
void MetricsEndpoint::OnAlert(const Alert&) {}
void MetricsEndpoint::Update(const AlertEngine&, const AlertActions&) {}

absl::StatusOr<int> MetricsEndpoint::Listen(const std::string&, Probe, Probe) {
  return absl::UnimplementedError(
      "--listen: the static program is built without the metrics endpoint; build the whole one "
      "(README.md)");
}

}  // namespace correlate
