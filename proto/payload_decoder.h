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
#include "proto/trace.pb.h"
#include "symbolize/trace_sink.h"

namespace correlate {

// The formats of one recording, by Format.id. Entries never move.
using FormatTable = absl::flat_hash_map<uint32_t, std::unique_ptr<EventFormat>>;

// DataLoss names the first thing that is wrong.
absl::Status CheckPayload(const pb::Payload& payload);

class PayloadDecoder {
 public:
  // Hands over tables first, then events in order, then losses, counts and the end. `formats` gets
  // what the payload holds of them. The payload passed CheckPayload.
  void Decode(const pb::Payload& payload, FormatTable* formats, TraceSink& sink);
  bool seen_recording = false;  // RecordingFacts go to the sink once a recording

 private:
  void DecodeTables(const pb::Payload& payload, FormatTable* formats, TraceSink& sink);
  void DecodeInterned(const pb::Interned& interned);
  void DecodeEvents(const pb::Payload& payload, FormatTable* formats, TraceSink& sink);

  std::vector<Frame> frames_;
  std::vector<Stack> stacks_;
  std::vector<Attribution> attributions_;
  std::vector<HookLook> looks_;
  Packet packet_;  // of the event in hand
  std::vector<CodePointer> code_pointers_;
  uint64_t next_id_ = 1;
};

}  // namespace correlate

#endif  // PROTO_PAYLOAD_DECODER_H_
