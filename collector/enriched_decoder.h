// Records of the companion BPF programs (enriched_record.h) to samples of the tracepoint that they
// stand for: the tracepoint's fields are put where its format has them, so that everything after
// this point has one way for plain and enriched events. Pure but for its buffers. One thread.
#ifndef COLLECTOR_ENRICHED_DECODER_H_
#define COLLECTOR_ENRICHED_DECODER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "collector/event.h"

struct enriched_event;

namespace correlate {

class EnrichedDecoder {
 public:
  // `format` is that of skb:kfree_skb or xdp:xdp_exception as this host has it.
  explicit EnrichedDecoder(const EventFormat& format);
  EnrichedDecoder(EnrichedDecoder&&) noexcept;
  EnrichedDecoder& operator=(EnrichedDecoder&&) noexcept;
  ~EnrichedDecoder();

  // Replaces sample->raw, which is a record of the BPF program, by the tracepoint's and sets
  // sample->enrichment; both live until the next call. False: no such record.
  bool Decode(TracepointSample* sample);

 private:
  struct Slot {
    size_t offset = 0;
    size_t size = 0;  // 0: this host's format has no such field
  };
  // What many events have in common, decoded once.
  struct Common;
  static Slot Find(const EventFormat& format, const char* name);
  void Put(const Slot& slot, uint64_t value);
  Common& CommonOf(const enriched_event& event, absl::Span<const uint8_t> walk);

  Slot skb_, location_, rx_sk_, protocol_, reason_, program_id_, act_, ifindex_, common_pid_;
  CapturedPacket CapturedBy(absl::Span<const uint8_t> record);

  std::vector<uint8_t> raw_;
  std::vector<uint8_t> tagged_;  // a captured packet with its VLAN tag back in place
  std::vector<std::unique_ptr<Common>> common_;  // by hash; a later one takes the place of another
  uint64_t last_place_id_;
};

}  // namespace correlate

#endif  // COLLECTOR_ENRICHED_DECODER_H_
