// Any bytes as a record of the companion BPF programs: one byte chooses the tracepoint's format.
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "collector/enriched_decoder.h"
#include "collector/enriched_record.h"
#include "tests/fuzz/planted_bug.h"

namespace {

using correlate::EnrichedDecoder;
using correlate::EventFormat;

EventFormat Format(std::vector<correlate::FormatField> fields) {
  EventFormat format;
  format.fields = std::move(fields);
  format.fields.push_back({.name = "common_pid", .offset = 4, .size = 4});
  return format;
}

std::array<EnrichedDecoder, 3>& Decoders() {
  static std::array<EnrichedDecoder, 3> decoders = {
      EnrichedDecoder(Format({{.name = "skbaddr", .offset = 8, .size = 8},
                              {.name = "location", .offset = 16, .size = 8},
                              {.name = "rx_sk", .offset = 24, .size = 8},
                              {.name = "protocol", .offset = 32, .size = 2},
                              {.name = "reason", .offset = 36, .size = 4}})),
      EnrichedDecoder(Format({{.name = "prog_id", .offset = 8, .size = 4},
                              {.name = "act", .offset = 12, .size = 4},
                              {.name = "ifindex", .offset = 16, .size = 4}})),
      EnrichedDecoder(EventFormat()),
  };
  return decoders;
}

void Require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  auto& decoders = Decoders();
  correlate::TracepointSample sample;
  sample.raw = {data + 1, size - 1};
  if (!decoders[data[0] % decoders.size()].Decode(&sample)) return 0;
  // What the decoder hands out must be its own: AddressSanitizer sees every byte read.
  volatile uint64_t sum = 0;
  for (const uint8_t byte : sample.raw) sum = sum + byte;
  const correlate::Packet& packet = sample.enrichment->packet;
  Require(packet.ifname.size() <= ENRICHED_IFNAME_BYTES);
  Require(packet.has_vlan || packet.vlan_id == 0);
  const correlate::CapturedPacket& captured = sample.enrichment->captured;
  for (const uint8_t byte : captured.bytes) sum = sum + byte;
  Require(captured.bytes.size() <= captured.wire_bytes);
  const correlate::HookWalk& walk = sample.enrichment->walk;
  Require(walk.entries.size() <= ENRICHED_MOST_ENTRIES);
  correlate::PlantedBug(walk.entries.size() > 5 && packet.has_vlan);
  for (const auto& entry : walk.entries) {
    Require(entry.classifier.size() <= ENRICHED_CLASSIFIER_BYTES);
  }
  return 0;
}
