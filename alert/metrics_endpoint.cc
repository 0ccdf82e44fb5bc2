#include "alert/metrics_endpoint.h"

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "alert/alert_metrics.h"
#include "alert/event_metrics.h"
#include "alert/http_server.h"
#include "alert/process_metrics.h"
#include "base/status_macros.h"

namespace correlate {

struct MetricsEndpoint::Parts {
  explicit Parts(size_t most_series) : events(&registry, most_series), alerts(&registry) {}

  HttpServer::Answer Metrics() const {
    std::vector<prometheus::MetricFamily> families = registry.Collect();
    for (prometheus::MetricFamily& family : process.Collect()) {
      families.push_back(std::move(family));
    }
    return {.content_type = "text/plain; version=0.0.4; charset=utf-8",
            .body = prometheus::TextSerializer().Serialize(families)};
  }

  prometheus::Registry registry;
  const ProcessMetrics process;
  EventMetrics events;
  AlertMetrics alerts;
  std::unique_ptr<HttpServer> server;  // the last one made and the first one gone
};

bool MetricsEndpoint::Available() { return true; }

MetricsEndpoint::MetricsEndpoint(size_t most_series)
    : parts_(std::make_unique<Parts>(most_series)) {}
MetricsEndpoint::~MetricsEndpoint() = default;

TraceSink& MetricsEndpoint::sink() { return parts_->events; }
void MetricsEndpoint::Add(const CountedEvents& events) { parts_->events.Add(events); }
void MetricsEndpoint::OnAlert(const Alert& alert) { parts_->alerts.OnAlert(alert); }
void MetricsEndpoint::Update(const AlertEngine& engine, const AlertActions& actions) {
  parts_->alerts.Update(engine, actions);
}

absl::StatusOr<int> MetricsEndpoint::Listen(const std::string& address, Probe health, Probe ready) {
  const auto answer = [](Probe probe, const char* well) -> HttpServer::Handler {
    return [probe = std::move(probe), well]() -> HttpServer::Answer {
      const std::string wrong = probe();
      if (wrong.empty()) return {.body = absl::StrCat(well, "\n")};
      return {.status = 503, .body = absl::StrCat(wrong, "\n")};
    };
  };
  ASSIGN_OR_RETURN(parts_->server,
                   HttpServer::Start(address, {{"/metrics", [this] { return parts_->Metrics(); }},
                                               {"/healthz", answer(std::move(health), "ok")},
                                               {"/readyz", answer(std::move(ready), "ready")}}));
  return parts_->server->port();
}

}  // namespace correlate
