// Tells Prometheus' Alertmanager which alerts last (its API v2, POST /api/v2/alerts): each one when
// it fires, again as long as it lasts, and that it is over until that was taken. The Alertmanager
// ends by itself what it has not heard of for four times the time between two tellings, so that
// alerts do not outlive us. Of one alert the latest word alone waits: nothing comes twice or out of
// order. Memory is bounded. One thread; nothing blocks.
#ifndef ALERT_ALERTMANAGER_ACTIONS_H_
#define ALERT_ALERTMANAGER_ACTIONS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "alert/back_off.h"
#include "alert/delivery.h"
#include "alert/http_client.h"
#include "render/event_fields.h"

namespace correlate {

class AlertmanagerActions {
 public:
  static constexpr size_t kMostAlerts = 10'000;  // for one target
  static constexpr size_t kMostInRequest = 64;   // as Prometheus does
  static constexpr uint64_t kTellEndNs = 15 * 60 * uint64_t{1'000'000'000};

  // `target`: of its API. `identity`: the same for one alert throughout. `alert`: as the API wants
  // it, but for endsAt of one that lasts. `firing`: it lasts.
  void Tell(const HttpTarget& target, uint64_t resend_ns, const std::string& identity, Json alert,
            bool firing, uint64_t now_ns);
  // `realtime_ns`: now, on the wall clock.
  void Tick(uint64_t now_ns, uint64_t realtime_ns, HttpClient& client);
  bool OnAnswer(const HttpAnswer& answer, uint64_t now_ns);

  size_t waiting() const;  // alerts of which there is something to tell
  bool idle() const { return requests_.empty() && (waiting() == 0 || AllFailing()); }
  const DeliveryCounts& counts() const { return log_.counts(); }
  std::vector<std::string> TakeProblems() { return log_.TakeProblems(); }

 private:
  struct Entry {
    Json alert;
    bool firing = false;
    uint64_t version = 0;  // of what is to be told
    bool news = true;      // that was not taken yet
    uint64_t due_ns = 0;
    uint64_t ended_ns = 0;
    uint64_t resend_ns = 0;
  };
  struct Manager {
    std::map<std::string, Entry> alerts;
    bool sending = false;
    BackOff back_off;
  };
  struct Request {
    HttpTarget target;
    std::vector<std::pair<std::string, uint64_t>> alerts;  // identity, version
  };
  bool AllFailing() const;
  void Taken(Manager& manager, const Request& request, bool refused, uint64_t now_ns);

  std::map<HttpTarget, Manager> managers_;
  std::map<uint64_t, Request> requests_;
  uint64_t last_version_ = 0;
  DeliveryLog log_;
};

}  // namespace correlate

#endif  // ALERT_ALERTMANAGER_ACTIONS_H_
