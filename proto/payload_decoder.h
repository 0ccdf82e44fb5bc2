// One chunk's Payload -> calls of a TraceSink. Checks every index before anything is handed over,
// so that a payload is used as a whole or not at all. One thread.
#ifndef PROTO_PAYLOAD_DECODER_H_
#define PROTO_PAYLOAD_DECODER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "proto/event_columns.h"
#include "proto/trace.pb.h"
#include "symbolize/trace_sink.h"

namespace correlate {

// What is kept of one recording from chunk to chunk.
struct RecordingTables {
  // By Format.id. Entries never move.
  absl::flat_hash_map<uint32_t, std::unique_ptr<EventFormat>> formats;
  bool seen_recording = false;  // RecordingFacts go to the sink once
};

// Kernel tracepoints have 16-bit numbers (perf's common_type), so no recording has more formats.
inline constexpr uint32_t kMostFormats = 1 << 16;
// The serialized payload holds no more messages than are worth their memory: 2 bytes of a hostile
// file could become 200 in memory. Looks only at payloads longer than any but tables are.
absl::Status CheckMessageCount(absl::string_view payload);

// DataLoss names the first thing that is wrong.
absl::Status CheckPayload(const pb::Payload& payload);

// One for all recordings of a file: the ids of frames, stacks and attributions are then unique for
// the sink, and what the last chunk needed is held once.
class PayloadDecoder {
 public:
  // Hands over tables first, then events in order, then losses, counts and the end. `tables` gets
  // what the payload holds of them. The payload passed CheckPayload.
  void Decode(const pb::Payload& payload, RecordingTables* tables, TraceSink& sink);
  // Only the tables.
  static void DecodeTables(const pb::Payload& payload, RecordingTables* tables, TraceSink& sink);
  // Only the formats, and only those that are not known yet.
  static void DecodeFormats(const pb::Payload& payload, RecordingTables* tables, TraceSink& sink);

 private:
  void DecodeInterned(const pb::Interned& interned);
  void DecodeEvents(const pb::Payload& payload, RecordingTables* tables, TraceSink& sink);
  void DecodeKinds(const pb::Payload& payload, RecordingTables* tables, TraceSink& sink);
  static const EventFormat* FormatOf(uint32_t id, RecordingTables* tables);

  std::vector<Frame> frames_;
  std::vector<Stack> stacks_;
  std::vector<Attribution> attributions_;
  std::vector<HookLook> looks_;
  EventColumnsReader events_;
  uint64_t next_id_ = 1;
};

}  // namespace correlate

#endif  // PROTO_PAYLOAD_DECODER_H_
