#include "proto/chunks_ahead.h"

#include <system_error>
#include <utility>

#include "base/status_macros.h"
#include "proto/payload_decoder.h"

namespace correlate {
namespace {

// Of payloads that wait: some eight of the size that the writer makes.
constexpr size_t kMostWaitingBytes = 2 << 20;
constexpr size_t kMostSpare = 8;
constexpr size_t kMostSpareBytes = 1 << 20;
// Recordings in one file, each of which takes some memory until the end. `cat` of a day in minutes
// has 1440.
constexpr size_t kMostRecordings = 1 << 16;

// DataLoss says why no reader may use it.
absl::Status ParseChunk(const std::string& payload, ParsedChunk* chunk) {
  if (chunk->header.sequence == UINT64_MAX) {
    return absl::DataLossError("a chunk's number is too large");
  }
  RETURN_IF_ERROR(CheckMessageCount(payload));
  if (!chunk->payload.ParseFromString(payload)) {
    return absl::DataLossError("a payload is no protobuf message");
  }
  chunk->payload_bytes = payload.size();
  chunk->unknown_entries = static_cast<size_t>(
      chunk->payload.GetReflection()->GetUnknownFields(chunk->payload).field_count());
  return CheckPayload(chunk->payload);
}

}  // namespace

ChunksAhead::ChunksAhead(std::unique_ptr<ByteSource> source, Threads threads)
    : stream_(std::move(source)) {
  if (threads == Threads::kNone) return;
  try {
    thread_ = std::thread([this] { ReadAll(); });
  } catch (const std::system_error&) {  // no thread to be had: it goes without
  }
}

absl::StatusOr<std::unique_ptr<ParsedChunk>> ChunksAhead::Read() {
  for (;;) {
    std::unique_ptr<ParsedChunk> chunk = TakeSpare();
    ASSIGN_OR_RETURN(const bool more, stream_.Next(&chunk->header, &payload_));
    if (!more) return nullptr;
    absl::Status usable = ParseChunk(payload_, chunk.get());
    if (usable.ok() && recordings_.size() >= kMostRecordings &&
        !recordings_.contains(chunk->header.recording_id)) {
      usable = absl::DataLossError("one recording more than a file may hold");
    }
    if (usable.ok()) {
      recordings_.insert(chunk->header.recording_id);
      chunk->end = stream_.bytes();
      return chunk;
    }
    stream_.Reject(usable.message());
  }
}

std::unique_ptr<ParsedChunk> ChunksAhead::TakeSpare() {
  const std::lock_guard lock(mutex_);
  if (spare_.empty()) return std::make_unique<ParsedChunk>();
  std::unique_ptr<ParsedChunk> chunk = std::move(spare_.back());
  spare_.pop_back();
  return chunk;
}

void ChunksAhead::GiveBack(std::unique_ptr<ParsedChunk> chunk) {
  // A message keeps what its largest chunk took.
  if (chunk->payload_bytes > kMostSpareBytes) return;
  const std::lock_guard lock(mutex_);
  if (spare_.size() < kMostSpare) spare_.push_back(std::move(chunk));
}

void ChunksAhead::ReadAll() {
  for (bool more = true; more;) {
    auto chunk = Read();
    std::unique_lock lock(mutex_);
    if (!chunk.ok()) {
      failure_ = chunk.status();
    } else if (*chunk != nullptr) {
      waiting_bytes_ += (*chunk)->payload_bytes;
      waiting_.push_back(std::move(chunk).value());
      changed_.notify_one();
      changed_.wait(lock, [this] { return stop_ || waiting_bytes_ <= kMostWaitingBytes; });
      if (!stop_) continue;
    }
    ended_ = true;
    more = false;
    changed_.notify_one();
  }
}

absl::StatusOr<std::unique_ptr<ParsedChunk>> ChunksAhead::Next() {
  if (!thread_.joinable()) return Read();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ended_ || !waiting_.empty(); });
  if (waiting_.empty()) {
    lock.unlock();
    Stop();
    RETURN_IF_ERROR(failure_);
    return nullptr;
  }
  std::unique_ptr<ParsedChunk> chunk = std::move(waiting_.front());
  waiting_.pop_front();
  waiting_bytes_ -= chunk->payload_bytes;
  changed_.notify_one();
  return chunk;
}

void ChunksAhead::Stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

}  // namespace correlate
