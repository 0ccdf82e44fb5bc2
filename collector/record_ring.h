// The BPF ring buffer of one CPU (BPF_MAP_TYPE_RINGBUF, Linux 5.8), into which the companion
// program puts records without a callchain: ring_record.h. Through libbpf.
//
// Owns the map and its mapping; both end with it, the map once no program's map of maps has it.
// One thread. Privileges: CAP_BPF, and memory (before Linux 5.11 within RLIMIT_MEMLOCK).
#ifndef COLLECTOR_RECORD_RING_H_
#define COLLECTOR_RECORD_RING_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/scoped_fd.h"

struct ring_buffer;

namespace correlate {

class RecordRing {
 public:
  // `bytes`: a power of two, at least a page.
  static absl::StatusOr<std::unique_ptr<RecordRing>> Create(size_t bytes);
  ~RecordRing();
  RecordRing(const RecordRing&) = delete;
  RecordRing& operator=(const RecordRing&) = delete;

  // Hands out every record that was in the ring when the call began, and perhaps some more; false
  // if it ended before, after some `most_bytes`. The span, a PERF_RECORD_SAMPLE, lives until the
  // receiver returns.
  bool Drain(size_t most_bytes, absl::FunctionRef<void(absl::Span<const uint8_t> record)> receiver);

  // Readable while a record waits; woken where the program asks for it. To be waited for with
  // EPOLLET, else one record is as good as many.
  int map_fd() const { return map_.get(); }

 private:
  struct FreeRing {
    void operator()(ring_buffer* ring) const;
  };
  RecordRing(size_t bytes, ScopedFd map) : bytes_(bytes), map_(std::move(map)) {}
  static int OnRecord(void* self, void* data, size_t bytes);

  const size_t bytes_;
  const ScopedFd map_;
  std::unique_ptr<ring_buffer, FreeRing> ring_;
  absl::FunctionRef<void(absl::Span<const uint8_t>)>* receiver_ = nullptr;  // during a Drain()
  size_t left_ = 0;                                                         // of it, bytes
};

}  // namespace correlate

#endif  // COLLECTOR_RECORD_RING_H_
