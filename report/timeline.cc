#include "report/timeline.h"

#include <algorithm>
#include <array>

namespace correlate {

void Timeline::Widen() {
  for (size_t i = 0; i < buckets_.size(); ++i) {
    if (i % 2 == 0) {
      buckets_[i / 2] = buckets_[i];
    } else {
      buckets_[i / 2] += buckets_[i];
    }
  }
  buckets_.resize((buckets_.size() + 1) / 2);
  step_ns_ *= 2;
}

void Timeline::BeginAt(uint64_t start_ns) {
  if (buckets_.empty()) start_ns_ = start_ns;
}

void Timeline::Add(uint64_t time_ns, uint64_t events) {
  if (events == 0) return;
  if (buckets_.empty() && start_ns_ == 0) start_ns_ = time_ns;
  const uint64_t since = time_ns > start_ns_ ? time_ns - start_ns_ : 0;
  while (since / step_ns_ >= kMostBuckets) {
    if (step_ns_ > UINT64_MAX / 4) return;  // a trace from nowhere
    Widen();
  }
  const size_t bucket = since / step_ns_;
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  buckets_[bucket] += events;
}

void Timeline::Spread(uint64_t from_ns, uint64_t to_ns, uint64_t events) {
  constexpr uint64_t kMostParts = 1000;
  if (to_ns <= from_ns) return Add(to_ns, events);
  const uint64_t parts = std::min<uint64_t>({kMostParts, (to_ns - from_ns) / step_ns_ + 1, events});
  uint64_t done = 0;
  for (uint64_t i = 1; i <= parts; ++i) {
    const uint64_t until = events / parts * i + events % parts * i / parts;
    const uint64_t part_ns = (to_ns - from_ns) / parts;
    Add(from_ns + part_ns * i - part_ns / 2, until - done);
    done = until;
  }
}

std::vector<double> Timeline::Columns(uint64_t from_ns, uint64_t to_ns, size_t columns) const {
  std::vector<double> result(columns);
  if (to_ns <= from_ns) return result;
  const double width = static_cast<double>(to_ns - from_ns) / static_cast<double>(columns);
  for (size_t i = 0; i < buckets_.size(); ++i) {
    if (buckets_[i] == 0) continue;
    const double begin =
        static_cast<double>(start_ns_ + i * step_ns_) - static_cast<double>(from_ns);
    const double end = begin + static_cast<double>(step_ns_);
    // At least the column in which the bucket begins; never outside.
    const auto clamp = [&](double at) {
      return static_cast<size_t>(std::clamp(at / width, 0.0, static_cast<double>(columns) - 1));
    };
    const size_t first = clamp(begin);
    const size_t last = clamp(end);
    for (size_t column = first; column <= last; ++column) {
      const double left = first == column ? begin : static_cast<double>(column) * width;
      const double right = last == column ? end : static_cast<double>(column + 1) * width;
      result[column] += static_cast<double>(buckets_[i]) * (right - left) / (end - begin);
    }
  }
  return result;
}

std::string Sparkline(const std::vector<double>& columns) {
  static constexpr std::array<const char*, 8> kBars = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double most = 0;
  for (const double column : columns) most = std::max(most, column);
  std::string text;
  for (const double column : columns) {
    if (column <= 0) {
      text += ' ';
      continue;
    }
    const auto height = static_cast<size_t>(column / most * kBars.size());
    text += kBars[std::min(height, kBars.size() - 1)];
  }
  return text;
}

}  // namespace correlate
