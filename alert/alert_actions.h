// Does what a rule says is to be done about its alerts. Nothing here waits: begun is begun, and
// Tick goes on with it. One thread.
#ifndef ALERT_ALERT_ACTIONS_H_
#define ALERT_ALERT_ACTIONS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "alert/alert_engine.h"
#include "alert/alert_text.h"
#include "alert/alertmanager_actions.h"
#include "alert/delivery.h"
#include "alert/exec_actions.h"
#include "alert/http_client.h"
#include "alert/webhook_actions.h"

namespace correlate {

class AlertActions {
 public:
  struct Outlets {
    std::function<void(const std::string& line)> print;
    // Asks for a snapshot of the flight recorder; the file it will be in. Null: there is none.
    std::function<std::string(const std::string& why)> snapshot;
  };
  static absl::StatusOr<std::unique_ptr<AlertActions>> Create(Outlets outlets);

  void Do(const Alert& alert, const AlertContext& context, uint64_t now_ns);
  // Call often. `realtime_ns`: the wall clock.
  void Tick(uint64_t now_ns, uint64_t realtime_ns);
  // Nothing is under way, except for what waits for somebody to answer again.
  bool idle() const;
  std::vector<std::string> TakeProblems();

  const DeliveryCounts& webhooks() const { return webhooks_.counts(); }
  const DeliveryCounts& alertmanagers() const { return alertmanagers_.counts(); }
  size_t waiting() const { return webhooks_.waiting() + alertmanagers_.waiting(); }

 private:
  AlertActions(Outlets outlets, std::unique_ptr<HttpClient> client)
      : outlets_(std::move(outlets)), client_(std::move(client)) {}

  const Outlets outlets_;
  const std::unique_ptr<HttpClient> client_;
  ExecActions exec_;
  WebhookActions webhooks_;
  AlertmanagerActions alertmanagers_;
};

}  // namespace correlate

#endif  // ALERT_ALERT_ACTIONS_H_
