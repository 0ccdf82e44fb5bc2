#include "collector/time_order.h"

#include <algorithm>
#include <utility>

namespace correlate {

size_t TimeOrder::AddStream() {
  streams_.emplace_back();
  return streams_.size() - 1;
}

void TimeOrder::Append(size_t stream_index, uint64_t time_ns, absl::Span<const uint8_t> record) {
  Stream& stream = streams_[stream_index];
  if (!stream.entries.empty() && time_ns < stream.entries.back().time_ns) stream.sorted = false;
  stream.entries.push_back({time_ns, stream.bytes.size(), record.size()});
  stream.bytes.insert(stream.bytes.end(), record.begin(), record.end());
  ++waiting_;
}

void TimeOrder::Sort(Stream& stream) {
  if (stream.sorted) return;
  std::stable_sort(stream.entries.begin() + stream.next, stream.entries.end(),
                   [](const Entry& a, const Entry& b) { return a.time_ns < b.time_ns; });
  stream.sorted = true;
}

void TimeOrder::DropReleased(Stream& stream) {
  if (stream.next == stream.entries.size()) {
    stream.entries.clear();
    stream.bytes.clear();
    stream.next = 0;
    return;
  }
  // Move the rest to the front once it is the smaller part, so that each byte moves at most once
  // on average. Entries may have been sorted, so their bytes are copied one by one.
  if (stream.next < stream.entries.size() - stream.next) return;
  std::vector<uint8_t> bytes;
  std::vector<Entry> entries;
  entries.reserve(stream.entries.size() - stream.next);
  for (size_t i = stream.next; i < stream.entries.size(); ++i) {
    const Entry& entry = stream.entries[i];
    entries.push_back({entry.time_ns, bytes.size(), entry.size});
    const uint8_t* begin = stream.bytes.data() + entry.offset;
    bytes.insert(bytes.end(), begin, begin + entry.size);
  }
  stream.bytes = std::move(bytes);
  stream.entries = std::move(entries);
  stream.next = 0;
}

void TimeOrder::Release(uint64_t horizon_ns, Receiver receiver) {
  using Head = std::pair<uint64_t, size_t>;  // time, stream
  std::priority_queue<Head, std::vector<Head>, std::greater<Head>> heads;
  for (size_t i = 0; i < streams_.size(); ++i) {
    Stream& stream = streams_[i];
    Sort(stream);
    if (stream.next < stream.entries.size()) heads.push({stream.entries[stream.next].time_ns, i});
  }
  while (!heads.empty() && heads.top().first < horizon_ns) {
    const auto [time_ns, index] = heads.top();
    heads.pop();
    Stream& stream = streams_[index];
    const Entry& entry = stream.entries[stream.next++];
    if (time_ns < last_released_ns_) ++out_of_order_;
    last_released_ns_ = std::max(last_released_ns_, time_ns);
    --waiting_;
    receiver(index, time_ns, absl::MakeConstSpan(stream.bytes).subspan(entry.offset, entry.size));
    if (stream.next < stream.entries.size()) {
      heads.push({stream.entries[stream.next].time_ns, index});
    }
  }
  for (Stream& stream : streams_) DropReleased(stream);
}

}  // namespace correlate
