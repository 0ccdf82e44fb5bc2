#include "alert/alert_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "render/text.h"

namespace correlate {
namespace {

// To a running total that is kept elsewhere.
void Raise(prometheus::Counter& counter, uint64_t total) {
  counter.Increment(static_cast<double>(total) - counter.Value());
}

}  // namespace

AlertMetrics::AlertMetrics(prometheus::Registry* registry)
    : firing_(GaugeFamily(registry, "alerts", "Alerts that fire now, by rule.")),
      fired_(CounterFamily(registry, "alerts_fired_total", "Alerts that fired, by rule.")),
      deliveries_(
          CounterFamily(registry, "deliveries_total",
                        "Requests to webhooks and Alertmanagers (delivered, failed, refused), "
                        "and alerts that nobody got since too many waited (dropped).")),
      rules_(GaugeFamily(registry, "rules", "Rules that are watched.").Add({})),
      waiting_(GaugeFamily(registry, "deliveries_waiting", "Alerts that wait to be sent.").Add({})),
      silenced_(CounterFamily(registry, "alerts_silenced_total",
                              "Alerts that fired too soon after the last time.")
                    .Add({})),
      undecided_(
          CounterFamily(registry, "undecided_events_total",
                        "Events that were only counted, so that a rule could not tell whether "
                        "it takes them.")
              .Add({})) {}

void AlertMetrics::OnAlert(const Alert& alert) {
  const prometheus::Labels labels = {{"rule", alert.rule->name},
                                     {"severity", ValidUtf8(alert.rule->severity)}};
  prometheus::Gauge& firing = firing_.Add(labels);
  if (alert.firing) {
    firing.Increment();
    fired_.Add(labels).Increment();
  } else {
    firing.Decrement();
  }
}

void AlertMetrics::Update(const AlertEngine& engine, const AlertActions& actions) {
  rules_.Set(static_cast<double>(engine.rules().size()));
  for (const AlertRule& rule : engine.rules()) {
    const prometheus::Labels labels = {{"rule", rule.name}, {"severity", ValidUtf8(rule.severity)}};
    firing_.Add(labels);  // there from the beginning, and 0
    fired_.Add(labels);
  }
  waiting_.Set(static_cast<double>(actions.waiting()));
  Raise(silenced_, engine.silenced());
  Raise(undecided_, engine.undecided());
  const auto tell = [this](const char* action, const DeliveryCounts& counts) {
    const auto one = [&](const char* outcome, uint64_t count) {
      Raise(deliveries_.Add({{"action", action}, {"outcome", outcome}}), count);
    };
    one("delivered", counts.delivered);
    one("failed", counts.failed);
    one("refused", counts.refused);
    one("dropped", counts.dropped);
  };
  tell("webhook", actions.webhooks());
  tell("alertmanager", actions.alertmanagers());
}

}  // namespace correlate
