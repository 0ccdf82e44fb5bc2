// How many of something happened when, in memory that does not grow: as time goes on, its steps get
// longer. One thread.
#ifndef REPORT_TIMELINE_H_
#define REPORT_TIMELINE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace correlate {

class Timeline {
 public:
  // Earlier events than this count here; without it the first event's time is the beginning.
  void BeginAt(uint64_t start_ns);
  // So many events at `time_ns`.
  void Add(uint64_t time_ns, uint64_t events);
  // So many, spread over the time between.
  void Spread(uint64_t from_ns, uint64_t to_ns, uint64_t events);
  // In `columns` equal parts of [from_ns, to_ns]; what an edge cuts goes by the share.
  std::vector<double> Columns(uint64_t from_ns, uint64_t to_ns, size_t columns) const;
  bool empty() const { return buckets_.empty(); }

 private:
  static constexpr size_t kMostBuckets = 4096;
  void Widen();

  uint64_t start_ns_ = 0;
  uint64_t step_ns_ = 1'000'000;
  std::vector<uint64_t> buckets_;
};

// One character a column, of the rate in it: "▁▂▃▄▅▆▇█", a blank for nothing.
std::string Sparkline(const std::vector<double>& columns);

}  // namespace correlate

#endif  // REPORT_TIMELINE_H_
