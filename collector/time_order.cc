#include "collector/time_order.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <queue>
#include <utility>

namespace correlate {

size_t TimeOrder::AddStream() {
  streams_.emplace_back();
  return streams_.size() - 1;
}

TimeOrder::Block* TimeOrder::RoomFor(Stream& stream, size_t bytes) {
  if (stream.open != nullptr && stream.open->capacity - stream.open->used >= bytes) {
    return stream.open;
  }
  // A block that is full and was handed out already is not in the way of anybody.
  if (stream.open != nullptr && stream.open->waiting == 0 && stream.open->capacity >= bytes) {
    stream.open->used = 0;
    return stream.open;
  }
  if (stream.open != nullptr && stream.open->waiting == 0) spare_.push_back(stream.open);
  if (!spare_.empty() && spare_.back()->capacity >= bytes) {
    stream.open = spare_.back();
    spare_.pop_back();
    stream.open->used = 0;
    return stream.open;
  }
  auto block = std::make_unique<Block>();
  block->capacity = std::max(kBlockBytes, bytes);
  block->bytes.reset(new uint8_t[block->capacity]);
  stream.open = blocks_.emplace_back(std::move(block)).get();
  return stream.open;
}

void TimeOrder::Append(size_t stream_index, uint64_t time_ns, absl::Span<const uint8_t> record) {
  Stream& stream = streams_[stream_index];
  Block* block = RoomFor(stream, record.size());
  std::memcpy(block->bytes.get() + block->used, record.data(), record.size());
  const Entry entry = {time_ns, block, static_cast<uint32_t>(block->used),
                       static_cast<uint32_t>(record.size())};
  block->used += record.size();
  ++block->waiting;
  ++waiting_;
  auto& entries = stream.entries;
  // What an interrupt recorded stands before the record that it interrupted: a few places off.
  // Whoever is further off is put in place when the stream is sorted.
  constexpr size_t kFew = 16;
  size_t place = entries.size();
  const size_t least = std::max(stream.next, place - std::min(place, kFew));
  while (place > least && time_ns < entries[place - 1].time_ns) --place;
  if (!stream.sorted || (place == least && place > stream.next)) {
    stream.sorted &= place == entries.size();
    entries.push_back(entry);
  } else {
    entries.insert(entries.begin() + static_cast<ptrdiff_t>(place), entry);
  }
}

void TimeOrder::Sort(Stream& stream) {
  if (stream.sorted) return;
  std::stable_sort(stream.entries.begin() + static_cast<ptrdiff_t>(stream.next),
                   stream.entries.end(),
                   [](const Entry& a, const Entry& b) { return a.time_ns < b.time_ns; });
  stream.sorted = true;
}

void TimeOrder::Release(Entry& entry, Stream& stream) {
  --waiting_;
  if (--entry.block->waiting > 0 || entry.block == stream.open) return;
  spare_.push_back(entry.block);
}

void TimeOrder::DropReleased(Stream& stream) {
  if (stream.next < stream.entries.size() - stream.next) return;
  // Once the rest is the smaller part, so that each entry moves at most once on average.
  stream.entries.erase(stream.entries.begin(),
                       stream.entries.begin() + static_cast<ptrdiff_t>(stream.next));
  stream.next = 0;
}

void TimeOrder::Release(uint64_t horizon_ns, Receiver receiver) {
  using Head = std::pair<uint64_t, size_t>;  // time, stream
  std::priority_queue<Head, std::vector<Head>, std::greater<Head>> heads;
  const auto add_head = [&](size_t index) {
    const Stream& stream = streams_[index];
    if (stream.next == stream.entries.size()) return;
    const uint64_t time_ns = stream.entries[stream.next].time_ns;
    if (time_ns < horizon_ns) heads.emplace(time_ns, index);
  };
  for (size_t i = 0; i < streams_.size(); ++i) {
    Sort(streams_[i]);
    add_head(i);
  }
  while (!heads.empty()) {
    const size_t index = heads.top().second;
    heads.pop();
    // As long as no other stream comes first: records come in runs.
    const Head limit = heads.empty() ? Head(horizon_ns, 0) : heads.top();
    Stream& stream = streams_[index];
    do {
      Entry& entry = stream.entries[stream.next++];
      if (entry.time_ns < last_released_ns_) ++out_of_order_;
      last_released_ns_ = std::max(last_released_ns_, entry.time_ns);
      receiver(index, entry.time_ns, {entry.block->bytes.get() + entry.offset, entry.size});
      Release(entry, stream);
    } while (stream.next < stream.entries.size() &&
             Head(stream.entries[stream.next].time_ns, index) < limit);
    add_head(index);
  }
  for (Stream& stream : streams_) DropReleased(stream);
  // What a storm needed is given back after it.
  while (spare_.size() > kMostSpare) {
    std::erase_if(blocks_, [&](const auto& block) { return block.get() == spare_.back(); });
    spare_.pop_back();
  }
}

}  // namespace correlate
