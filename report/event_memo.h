// The number that events have which agree in callchain, attribution, device and kind
// (kind_totals.h): made once for them, however many come. One thread.
#ifndef REPORT_EVENT_MEMO_H_
#define REPORT_EVENT_MEMO_H_

#include <cstddef>
#include <cstdint>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "report/kind_totals.h"
#include "symbolize/correlated_event.h"

namespace correlate {

class EventMemo {
 public:
  // To be called whenever a format is told: one of before may have stood where it stands.
  void OnFormat() {
    kinds_.OnFormat();
    numbers_.clear();
  }
  size_t Get(const CorrelatedEvent& event, absl::FunctionRef<size_t()> make) {
    // Ids of a trace are new in every chunk, so the table is emptied before it grows large.
    constexpr size_t kMostRemembered = 65536;
    if (numbers_.size() >= kMostRemembered) numbers_.clear();
    const auto [number, is_new] = numbers_.try_emplace(
        Key(event.stack == nullptr ? 0 : event.stack->id,
            event.attribution == nullptr ? 0 : event.attribution->id,
            event.packet == nullptr ? 0 : event.packet->ifindex, kinds_.Of(event)));
    if (is_new) number->second = make();
    return number->second;
  }

 private:
  using Key = std::tuple<uint64_t, uint64_t, uint32_t, EventKind>;
  EventKinds kinds_;
  absl::flat_hash_map<Key, size_t> numbers_;
};

}  // namespace correlate

#endif  // REPORT_EVENT_MEMO_H_
