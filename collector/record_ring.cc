#include "collector/record_ring.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/errno_status.h"
#include "collector/ring_record.h"

namespace correlate {

void RecordRing::FreeRing::operator()(ring_buffer* ring) const { ring_buffer__free(ring); }

RecordRing::~RecordRing() = default;

absl::StatusOr<std::unique_ptr<RecordRing>> RecordRing::Create(size_t bytes) {
  ScopedFd map(
      bpf_map_create(BPF_MAP_TYPE_RINGBUF, "records", 0, 0, static_cast<uint32_t>(bytes), nullptr));
  if (!map.valid()) return ErrnoStatus(errno, "a BPF ring buffer");
  std::unique_ptr<RecordRing> ring(new RecordRing(bytes, std::move(map)));
  ring->ring_.reset(ring_buffer__new(ring->map_.get(), OnRecord, ring.get(), nullptr));
  if (ring->ring_ == nullptr) return ErrnoStatus(errno, "mapping a BPF ring buffer");
  return ring;
}

// Less than 0 ends a pass: the kernel keeps writing meanwhile, and one ring's worth of bytes covers
// everything that was there at the start.
int RecordRing::OnRecord(void* self, void* data, size_t bytes) {
  auto* ring = static_cast<RecordRing*>(self);
  const absl::Span<const uint8_t> record(static_cast<const uint8_t*>(data), bytes);
  if (bytes > RING_PADDING_BYTES) (*ring->receiver_)(record.subspan(RING_PADDING_BYTES));
  ring->left_ -= std::min(ring->left_, bytes);
  return ring->left_ > 0 ? 0 : -ECANCELED;
}

bool RecordRing::Drain(size_t most_bytes,
                       absl::FunctionRef<void(absl::Span<const uint8_t>)> receiver) {
  left_ = std::min(most_bytes, bytes_);
  if (left_ == 0) return false;
  receiver_ = &receiver;
  ring_buffer__consume(ring_.get());
  receiver_ = nullptr;
  return left_ > 0 || most_bytes >= bytes_;
}

}  // namespace correlate
