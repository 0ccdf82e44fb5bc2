#include "proto/trace_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "proto/chunk_stream.h"
#include "proto/payload_decoder.h"
#include "proto/trace.pb.h"

namespace correlate {
namespace {

// A second pass over the same bytes, to look for tables ahead; null where there is none (a pipe).
using Reopen = std::function<std::unique_ptr<ByteSource>()>;

class Reader {
 public:
  Reader(std::unique_ptr<ByteSource> source, Reopen reopen)
      : stream_(std::move(source)), reopen_(std::move(reopen)) {}

  absl::StatusOr<ReadSummary> Run(TraceSink& sink) {
    ReadSummary summary;
    ChunkHeader header;
    std::string payload;
    for (;;) {
      if (!sink.WantsMore()) {
        summary.stopped_early = true;
        break;
      }
      ASSIGN_OR_RETURN(const bool more, stream_.Next(&header, &payload));
      if (!more) break;
      pb::Payload message;
      absl::Status usable = absl::DataLossError("a payload is no protobuf message");
      if (message.ParseFromString(payload)) usable = CheckPayload(message);
      if (!usable.ok()) {
        stream_.Reject(usable.message());
        continue;
      }
      Recording& recording = recordings_[header.recording_id];
      CountGap(header, recording, &summary);
      FindFormatsAhead(header, message, &recording);
      recording.decoder.Decode(message, &recording.formats, sink);
    }
    summary.bytes = stream_.bytes();
    summary.chunks = stream_.chunks();
    summary.skipped_bytes = stream_.skipped_bytes();
    summary.recordings = recordings_.size();
    summary.ended = !recordings_.empty();
    for (const auto& [id, recording] : recordings_) summary.ended &= recording.ended;
    summary.problems.insert(summary.problems.end(), stream_.problems().begin(),
                            stream_.problems().end());
    return summary;
  }

 private:
  struct Recording {
    uint64_t next_sequence = 0;
    bool ended = false;
    bool looked_ahead = false;
    FormatTable formats;
    PayloadDecoder decoder;
  };

  void CountGap(const ChunkHeader& header, Recording& recording, ReadSummary* summary) {
    if (header.sequence > recording.next_sequence) {
      summary->missing_chunks += header.sequence - recording.next_sequence;
    }
    recording.next_sequence = std::max(recording.next_sequence, header.sequence + 1);
    recording.ended |= header.last;
  }

  // When the chunk that held an event's format is gone, a later one holds it again.
  void FindFormatsAhead(const ChunkHeader& wanted, const pb::Payload& payload,
                        Recording* recording) {
    if (recording->looked_ahead || !reopen_) return;
    absl::flat_hash_map<uint32_t, bool> here;
    for (const pb::Format& format : payload.formats()) here[format.id()] = true;
    bool missing = false;
    for (const pb::Event& event : payload.events()) {
      missing |= !here.contains(event.format()) && !recording->formats.contains(event.format());
    }
    if (!missing) return;
    recording->looked_ahead = true;
    std::unique_ptr<ByteSource> source = reopen_();
    if (source == nullptr) return;
    ChunkStream stream(std::move(source));
    ChunkHeader header;
    std::string bytes;
    for (auto more = stream.Next(&header, &bytes); more.ok() && *more;
         more = stream.Next(&header, &bytes)) {
      if (!header.has_tables || header.recording_id != wanted.recording_id) continue;
      pb::Payload tables;
      if (!tables.ParseFromString(bytes)) continue;
      tables.mutable_events()->Clear();
      pb::Payload formats_alone;
      formats_alone.mutable_formats()->Swap(tables.mutable_formats());
      TraceSink nobody;
      recording->decoder.Decode(formats_alone, &recording->formats, nobody);
      return;
    }
  }

  ChunkStream stream_;
  const Reopen reopen_;
  std::map<std::string, Recording> recordings_;  // by id; nodes do not move
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

absl::StatusOr<ReadSummary> ReadTraceFile(const std::string& path, TraceSink& sink) {
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
  if (!is_stdin && fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode)) {
    reopen = [path]() -> std::unique_ptr<ByteSource> {
      ScopedFd again(open(path.c_str(), O_RDONLY | O_CLOEXEC));
      return again.valid() ? FdSource(std::move(again), path) : nullptr;
    };
  }
  ASSIGN_OR_RETURN(ReadSummary summary,
                   Reader(FdSource(std::move(fd), name), std::move(reopen)).Run(sink));
  if (summary.chunks == 0 && !summary.stopped_early) return NotATrace(name, summary);
  return summary;
}

ReadSummary ReadTraceBytes(absl::string_view bytes, TraceSink& sink) {
  // Reading memory cannot fail.
  return *Reader(MemorySource(bytes), [bytes] { return MemorySource(bytes); }).Run(sink);
}

}  // namespace correlate
