// Puts the records of many rings into one order of time. Each CPU's ring is in order by itself but
// for interrupts that overtake the record they interrupted; across CPUs nothing is promised. The
// owner appends what a pass over all rings found and releases what is older than a horizon: a clock
// reading from before that pass, less some slack (a CPU can be held up between taking a record's
// time and publishing the record). What comes later than that is handed out late, and counted.
//
// One thread. Records are copied in; the spans handed out live until the next call.
#ifndef COLLECTOR_TIME_ORDER_H_
#define COLLECTOR_TIME_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"

namespace correlate {

class TimeOrder {
 public:
  using Receiver =
      absl::FunctionRef<void(size_t stream, uint64_t time_ns, absl::Span<const uint8_t> record)>;

  // A new stream of records (a ring); its number is the count of those before it.
  size_t AddStream();
  void Append(size_t stream, uint64_t time_ns, absl::Span<const uint8_t> record);
  // Hands out every record with a time below `horizon_ns`, oldest first; records of equal time in
  // the order of their streams.
  void Release(uint64_t horizon_ns, Receiver receiver);

  uint64_t out_of_order() const { return out_of_order_; }  // handed out after a younger one
  size_t waiting() const { return waiting_; }

 private:
  // Bytes of records of one stream, one after the other. Used again once all of them were handed
  // out, so that waiting records cost one copy and, in the long run, no allocation.
  struct Block {
    std::unique_ptr<uint8_t[]> bytes;
    size_t capacity = 0;
    size_t used = 0;
    size_t waiting = 0;  // records
  };
  struct Entry {
    uint64_t time_ns;
    Block* block;
    uint32_t offset;
    uint32_t size;
  };
  struct Stream {
    std::vector<Entry> entries;
    size_t next = 0;        // first one not handed out yet
    bool sorted = true;     // from there on
    Block* open = nullptr;  // the one that takes more
  };
  Block* RoomFor(Stream& stream, size_t bytes);
  void Release(Entry& entry, Stream& stream);
  static void Sort(Stream& stream);
  static void DropReleased(Stream& stream);

  static constexpr size_t kBlockBytes = 256 * 1024;
  static constexpr size_t kMostSpare = 8;

  std::vector<Stream> streams_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<Block*> spare_;
  uint64_t last_released_ns_ = 0;
  uint64_t out_of_order_ = 0;
  size_t waiting_ = 0;
};

}  // namespace correlate

#endif  // COLLECTOR_TIME_ORDER_H_
