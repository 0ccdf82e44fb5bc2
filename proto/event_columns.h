// The events of one chunk, in columns (EventColumns in trace.proto): what they share is written
// once as a shape, and of each event only what differs. One writer and one reader of it, which hold
// nothing of a chunk beyond it. One thread each.
#ifndef PROTO_EVENT_COLUMNS_H_
#define PROTO_EVENT_COLUMNS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "proto/interner.h"
#include "proto/trace.pb.h"
#include "symbolize/correlated_event.h"

namespace correlate {

class EventColumnsWriter {
 public:
  EventColumnsWriter();
  ~EventColumnsWriter();
  // Begins a chunk. Both are borrowed until the next Restart.
  void Restart(pb::EventColumns* columns, Interner* interner);
  // About how many bytes the chunk has grown by, what the interner took aside.
  size_t Add(const CorrelatedEvent& event);

 private:
  // All that two events of one shape have in common, as bytes to compare.
  struct Key;
  // False: more than a key holds, the event gets a shape of its own.
  bool MakeKey(const CorrelatedEvent& event);
  uint32_t NewShape(const CorrelatedEvent& event);
  void AddRaw(uint32_t shape, absl::Span<const uint8_t> raw);
  void AddHeaders(const PacketHeaders& headers);

  pb::EventColumns* columns_ = nullptr;
  Interner* interner_ = nullptr;
  std::unique_ptr<Key> key_;       // of the event in hand
  std::unique_ptr<Key> last_key_;  // of the one before
  bool has_last_ = false;
  uint32_t last_shape_ = 0;
  absl::flat_hash_map<std::string, uint32_t> shapes_;
  uint64_t last_time_ns_ = 0;
};

// DataLoss names the first thing that is wrong: indexes out of range, columns that do not fit
// together.
absl::Status CheckEventColumns(const pb::EventColumns& columns, const pb::Interned& interned);

class EventColumnsReader {
 public:
  // What shapes refer to, of the same chunk; borrowed while it is read.
  struct Tables {
    const pb::Interned* interned = nullptr;
    absl::Span<const Frame> frames;
    absl::Span<const Stack> stacks;
    absl::Span<const Attribution> attributions;
    absl::Span<const HookLook> looks;
  };
  // Hands over each event, in order, until the receiver says false. `columns` passed
  // CheckEventColumns. The event and what it points to live until the receiver returns.
  void Read(const pb::EventColumns& columns, const Tables& tables,
            absl::FunctionRef<const EventFormat*(uint32_t id)> format,
            absl::FunctionRef<bool(const CorrelatedEvent&)> receiver);

 private:
  struct Shape {
    CorrelatedEvent event;
    std::vector<uint8_t> raw;
    std::vector<CodePointer> code_pointers;
    Packet packet;
    uint64_t changed_words = 0;  // of raw, by the event before
  };
  std::vector<Shape> shapes_;
};

}  // namespace correlate

#endif  // PROTO_EVENT_COLUMNS_H_
