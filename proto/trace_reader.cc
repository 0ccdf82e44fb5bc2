#include "proto/trace_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "proto/chunk_stream.h"
#include "proto/chunks_ahead.h"
#include "proto/payload_decoder.h"
#include "proto/trace.pb.h"

namespace correlate {
namespace {

// Each recording in a file is looked for once in all that follows, so a hostile file of many
// recordings would cost the square of its size.
constexpr int kMostLooksAhead = 16;
// A second pass over the same bytes, to look for tables ahead; null where there is none (a pipe).
using Reopen = std::function<std::unique_ptr<ByteSource>()>;

class Reader {
 public:
  Reader(std::unique_ptr<ByteSource> source, ChunksAhead::Threads threads, Reopen reopen)
      : chunks_(std::move(source), threads), reopen_(std::move(reopen)) {}

  absl::StatusOr<ReadSummary> Run(TraceSink& sink, const std::function<void(uint64_t)>& progress) {
    ReadSummary summary;
    for (;;) {
      if (!sink.WantsMore()) {
        summary.stopped_early = true;
        chunks_.Stop();
        break;
      }
      ASSIGN_OR_RETURN(std::unique_ptr<ParsedChunk> chunk, chunks_.Next());
      if (chunk == nullptr) break;
      Recording& recording = recordings_[chunk->header.recording_id];
      CountGap(chunk->header, recording, &summary);
      FindFormatsAhead(*chunk, &recording, sink);
      decoder_.Decode(chunk->payload, &recording.tables, sink);
      if (progress) progress(chunk->end);
      chunks_.GiveBack(std::move(chunk));
    }
    const ChunkStream& stream = chunks_.stream();
    summary.bytes = stream.bytes();
    summary.chunks = stream.chunks();
    summary.skipped_bytes = stream.skipped_bytes();
    summary.recordings = recordings_.size();
    summary.saw_chunk = stream.saw_chunk();
    summary.ended = !recordings_.empty();
    for (const auto& [id, recording] : recordings_) summary.ended &= recording.ended;
    summary.problems = stream.problems();
    return summary;
  }

 private:
  struct Recording {
    uint64_t next_sequence = 0;
    bool ended = false;
    RecordingTables tables;
  };

  void CountGap(const ChunkHeader& header, Recording& recording, ReadSummary* summary) {
    if (header.sequence > recording.next_sequence) {
      const uint64_t missing = header.sequence - recording.next_sequence;
      // Only hostile numbers get there; the sum must not come round to 0.
      summary->missing_chunks += std::min(missing, UINT64_MAX - summary->missing_chunks);
    }
    recording.next_sequence = std::max(recording.next_sequence, header.sequence + 1);
    recording.ended |= header.last;
  }

  static std::set<uint32_t> UnknownFormats(const pb::Payload& payload,
                                           const RecordingTables& tables) {
    std::set<uint32_t> unknown;
    for (const pb::EventShape& shape : payload.events().shapes()) {
      if (!tables.formats.contains(shape.format())) unknown.insert(shape.format());
    }
    for (const pb::Format& format : payload.formats()) unknown.erase(format.id());
    return unknown;
  }

  // When the chunk that held an event's format is gone, a later one holds it again. The first with
  // tables need not: it holds what there was by then.
  void FindFormatsAhead(const ParsedChunk& wanted, Recording* recording, TraceSink& sink) {
    if (!reopen_ || looks_ahead_ >= kMostLooksAhead) return;
    std::set<uint32_t> unknown = UnknownFormats(wanted.payload, recording->tables);
    if (unknown.empty()) return;
    ++looks_ahead_;
    std::unique_ptr<ByteSource> source = reopen_();
    if (source == nullptr) return;
    ChunksAhead chunks(std::move(source), ChunksAhead::Threads::kNone);
    for (auto chunk = chunks.Next(); chunk.ok() && *chunk != nullptr && !unknown.empty();
         chunk = chunks.Next()) {
      const ChunkHeader& header = (*chunk)->header;
      if (header.recording_id != wanted.header.recording_id ||
          header.sequence <= wanted.header.sequence) {
        continue;
      }
      PayloadDecoder::DecodeFormats((*chunk)->payload, &recording->tables, sink);
      for (const pb::Format& format : (*chunk)->payload.formats()) unknown.erase(format.id());
    }
  }

  ChunksAhead chunks_;
  const Reopen reopen_;
  std::map<std::string, Recording> recordings_;  // by id; nodes do not move
  PayloadDecoder decoder_;
  int looks_ahead_ = 0;
};

absl::Status NotATrace(const std::string& name, const ReadSummary& summary) {
  if (summary.bytes == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is empty; make a trace with `bpftrace-correlate record`"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(name, " holds no readable part of a trace (", summary.bytes,
                   " bytes looked at); is it a file of `bpftrace-correlate record`?"));
}

}  // namespace

std::string ReadSummary::Describe() const {
  if (!damaged()) return "";
  std::string text;
  if (skipped_bytes > 0) {
    absl::StrAppend(&text, skipped_bytes, " of ", bytes, " bytes are damaged and were skipped");
  }
  if (missing_chunks > 0) {
    absl::StrAppend(&text, text.empty() ? "" : "; ", missing_chunks, " chunks are missing");
  }
  if (!ended) absl::StrAppend(&text, text.empty() ? "" : "; ", "the trace was cut short");
  if (!problems.empty()) absl::StrAppend(&text, " (", problems.front(), ")");
  return text;
}

absl::StatusOr<ReadSummary> ReadTraceFile(
    const std::string& path, TraceSink& sink,
    const std::function<void(uint64_t done, uint64_t all)>& progress) {
  const bool is_stdin = path == "-";
  const std::string name = is_stdin ? "stdin" : path;
  ScopedFd fd(is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                       : open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return ErrnoStatus(errno, name,
                       errno == ENOENT ? "make a trace with `bpftrace-correlate record`" : "");
  }
  struct stat info = {};
  Reopen reopen;
  uint64_t all = 0;
  if (!is_stdin && fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode)) {
    all = static_cast<uint64_t>(info.st_size);
    reopen = [path]() -> std::unique_ptr<ByteSource> {
      ScopedFd again(open(path.c_str(), O_RDONLY | O_CLOEXEC));
      return again.valid() ? FdSource(std::move(again), path) : nullptr;
    };
  }
  std::unique_ptr<ByteSource> source = FdSource(std::move(fd), name);
  ASSIGN_OR_RETURN(ReadSummary summary,
                   Reader(std::move(source), ChunksAhead::Threads::kOne, std::move(reopen))
                       .Run(sink, [&](uint64_t done) {
                         if (progress) progress(done, all);
                       }));
  // A short trace is a single chunk: damaged, it is still a damaged trace.
  if (!summary.saw_chunk && !summary.stopped_early) return NotATrace(name, summary);
  return summary;
}

ReadSummary ReadTraceBytes(absl::string_view bytes, TraceSink& sink) {
  // Reading memory cannot fail.
  return *Reader(MemorySource(bytes), ChunksAhead::Threads::kNone, [bytes] {
            return MemorySource(bytes);
          }).Run(sink, nullptr);
}

}  // namespace correlate
