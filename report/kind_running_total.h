// The running total of a kind of drop or exception, over all that it was forgotten and began anew
// (EventKindCount::last).
#ifndef REPORT_KIND_RUNNING_TOTAL_H_
#define REPORT_KIND_RUNNING_TOTAL_H_

#include <algorithm>
#include <cstdint>
#include <utility>

#include "collector/event.h"

namespace correlate {

class KindRunningTotal {
 public:
  // Returns how many more there are than when it was last told.
  uint64_t Set(const EventKindCount& told) {
    const uint64_t more = told.counted - std::min(told.counted, now_);
    now_ += more;
    if (told.last) BeginAnew();
    return more;
  }
  void BeginAnew() { earlier_ += std::exchange(now_, 0); }
  uint64_t total() const { return earlier_ + now_; }
  bool begins_anew() const { return now_ == 0; }  // what it is told next begins at 0

 private:
  uint64_t earlier_ = 0;
  uint64_t now_ = 0;
};

}  // namespace correlate

#endif  // REPORT_KIND_RUNNING_TOTAL_H_
