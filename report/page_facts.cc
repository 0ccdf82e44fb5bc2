#include "report/page_facts.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "render/event_fields.h"
#include "render/text.h"

namespace correlate {
namespace {

constexpr size_t kMostLabels = 2000;  // of one dimension; the rest is "other"
constexpr char kOther[] = "other";

}  // namespace

const std::vector<std::string>& PageFacts::dimensions() {
  static const auto* const names = new std::vector<std::string>{
      "event", "reason", "location", "device", "program", "evidence", "attachment"};
  return *names;
}

PageFacts::PageFacts(Selection selection)
    : selection_(std::move(selection)),
      label_texts_(*ParseEventKeys(absl::StrJoin(dimensions(), ","))),
      label_values_(dimensions().size()) {
  view_.HideAddresses();
}

void PageFacts::OnClocks(const ClockReading& clocks) {
  view_.OnClocks(clocks);
  if (facts_.empty() && (start_ns_ == 0 || clocks.monotonic_ns < start_ns_)) {
    start_ns_ = clocks.monotonic_ns;
  }
}

int32_t PageFacts::StackOf(const Stack* stack) {
  if (stack == nullptr) return kNoStack;
  std::vector<uint32_t> numbers;
  for (auto frame = stack->frames.rbegin(); frame != stack->frames.rend(); ++frame) {
    FrameName name{.kind = (*frame)->kind};
    AppendFrameName(**frame, &name.name);
    name.name = ValidUtf8(name.name);
    numbers.push_back(frames_.Of(name));
  }
  if (stacks().size() >= kMostFacts && !stacks_.Has(numbers)) return kOtherStack;
  return static_cast<int32_t>(stacks_.Of(numbers));
}

size_t PageFacts::FactOf(const CorrelatedEvent& event) {
  const std::vector<std::string>& texts = label_texts_.Of(view_);
  Fact fact;
  for (size_t i = 0; i < texts.size(); ++i) {
    std::string text = ValidUtf8(texts[i]);
    Numbered<std::string>& known = label_values_[i];
    if (known.values().size() >= kMostLabels && !known.Has(text)) text = kOther;
    fact.labels.push_back(known.Of(text));
  }
  fact.stack =
      facts_.size() < kMostFacts || event.stack == nullptr ? StackOf(event.stack) : kOtherStack;
  const auto known = fact_numbers_.find({fact.labels, fact.stack});
  if (known != fact_numbers_.end()) return known->second;
  if (facts_.size() >= 2 * kMostFacts) {
    // One for all that is left.
    for (size_t i = 0; i < label_values_.size(); ++i) {
      fact.labels[i] = label_values_[i].Of(kOther);
    }
    fact.stack = kOtherStack;
  }
  const auto [number, is_new] = fact_numbers_.try_emplace({fact.labels, fact.stack}, facts_.size());
  if (is_new) facts_.push_back(std::move(fact));
  return number->second;
}

void PageFacts::OnEvent(const CorrelatedEvent& event) {
  view_.OnEvent(event);
  if (!selection_.everything() && !selection_.Takes(view_)) return;
  const size_t fact = memo_.Get(event, [&] { return FactOf(event); });

  if (events_++ == 0 && start_ns_ == 0) start_ns_ = event.time_ns;
  const uint64_t since = event.time_ns - std::min(event.time_ns, start_ns_);
  while (since / step_ns_ >= kMostBuckets && step_ns_ < UINT64_MAX / 4) Widen();
  const auto bucket = static_cast<uint32_t>(std::min<uint64_t>(since / step_ns_, kMostBuckets - 1));
  buckets_ = std::max<size_t>(buckets_, bucket + 1);
  auto& buckets = facts_[fact].buckets;
  if (buckets.empty() || buckets.back().first < bucket) {
    buckets.emplace_back(bucket, 1);
  } else {
    ++buckets.back().second;  // events come in order of time, but for a few
  }
}

void PageFacts::Widen() {
  step_ns_ *= 2;
  buckets_ = (buckets_ + 1) / 2;
  for (Fact& fact : facts_) {
    size_t kept = 0;
    for (const auto& [bucket, events] : fact.buckets) {
      if (kept > 0 && fact.buckets[kept - 1].first == bucket / 2) {
        fact.buckets[kept - 1].second += events;
      } else {
        fact.buckets[kept++] = {bucket / 2, events};
      }
    }
    fact.buckets.resize(kept);
  }
}

void PageFacts::Finish() {
  for (;;) {
    size_t pairs = 0;
    for (const Fact& fact : facts_) pairs += fact.buckets.size();
    if (pairs <= kMostPairs || buckets_ <= 1) return;
    Widen();
  }
}

}  // namespace correlate
