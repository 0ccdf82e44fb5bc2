#include "alert/webhook_actions.h"

#include <algorithm>
#include <utility>

namespace correlate {

void WebhookActions::Post(const HttpTarget& target, std::string json) {
  Queue& queue = queues_[target];
  if (queue.waiting.size() >= kMostWaiting) {
    log_.NoteDropped();
    queue.waiting.erase(queue.waiting.begin() + (queue.sending ? 1 : 0));
  }
  queue.waiting.push_back(std::move(json));
}

void WebhookActions::Tick(uint64_t now_ns, HttpClient& client) {
  for (auto& [target, queue] : queues_) {
    if (queue.waiting.empty() || queue.sending || queue.back_off.Waits(now_ns)) continue;
    queue.sending = true;
    requests_.emplace(client.Post(target, queue.waiting.front()), target);
  }
}

bool WebhookActions::OnAnswer(const HttpAnswer& answer, uint64_t now_ns) {
  const auto found = requests_.find(answer.request);
  if (found == requests_.end()) return false;
  const HttpTarget target = found->second;
  requests_.erase(found);
  Queue& queue = queues_[target];
  queue.sending = false;
  if (log_.Note(answer, target.url, "an alert", now_ns, &queue.back_off) != Delivery::kTryAgain) {
    queue.waiting.pop_front();
  }
  // Targets of rules that are gone are forgotten with their last alert.
  if (queue.waiting.empty()) queues_.erase(target);
  return true;
}

size_t WebhookActions::waiting() const {
  size_t sum = 0;
  for (const auto& [target, queue] : queues_) sum += queue.waiting.size();
  return sum;
}

bool WebhookActions::AllFailing() const {
  return std::all_of(queues_.begin(), queues_.end(), [](const auto& entry) {
    return entry.second.waiting.empty() || entry.second.back_off.failed();
  });
}

}  // namespace correlate
