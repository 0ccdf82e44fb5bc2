#include "alert/alert_actions.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace correlate {
namespace {

// The same for one alert throughout.
std::string IdentityOf(const Alert& alert) {
  return absl::StrCat(alert.rule->name, "\n", GroupKey(alert.values));
}

}  // namespace

absl::StatusOr<std::unique_ptr<AlertActions>> AlertActions::Create(Outlets outlets) {
  ASSIGN_OR_RETURN(auto client, CurlClient::Create());
  return std::unique_ptr<AlertActions>(new AlertActions(std::move(outlets), std::move(client)));
}

void AlertActions::Do(const Alert& alert, const AlertContext& context, uint64_t now_ns) {
  const AlertRule& rule = *alert.rule;
  Json json = AlertToJson(alert, context);
  // Before all others, which tell where it is.
  const bool snapshot = std::any_of(rule.actions.begin(), rule.actions.end(), [](const auto& a) {
    return a.kind == AlertAction::Kind::kSnapshot;
  });
  if (snapshot && alert.firing && outlets_.snapshot) {
    json["snapshot"] = outlets_.snapshot(absl::StrCat("alert ", rule.name));
  }
  const std::string identity = IdentityOf(alert);
  for (const AlertAction& action : rule.actions) {
    switch (action.kind) {
      case AlertAction::Kind::kPrint:
        outlets_.print(json.dump());
        break;
      case AlertAction::Kind::kExec:
        exec_.Run(identity, action, json.dump());
        break;
      case AlertAction::Kind::kWebhook:
        webhooks_.Post(action.target, json.dump());
        break;
      case AlertAction::Kind::kAlertmanager:
        alertmanagers_.Tell(action.target, action.resend_ns, identity,
                            AlertmanagerAlert(alert, context, json), alert.firing, now_ns);
        break;
      case AlertAction::Kind::kSnapshot:
        break;
    }
  }
}

void AlertActions::Tick(uint64_t now_ns, uint64_t realtime_ns) {
  exec_.Tick(now_ns);
  webhooks_.Tick(now_ns, *client_);
  alertmanagers_.Tick(now_ns, realtime_ns, *client_);
  for (const HttpAnswer& answer : client_->Take()) {
    if (!webhooks_.OnAnswer(answer, now_ns)) alertmanagers_.OnAnswer(answer, now_ns);
  }
}

bool AlertActions::idle() const {
  return exec_.idle() && webhooks_.idle() && alertmanagers_.idle();
}

std::vector<std::string> AlertActions::TakeProblems() {
  std::vector<std::string> problems = exec_.TakeProblems();
  for (std::vector<std::string> more : {webhooks_.TakeProblems(), alertmanagers_.TakeProblems()}) {
    std::move(more.begin(), more.end(), std::back_inserter(problems));
  }
  return problems;
}

}  // namespace correlate
