#include "proto/trace_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <ostream>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "proto/chunk_decoding.h"
#include "proto/chunk_stream.h"
#include "proto/chunks_ahead.h"

namespace correlate {
namespace {

void Summarize(const ChunkStream& stream, const ChunkDecoding& decoding, ReadSummary* summary) {
  summary->bytes = stream.bytes();
  summary->chunks = stream.chunks();
  summary->skipped_bytes = stream.skipped_bytes();
  summary->missing_chunks = decoding.missing_chunks();
  summary->recordings = decoding.recordings();
  summary->saw_chunk = stream.saw_chunk();
  summary->ended = decoding.ended();
  summary->problems = stream.problems();
}

// Each holds a chunk's text.
constexpr size_t kMostLanes = 8;

absl::StatusOr<ReadSummary> Read(std::unique_ptr<ByteSource> source, ChunksAhead::Threads threads,
                                 Reopen reopen, TraceSink& sink,
                                 const std::function<void(uint64_t done)>& progress) {
  ChunksAhead chunks(std::move(source), threads);
  ChunkDecoding decoding(std::move(reopen));
  ReadSummary summary;
  for (;;) {
    if (!sink.WantsMore()) {
      summary.stopped_early = true;
      chunks.Stop();
      break;
    }
    ASSIGN_OR_RETURN(std::unique_ptr<ParsedChunk> chunk, chunks.Next());
    if (chunk == nullptr) break;
    decoding.Decode(*chunk, sink);
    summary.unknown_entries += chunk->unknown_entries;
    if (progress) progress(chunk->end);
    chunks.GiveBack(std::move(chunk));
  }
  Summarize(chunks.stream(), decoding, &summary);
  return summary;
}

// A trace on disk, or stdin.
struct TraceFile {
  std::string name;
  std::unique_ptr<ByteSource> source;
  Reopen reopen;           // null: it can be read once
  uint64_t all_bytes = 0;  // 0: unknown
};

absl::StatusOr<TraceFile> OpenTrace(const std::string& path) {
  const bool is_stdin = path == "-";
  TraceFile file = {.name = is_stdin ? "stdin" : path};
  ScopedFd fd(is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                       : open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return ErrnoStatus(errno, file.name,
                       errno == ENOENT ? "make a trace with `bpftrace-correlate record`" : "");
  }
  struct stat info = {};
  if (!is_stdin && fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode)) {
    file.all_bytes = static_cast<uint64_t>(info.st_size);
    file.reopen = [path]() -> std::unique_ptr<ByteSource> {
      ScopedFd again(open(path.c_str(), O_RDONLY | O_CLOEXEC));
      return again.valid() ? FdSource(std::move(again), path) : nullptr;
    };
  }
  file.source = FdSource(std::move(fd), file.name);
  return file;
}

// What another process appends to.
class GrowingSource : public ByteSource {
 public:
  GrowingSource(std::unique_ptr<ByteSource> file, const std::function<FollowHooks::Wait()>& wait)
      : file_(std::move(file)), wait_(wait) {}

  absl::StatusOr<size_t> Read(size_t most, std::string* buffer) override {
    for (;;) {
      ASSIGN_OR_RETURN(const size_t bytes, file_->Read(most, buffer));
      if (bytes > 0) return bytes;
      const FollowHooks::Wait wait = wait_();
      if (wait == FollowHooks::Wait::kEnd) return 0;
      if (wait == FollowHooks::Wait::kStop) return absl::CancelledError("stopped");
    }
  }

 private:
  const std::unique_ptr<ByteSource> file_;
  const std::function<FollowHooks::Wait()>& wait_;
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

std::string ReadSummary::DescribeUnknown() const {
  if (unknown_entries == 0) return "";
  return absl::StrCat(unknown_entries,
                      " entries are of kinds that this version does not know, and are left out; a "
                      "newer one reads them");
}

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
  ASSIGN_OR_RETURN(TraceFile file, OpenTrace(path));
  ASSIGN_OR_RETURN(ReadSummary summary, Read(std::move(file.source), ChunksAhead::Threads::kOne,
                                             file.reopen, sink, [&](uint64_t done) {
                                               if (progress) progress(done, file.all_bytes);
                                             }));
  // A short trace is a single chunk: damaged, it is still a damaged trace.
  if (!summary.saw_chunk && !summary.stopped_early) return NotATrace(file.name, summary);
  return summary;
}

absl::StatusOr<ReadSummary> FollowTraceFile(const std::string& path, TraceSink& sink,
                                            const FollowHooks& hooks) {
  ScopedFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, path);
  ChunksAhead chunks(std::make_unique<GrowingSource>(FdSource(std::move(fd), path), hooks.wait),
                     ChunksAhead::Threads::kNone);
  ChunkDecoding decoding(nullptr);
  ReadSummary summary;
  for (bool last = false; !last;) {
    if (!sink.WantsMore()) {
      summary.stopped_early = true;
      break;
    }
    auto next = chunks.Next();
    if (absl::IsCancelled(next.status())) {
      summary.stopped_early = true;
      break;
    }
    ASSIGN_OR_RETURN(std::unique_ptr<ParsedChunk> chunk, std::move(next));
    if (chunk == nullptr) break;
    last = chunk->header.last;
    hooks.before(chunk->header);
    decoding.Decode(*chunk, sink);
    summary.unknown_entries += chunk->unknown_entries;
    hooks.after(chunk->header);
    chunks.GiveBack(std::move(chunk));
  }
  Summarize(chunks.stream(), decoding, &summary);
  return summary;
}

absl::StatusOr<ReadSummary> PrintTraceFile(
    const std::string& path, const PrintingLanes::MakePrinter& make, std::ostream& out,
    const std::function<void(uint64_t done, uint64_t all)>& progress) {
  const size_t cpus = std::thread::hardware_concurrency();
  if (path == "-" || cpus < 2) return ReadTraceFile(path, *make(out), progress);
  ASSIGN_OR_RETURN(TraceFile file, OpenTrace(path));
  // What is not on disk may still be growing, and is to be seen as it comes.
  if (!file.reopen) return ReadTraceFile(path, *make(out), progress);
  PrintingLanes lanes(std::min(cpus, kMostLanes), make, file.reopen, &out);
  if (lanes.empty()) return ReadTraceFile(path, *make(out), progress);
  ChunksAhead chunks(std::move(file.source), ChunksAhead::Threads::kOne);
  ReadSummary summary;
  while (out.good()) {
    ASSIGN_OR_RETURN(std::unique_ptr<ParsedChunk> chunk, chunks.Next());
    if (chunk == nullptr) break;
    if (progress) progress(chunk->end, file.all_bytes);
    summary.unknown_entries += chunk->unknown_entries;
    lanes.Take(std::move(chunk));
  }
  summary.stopped_early = !out.good();
  if (summary.stopped_early) chunks.Stop();
  lanes.Finish();
  Summarize(chunks.stream(), lanes.decoding(), &summary);
  if (!summary.saw_chunk && !summary.stopped_early) return NotATrace(file.name, summary);
  return summary;
}

ReadSummary ReadTraceBytes(absl::string_view bytes, TraceSink& sink) {
  // Reading memory cannot fail.
  return *Read(
      MemorySource(bytes), ChunksAhead::Threads::kNone, [bytes] { return MemorySource(bytes); },
      sink, nullptr);
}

}  // namespace correlate
