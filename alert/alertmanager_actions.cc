#include "alert/alertmanager_actions.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "render/wall_clock.h"

namespace correlate {

void AlertmanagerActions::Tell(const HttpTarget& target, uint64_t resend_ns,
                               const std::string& identity, Json alert, bool firing,
                               uint64_t now_ns) {
  Manager& manager = managers_[target];
  if (manager.alerts.size() >= kMostAlerts && manager.alerts.count(identity) == 0) {
    log_.NoteDropped();
    return;
  }
  Entry& entry = manager.alerts[identity];
  entry = {.alert = std::move(alert),
           .firing = firing,
           .version = ++last_version_,
           .due_ns = now_ns,
           .ended_ns = firing ? 0 : now_ns,
           .resend_ns = resend_ns};
}

void AlertmanagerActions::Tick(uint64_t now_ns, uint64_t realtime_ns, HttpClient& client) {
  for (auto& [target, manager] : managers_) {
    if (manager.sending || manager.back_off.Waits(now_ns)) continue;
    Request request = {.target = target};
    Json body = Json::array();
    for (const auto& [identity, entry] : manager.alerts) {
      if (entry.due_ns > now_ns) continue;
      if (request.alerts.size() == kMostInRequest) break;
      Json alert = entry.alert;
      if (entry.firing) alert["endsAt"] = FormatRfc3339(realtime_ns + 4 * entry.resend_ns);
      body.push_back(std::move(alert));
      request.alerts.emplace_back(identity, entry.version);
    }
    if (request.alerts.empty()) continue;
    manager.sending = true;
    requests_.emplace(client.Post(target, body.dump()), std::move(request));
  }
}

// Of a request that was refused the alerts that nothing is wrong with were taken all the same
// (api/v2/api.go of the Alertmanager), so each of them just has its turn again later.
void AlertmanagerActions::Taken(Manager& manager, const Request& request, bool refused,
                                uint64_t now_ns) {
  for (const auto& [identity, version] : request.alerts) {
    const auto found = manager.alerts.find(identity);
    if (found == manager.alerts.end() || found->second.version != version) continue;  // newer news
    Entry& entry = found->second;
    const bool told = !refused || now_ns >= entry.ended_ns + kTellEndNs;
    if (!entry.firing && told) {
      manager.alerts.erase(found);
      continue;
    }
    entry.news = refused;
    entry.due_ns = now_ns + entry.resend_ns;
  }
}

bool AlertmanagerActions::OnAnswer(const HttpAnswer& answer, uint64_t now_ns) {
  const auto found = requests_.find(answer.request);
  if (found == requests_.end()) return false;
  const Request request = std::move(found->second);
  requests_.erase(found);
  Manager& manager = managers_[request.target];
  manager.sending = false;
  const Delivery delivery = log_.Note(
      answer, request.target.url, absl::StrCat("one of ", request.alerts.size(), " alerts or more"),
      now_ns, &manager.back_off);
  if (delivery == Delivery::kTryAgain) {
    // What is long over interests nobody any more; the Alertmanager has ended it by itself.
    std::erase_if(manager.alerts, [&](const auto& entry) {
      return !entry.second.firing && now_ns >= entry.second.ended_ns + kTellEndNs;
    });
  } else {
    Taken(manager, request, delivery == Delivery::kRefused, now_ns);
  }
  if (manager.alerts.empty()) managers_.erase(request.target);
  return true;
}

size_t AlertmanagerActions::waiting() const {
  size_t sum = 0;
  for (const auto& [target, manager] : managers_) {
    sum += static_cast<size_t>(std::count_if(manager.alerts.begin(), manager.alerts.end(),
                                             [](const auto& entry) { return entry.second.news; }));
  }
  return sum;
}

bool AlertmanagerActions::AllFailing() const {
  return std::all_of(managers_.begin(), managers_.end(),
                     [](const auto& entry) { return entry.second.back_off.failed(); });
}

}  // namespace correlate
