// Webhooks that alerts call: each alert's beginning and end is posted once, in the order in which
// it came, and again until it is taken; of a time that nobody answers the last kMostWaiting are
// kept. Memory is bounded. One thread; nothing blocks.
#ifndef ALERT_WEBHOOK_ACTIONS_H_
#define ALERT_WEBHOOK_ACTIONS_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "alert/back_off.h"
#include "alert/delivery.h"
#include "alert/http_client.h"

namespace correlate {

class WebhookActions {
 public:
  static constexpr size_t kMostWaiting = 1000;  // for one target

  void Post(const HttpTarget& target, std::string json);
  // Sends what is to be sent. Call often.
  void Tick(uint64_t now_ns, HttpClient& client);
  // False: it is no answer to a request of ours.
  bool OnAnswer(const HttpAnswer& answer, uint64_t now_ns);

  size_t waiting() const;
  // Nothing is on its way, and what waits waits for its time.
  bool idle() const { return requests_.empty() && (waiting() == 0 || AllFailing()); }
  const DeliveryCounts& counts() const { return log_.counts(); }
  std::vector<std::string> TakeProblems() { return log_.TakeProblems(); }

 private:
  struct Queue {
    std::deque<std::string> waiting;  // the first one may be on its way
    bool sending = false;
    BackOff back_off;
  };
  bool AllFailing() const;

  std::map<HttpTarget, Queue> queues_;
  std::map<uint64_t, HttpTarget> requests_;
  DeliveryLog log_;
};

}  // namespace correlate

#endif  // ALERT_WEBHOOK_ACTIONS_H_
