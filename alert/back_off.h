// When to try again what failed: a second later, then two, four, at most a minute. A value.
#ifndef ALERT_BACK_OFF_H_
#define ALERT_BACK_OFF_H_

#include <algorithm>
#include <cstdint>

namespace correlate {

class BackOff {
 public:
  static constexpr uint64_t kFirstNs = 1'000'000'000;
  static constexpr uint64_t kMostNs = 60'000'000'000;

  void Failed(uint64_t now_ns) {
    wait_ns_ = wait_ns_ == 0 ? kFirstNs : std::min(2 * wait_ns_, kMostNs);
    until_ns_ = now_ns + wait_ns_;
  }
  void Worked() { wait_ns_ = until_ns_ = 0; }
  bool Waits(uint64_t now_ns) const { return now_ns < until_ns_; }
  bool failed() const { return wait_ns_ != 0; }  // the last time

 private:
  uint64_t wait_ns_ = 0;
  uint64_t until_ns_ = 0;
};

}  // namespace correlate

#endif  // ALERT_BACK_OFF_H_
