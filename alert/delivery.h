// What became of what alerts send, for metrics and for people. One thread.
#ifndef ALERT_DELIVERY_H_
#define ALERT_DELIVERY_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "alert/back_off.h"
#include "alert/http_client.h"

namespace correlate {

struct DeliveryCounts {
  uint64_t delivered = 0;  // requests that were taken
  uint64_t failed = 0;     // that failed; what they held is sent again
  uint64_t refused = 0;    // that would be refused again
  uint64_t dropped = 0;    // alerts that nobody got: too many waited
};

enum class Delivery { kTaken, kRefused, kTryAgain };

class DeliveryLog {
 public:
  // Counts what came of a request to `url`, tells of it where that is news, and has `back_off` go
  // by it. `content`: what it held, like "an alert".
  Delivery Note(const HttpAnswer& answer, absl::string_view url, absl::string_view content,
                uint64_t now_ns, BackOff* back_off);
  void NoteDropped() { ++counts_.dropped; }
  const DeliveryCounts& counts() const { return counts_; }
  std::vector<std::string> TakeProblems() { return std::exchange(problems_, {}); }

 private:
  DeliveryCounts counts_;
  std::vector<std::string> problems_;
};

}  // namespace correlate

#endif  // ALERT_DELIVERY_H_
